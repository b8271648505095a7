"""Servers on the loopback for tests of one SMTP session: one that follows a script, and aiosmtpd that takes mail."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiosmtpd.controller import Controller

from syndicate.mail.smtp import Relay

MAIL = b"Subject: x\r\n\r\nHello.\r\n"
SENDER, PERSON = "b+1@example.org", "ann@example.net"
GREETING = ("", "220 relay.example ESMTP")
EHLO = ("EHLO", "250-relay.example\r\n250 SIZE 1000000")
TO_MAIL = (GREETING, EHLO, ("MAIL", "250 ok"))
TO_RCPT = (*TO_MAIL, ("RCPT", "250 ok"))
TO_DATA = (*TO_RCPT, ("DATA", "354 go on"))
DROP = "drop"


class Scripted:
    """A server for one session: waits for each command, answers as written; DROP closes the connection."""

    def __init__(self, script: tuple[tuple[str, str], ...]) -> None:
        self.script = script
        self.heard: list[bytes] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def _play(self) -> None:
        self._door.settimeout(5)
        with self._door, self._door.accept()[0] as line:
            line.settimeout(5)
            with line.makefile("rb") as words:
                for expected, answer in self.script:
                    self._hear(words, expected)
                    if answer == DROP:
                        return
                    line.sendall(answer.encode() + b"\r\n")
                with suppress(ConnectionResetError):
                    self.heard.append(words.read())

    def _hear(self, words: Any, expected: str) -> None:
        if not expected:
            return
        heard = b""
        while True:
            row = words.readline()
            heard += row
            if expected != "DOT" or row in (b".\r\n", b""):
                break
        self.heard.append(heard)
        assert expected == "DOT" or heard.upper().startswith(expected.upper().encode()), (expected, heard)

    def relay(self, **more: Any) -> Relay:
        return Relay("127.0.0.1", self.port, **{"security": "none", "helo": "us.example", "timeout": 5.0} | more)

    def join(self) -> None:
        self._thread.join(5)


@contextmanager
def scripted(*script: tuple[str, str]) -> Iterator[Scripted]:
    server = Scripted(script)
    try:
        yield server
    finally:
        server.join()


class Mailbox:
    """aiosmtpd's handler: keeps what arrived, byte for byte."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 2.0.0 kept as 7"


class AnyPort(Controller):
    """A controller that asks the kernel for a port and then knocks at that one."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def receiver(**options: Any) -> Iterator[tuple[Mailbox, Relay]]:
    mailbox = Mailbox()
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield mailbox, Relay("127.0.0.1", controller.port, "none", helo="us.example", timeout=5.0)
    finally:
        controller.stop()


AUTH = ("EHLO", "250-relay.example\r\n250 AUTH LOGIN PLAIN")
