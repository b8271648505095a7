"""A relay for tests that does what a script says at each stage of each session, threads on a socket."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

Script = Callable[["Session", str], str | Iterator[bytes] | None]
"""Given the session and the stage (`greet ehlo mail rcpt data dot quit rset`), the reply to give, or the bytes to write
one after another; None hangs up. It may block for as long as it likes."""

_USUAL = {"greet": "220 ready", "data": "354 go on", "quit": "221 bye"}


def usual(_session: "Session", stage: str) -> str | None:
    """What a relay that takes everything answers."""
    return _USUAL.get(stage, "250 ok")


@dataclass
class Session:
    """One connection: its number from 0, the present recipient, and how many mails it has had."""

    number: int
    to: str = ""
    mails: int = 0


class ScriptedRelay:
    """Serves on 127.0.0.1 for the time of a `with` block. `accepted` holds the recipients of mails answered with 250,
    `dots` those of all mails that came whole, `texts` these mails, `open` how many sessions there are now."""

    def __init__(self, script: Script = usual) -> None:
        self.script = script
        self.accepted: list[str] = []
        self.dots: list[str] = []
        self.texts: list[bytes] = []
        self.sessions = 0
        self.open = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._lines: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> "ScriptedRelay":
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.away()
        for thread in self._threads:
            thread.join(5)

    def away(self) -> None:
        """Go away: nobody listens any more, and every session is cut."""
        # shutdown wakes the thread that waits in accept; close alone does not.
        for line in [self._listener, *self._lines]:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                session = Session(self.sessions)
                self.sessions += 1
                self.open += 1
                self._lines.add(line)
            thread = threading.Thread(target=self._serve, args=(line, session), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket, session: Session) -> None:
        with line, line.makefile("rb") as stream:
            with contextlib.suppress(OSError, ValueError):
                self._talk(session, stream.readline, line.sendall)
            with self._lock:
                self.open -= 1
                self._lines.discard(line)

    def _talk(self, session: Session, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        stage = "greet"
        while True:
            reply = self.script(session, stage)
            if reply is None:
                return
            if not isinstance(reply, str):
                for piece in reply:
                    write(piece)
                reply = ""
            else:
                if stage == "dot" and reply.startswith("250"):
                    self.accepted.append(session.to)
                write(reply.encode() + b"\r\n")
            if stage == "data" and reply.startswith("354"):
                lines = []
                while (text := read()) != b".\r\n":
                    if not text:
                        return
                    lines.append(text.removeprefix(b"."))
                session.mails += 1
                self.dots.append(session.to)
                self.texts.append(b"".join(lines))
                stage = "dot"
                continue
            command = read()
            if not command or stage == "quit":
                return
            stage = command[:4].decode("ascii", "replace").strip().lower()
            if stage == "rcpt":
                session.to = command.decode().split("<")[1].split(">")[0]
