"""The line to a relay: commands out, replies in. Each wait ends at a second given for the whole of it, however little
comes at a time; what was not asked for is never taken for an answer."""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Final

from syndicate.errors import SyndicateError
from syndicate.mail.replies import Answer, NotSmtp, ReplyReader

_PIECE: Final = 16 * 1024
_MOST_PARTS: Final = 1024
"""What one call of the system takes."""

Buffer = bytes | memoryview

_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class HungUp(SyndicateError):
    """The peer closed the connection, or its half of it."""


class OutOfStep(SyndicateError):
    """The peer spoke before it was asked, so that its next words would be taken for the answer to something else.

    `said` is what it said, if that was a whole reply."""

    def __init__(self, said: Answer | None) -> None:
        super().__init__("it spoke before it was asked")
        self.said = said


FAULTS: Final = (OSError, HungUp, OutOfStep, NotSmtp)
"""What may come of a wire (TimeoutError and ssl.SSLError are OSErrors); after any of them it is to be closed."""


class Wire:
    """A connected socket, used by one thread (`shut` by any). Seconds are for the whole of a call; each may raise one
    of FAULTS."""

    def __init__(self, sock: socket.socket) -> None:
        # Never blocks by itself: a time-out on the socket would cost a look before each call, and more to set it.
        sock.setblocking(False)
        self._sock = sock
        self._replies = ReplyReader()
        self._ear, self._mouth = select.poll(), select.poll()
        self._ear.register(sock, select.POLLIN)
        self._mouth.register(sock, select.POLLIN | select.POLLOUT)

    @classmethod
    def dial(cls, host: str, port: int, seconds: float) -> "Wire":
        """Connect to the first address of `host` that answers; each gets its share of the seconds (the look-up of the
        name has its own bounds, those of the system)."""
        end = time.monotonic() + seconds
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failure: OSError | None = None
        for number, (family, kind, protocol, _, address) in enumerate(places):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(_left(end) / (len(places) - number))
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
                continue
            # Else the last segment of each message waits for the acknowledgement of the one before it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return cls(sock)
        raise failure or OSError("its name has no address")

    @property
    def here(self) -> str:
        """Our own end, as a name for EHLO where there is no better one (RFC 5321 §4.1.3)."""
        address = str(self._sock.getsockname()[0]).partition("%")[0]
        return f"[IPv6:{address}]" if self._sock.family == socket.AF_INET6 else f"[{address}]"

    @property
    def in_step(self) -> bool:
        """Whether nothing more came with the last answer."""
        return not self._replies.pending

    def ask(self, command: bytes, seconds: float) -> Answer:
        """Write one command, without its line end, and read the answer to it."""
        end = time.monotonic() + seconds
        self._say([command], end, seconds)
        return self._read(end)

    def say(self, commands: Sequence[bytes], seconds: float) -> None:
        """Write several commands, without their line ends, at once (RFC 2920); each has an `answer`."""
        self._say(commands, time.monotonic() + seconds, seconds)

    def answer(self, seconds: float) -> Answer:
        """Read the answer to what was written (or the greeting)."""
        return self._read(time.monotonic() + seconds)

    def write(self, parts: Sequence[bytes], seconds: float, *, stall: float) -> None:
        """Write all of `parts`, one after another, without a break of more than `stall` seconds.

        Returns when the last byte was handed to the kernel. If it raises, that byte was not: at least one stayed here
        (under TLS: the last record did not leave whole, and the peer can make nothing of a part)."""
        self._write(parts, time.monotonic() + seconds, stall)

    def encrypt(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Go on under TLS with `host`. What came in the clear behind the last answer raises OutOfStep: anybody may
        have written it, and it would be read as if it had come under TLS."""
        if not self.in_step:
            raise OutOfStep(None)
        self._sock.settimeout(seconds)
        self._sock = context.wrap_socket(self._sock, server_hostname=host)
        self._sock.setblocking(False)

    def shut(self) -> None:
        """End it without another byte, from any thread; who waits in a call wakes up with an error."""
        # The plain shutdown, also under TLS: no alert is written.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back. May be called again."""
        self._sock.close()

    def _say(self, commands: Sequence[bytes], end: float, stall: float) -> None:
        if any(b"\r" in command or b"\n" in command for command in commands):
            raise ValueError("a command is one line")
        self._write([b"".join(command + b"\r\n" for command in commands)], end, stall)

    def _write(self, parts: Sequence[bytes], end: float, stall: float) -> None:
        left: Sequence[Buffer] = [part for part in ([b"".join(parts)] if self._encrypted else parts) if part]
        while left:
            seconds = min(_left(end), stall)
            self._check_in_step()
            try:
                sent = self._sock.send(left[0]) if len(left) == 1 else self._sock.sendmsg(left[:_MOST_PARTS])
            except _NOT_NOW as why:
                _await(self._ear if isinstance(why, ssl.SSLWantReadError) else self._mouth, seconds)
            else:
                left = _after(left, sent)

    def _read(self, end: float) -> Answer:
        while (answer := self._replies.take()) is None:
            if not self._inside:
                _await(self._ear, _left(end))
            with contextlib.suppress(*_NOT_NOW):
                self._receive()
        return answer

    def _check_in_step(self) -> None:
        if not self._replies.pending:
            if not (self._inside or self._ear.poll(0)):  # asked before every write: cheaper than a read in vain
                return
            try:
                self._receive()
            except _NOT_NOW:  # TLS had something to say to itself
                return
        raise OutOfStep(self._replies.take())

    @property
    def _encrypted(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket)

    @property
    def _inside(self) -> bool:
        """Whether there is something to read that TLS has already taken from the socket."""
        return isinstance(self._sock, ssl.SSLSocket) and bool(self._sock.pending())

    def _receive(self) -> None:
        data = self._sock.recv(_PIECE)
        if not data:
            raise HungUp("it closed the connection")
        self._replies.feed(data)


def _after(parts: Sequence[Buffer], sent: int) -> Sequence[Buffer]:
    """What is left of `parts` once their first `sent` bytes are gone."""
    for number, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[number + 1 :]]
        sent -= len(part)
    return []


def _await(ears: select.poll, seconds: float) -> None:
    if not ears.poll(max(seconds * 1000, 1)):
        raise TimeoutError("no answer in time")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left
