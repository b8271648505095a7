"""How long and how many: the web server's connections may not starve the rest of the process of open files, which
the sender and the database need too."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# Open files are 1,024 on many systems, and each connection is one.
MOST_CONNECTIONS = 500
HEAD_SECONDS = 20.0


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, but a connection on which no whole request head arrives within 20 seconds is closed
    (uvicorn itself would wait for ever), and the one that is too many at once is closed as it comes."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Wait for the next request head from its first byte on; not while a request is answered. (Between two
        requests uvicorn's own keep-alive time counts.)"""
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self.transport.is_closing():
            self._rest()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
