"""Proxies on 127.0.0.1 that break what passes through them, at moments that the protocol gives: for SMTP and for
PostgreSQL. What they struck is written down, so that a test can judge by name, and see that it met something."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from enum import Enum, auto
from types import TracebackType
from typing import TypeVar

Self = TypeVar("Self", bound="Proxy")
Dial = Callable[[], socket.socket]
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Fault(Enum):
    """What is done to a mail. The first four let the relay have it whole, and answer."""

    LOSE_ANSWER = auto()
    """The answer to the dot is swallowed, and the line closed."""
    RESET = auto()
    """The same, closed with a reset."""
    STALL = auto()
    """The answer to the dot is swallowed, and nothing else happens."""
    TRICKLE = auto()
    """The answer to the dot comes one byte each `pace` seconds."""
    HALF_CLOSE = auto()
    """The client is told that nothing more will come, right behind the 354; what it says goes on to the relay."""
    CUT_BODY = auto()
    """One half of the mail goes on, then both lines are reset. A short mail has been taken by the kernel by then."""
    NO_GO = auto()
    """Both lines are reset instead of the 354."""


class Link:
    """One client's two lines."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server

    def cut(self, *, reset: bool = False) -> None:
        """End both lines. With `reset` what is on its way to the client is thrown away."""
        for line in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                else:
                    line.shutdown(socket.SHUT_RDWR)
            if reset:
                _close_now(line)


def _close_now(line: socket.socket) -> None:
    # `close` alone waits for a thread that reads from it; this wakes that thread, and the reset is sent.
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RD)
    line.close()


class Proxy:
    """Carries bytes both ways for the time of a `with` block; `hole` holds back all of them while it is set."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self.hole = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._links: list[Link] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self: Self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._links:
            link.cut()
        for thread in self._threads:
            thread.join(5)
        for link in self._links:
            link.client.close()
            link.server.close()

    def up(self, link: Link, data: bytes) -> None:
        """Bytes of the client: carry them on, or do worse."""
        link.server.sendall(data)

    def down(self, link: Link, data: bytes) -> None:
        """Bytes of the server."""
        link.client.sendall(data)

    def make_link(self, client: socket.socket, server: socket.socket) -> Link:
        return Link(client, server)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = self._dial()
            except OSError:
                client.close()
                continue
            for line in (client, server):
                if line.family == socket.AF_INET:
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = self.make_link(client, server)
            self._links.append(link)
            self._begin(lambda link=link: self._pump(link.client, link.server, link, self.up))  # type: ignore[misc]
            self._begin(lambda link=link: self._pump(link.server, link.client, link, self.down))  # type: ignore[misc]

    def _wait_for_hole(self) -> None:
        while self.hole.is_set() and not self._over.wait(0.01):
            pass

    def _pump(
        self, source: socket.socket, target: socket.socket, link: Link, carry: Callable[[Link, bytes], None]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._wait_for_hole()
                carry(link, data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class _MailLink(Link):
    """Where the session stands: at commands, in a body, or at the dot."""

    phase = "command"
    to = ""
    tail = b"\r\n"
    struck = False


class SmtpProxy(Proxy):
    """Does `fault` to every `every`-th mail, from the first on. `struck` holds their recipients, in order: again, if
    a mail comes again."""

    def __init__(self, port: int, fault: Fault, *, every: int, pace: float = 0.2) -> None:
        super().__init__(lambda: socket.create_connection(("127.0.0.1", port)))
        self.fault: Fault | None = fault
        self.struck: list[str] = []
        self._every = every
        self._pace = pace
        self._mails = 0

    def make_link(self, client: socket.socket, server: socket.socket) -> Link:
        return _MailLink(client, server)

    def up(self, link: Link, data: bytes) -> None:
        assert isinstance(link, _MailLink)
        if link.phase == "command":
            if data.upper().startswith(b"RCPT TO:<"):
                link.to = data.decode().split("<")[1].split(">")[0]
            link.server.sendall(data)
            return
        if link.struck and self.fault is Fault.CUT_BODY:
            link.server.sendall(data[: len(data) // 2])
            link.cut(reset=True)
            return
        link.tail = (link.tail + data)[-5:]
        if link.tail == b"\r\n.\r\n":
            link.phase = "dot"
        link.server.sendall(data)

    def down(self, link: Link, data: bytes) -> None:
        assert isinstance(link, _MailLink)
        if data.startswith(b"354") and link.phase == "command":
            link.phase, link.tail, link.struck = "body", b"\r\n", self._strikes(link.to)
            if link.struck and self.fault is Fault.NO_GO:
                link.cut(reset=True)
                return
            link.client.sendall(data)
            if link.struck and self.fault is Fault.HALF_CLOSE:
                link.client.shutdown(socket.SHUT_WR)
            return
        if link.phase == "dot":
            link.phase = "command"
            if link.struck:
                self._spoil(link, data)
                return
        link.client.sendall(data)

    def _strikes(self, to: str) -> bool:
        with self._lock:
            struck = self.fault is not None and self._mails % self._every == 0
            self._mails += 1
            if struck:
                self.struck.append(to)
        return struck

    def _spoil(self, link: Link, data: bytes) -> None:
        match self.fault:
            case Fault.LOSE_ANSWER:
                link.cut()
            case Fault.RESET:
                link.cut(reset=True)
            case Fault.TRICKLE:
                for byte in data:
                    self._over.wait(self._pace)
                    link.client.sendall(bytes([byte]))


class Strike(Enum):
    """What is done to a commit."""

    ANSWER = auto()
    """It is done; its answer is swallowed, and the line closed."""
    COMMIT = auto()
    """The line is closed before it reaches the server: it is never done."""
    HOLE = auto()
    """It is done; its answer, and all that passes on any line, is held back until `hole` is cleared."""


class PostgresProxy(Proxy):
    """Strikes single commits. `struck` counts them."""

    def __init__(self, dial: Dial) -> None:
        super().__init__(dial)
        self.struck = 0
        self._left = 0
        self._how = Strike.ANSWER

    def strike(self, nth: int, how: Strike) -> None:
        """Do it to the `nth` commit from now on (1 is the next)."""
        with self._lock:
            self._left, self._how = nth, how

    def up(self, link: Link, data: bytes) -> None:
        # A commit is a message of its own, Query "COMMIT"; psycopg sends nothing with it.
        if self._how is Strike.COMMIT and data == b"Q\0\0\0\x0bCOMMIT\0" and self._hits():
            link.cut()
            return
        link.server.sendall(data)

    def down(self, link: Link, data: bytes) -> None:
        # CommandComplete with the tag of a commit, and ReadyForQuery behind it.
        if self._how is not Strike.COMMIT and data.startswith(b"C\0\0\0\x0bCOMMIT\0") and self._hits():
            if self._how is Strike.ANSWER:
                link.cut()
                return
            self.hole.set()
            self._wait_for_hole()
        link.client.sendall(data)

    def _hits(self) -> bool:
        with self._lock:
            if self._left == 0:
                return False
            self._left -= 1
            hit = self._left == 0
            self.struck += hit
        return hit
