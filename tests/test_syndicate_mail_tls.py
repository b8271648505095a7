"""TLS that is asked for is had or nothing is sent: real TLS, with relays that are wrong in every way we know of."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import certificates
import pytest

from syndicate.mail.smtp import ConnectionLost, Relay, RelayDown, Security

MAIL = b"Subject: x\r\n\r\nHello.\r\n"
PEOPLE = ("b@example.org", "ann@example.net")
PASSWORD = "gehéim-7731"
CLEAR = b"250-relay.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
Play = Callable[["Line"], None]


class Line:
    """The relay's end of a session: says and hears lines, in the clear or under TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.heard: list[bytes] = []
        self._words: BinaryIO = sock.makefile("rb", buffering=0)  # it must not read what belongs to TLS

    def hear(self) -> bytes:
        self.heard.append(self._words.readline())
        return self.heard[-1]

    def say(self, words: bytes) -> None:
        self.sock.sendall(words)

    def encrypt(self, context: ssl.SSLContext) -> None:
        self._words.close()
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self._words = self.sock.makefile("rb")

    def to_tls(self, *, offer: bytes = CLEAR, answer: bytes = b"220 go on\r\n") -> None:
        """The part in the clear."""
        self.say(b"220 relay.example\r\n")
        self.hear()
        self.say(offer)
        if self.hear():
            self.say(answer)

    def rest(self) -> None:
        """Hear what else is said, until the end."""
        while self.hear():
            pass


@contextmanager
def serving(play: Play) -> Iterator[tuple[int, list[bytes]]]:
    """A relay for one session; gives its port, and what it heard, whole after the block."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            sock, _ = door.accept()
            sock.settimeout(5)
            line = Line(sock)
            line.heard = heard
            with contextlib.suppress(OSError):
                play(line)
            line.sock.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield door.getsockname()[1], heard
        thread.join(10)
        assert not thread.is_alive()


def relay(port: int, trusting: ssl.SSLContext | None, *, security: Security = "starttls", **more: Any) -> Relay:
    known = {"username": "news", "password": PASSWORD, "helo": "us.example", "timeout": 5.0, "tls": trusting}
    return Relay("127.0.0.1", port, security, **(known | more))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    return certificates.identity(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"name": "relay.example"}, "IP address mismatch"), ({"days": 30}, "expired"), ({}, "self-signed")],
    ids=["another's name", "expired", "signed by nobody"],
)
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_cannot_be_trusted_ends_it(
    wrong: dict[str, Any], words: str, security: Security, tmp_path: Path
) -> None:
    theirs, trusting = certificates.identity(tmp_path, **wrong)

    def play(line: Line) -> None:
        if security == "starttls":
            line.to_tls()
        line.encrypt(theirs)
        line.rest()

    with serving(play) as (port, heard), pytest.raises(RelayDown) as down:
        relay(port, trusting if wrong else None, security=security).connect()
    assert "certificate that cannot be trusted" in str(down.value)
    assert words in str(down.value)
    assert heard == ([b"EHLO us.example\r\n", b"STARTTLS\r\n"] if security == "starttls" else [])


def test_a_relay_from_whose_offers_starttls_was_taken_hears_no_password() -> None:
    def play(line: Line) -> None:
        line.say(b"220 relay.example\r\n")
        line.hear()
        line.say(b"250-relay.example\r\n250 AUTH PLAIN\r\n")
        line.rest()

    with serving(play) as (port, heard), pytest.raises(RelayDown, match="offers no STARTTLS"):
        relay(port, None).connect()
    assert heard == [b"EHLO us.example\r\n", b""]


@pytest.mark.parametrize(
    ("answer", "code", "busy"),
    [(b"454 4.7.0 not now\r\n", 454, False), (b"421 gone\r\n", 421, True), (b"501 what\r\n", 501, False)],
)
def test_a_relay_that_refuses_starttls_hears_no_password(answer: bytes, code: int, busy: bool) -> None:
    def play(line: Line) -> None:
        line.to_tls(answer=answer)
        line.rest()

    with serving(play) as (port, heard), pytest.raises(RelayDown) as down:
        relay(port, None).connect()
    assert (down.value.code, down.value.busy, down.value.authentication) == (code, busy, False)
    assert heard == [b"EHLO us.example\r\n", b"STARTTLS\r\n", b""]


def test_words_in_the_clear_behind_starttls_are_not_read_as_if_they_came_under_tls(good: Contexts) -> None:
    theirs, trusting = good

    def play(line: Line) -> None:
        line.to_tls(answer=b"220 go on\r\n250-evil.example\r\n250 AUTH PLAIN\r\n")
        line.encrypt(theirs)
        line.rest()

    with serving(play) as (port, heard), pytest.raises(RelayDown, match="spoke before it was asked"):
        relay(port, trusting).connect()
    assert heard == [b"EHLO us.example\r\n", b"STARTTLS\r\n"]


def test_what_was_offered_in_the_clear_does_not_count_under_tls(good: Contexts) -> None:
    theirs, trusting = good

    def play(line: Line) -> None:
        line.to_tls()
        line.encrypt(theirs)
        line.hear()
        line.say(b"250 relay.example\r\n")
        line.rest()

    with serving(play) as (port, heard), pytest.raises(RelayDown, match="offers no login") as down:
        relay(port, trusting).connect()
    assert down.value.authentication
    assert heard[2:] == [b"EHLO us.example\r\n", b""]


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x03\x00\x7a\x02"], ids=["nothing", "half a hello"])
def test_tls_that_is_cut_while_it_begins_is_no_session(begun: bytes) -> None:
    def play(line: Line) -> None:
        line.to_tls()
        line.sock.recv(10_000)
        line.say(begun)

    with serving(play) as (port, heard), pytest.raises(RelayDown) as down:
        relay(port, None).connect()
    assert (down.value.code, down.value.authentication) == (None, False)
    assert heard == [b"EHLO us.example\r\n", b"STARTTLS\r\n"]


@pytest.mark.parametrize("drip", [False, True], ids=["silent", "a byte at a time"])
def test_tls_that_does_not_begin_holds_nobody_longer_than_the_time(drip: bool) -> None:
    over = threading.Event()

    def play(line: Line) -> None:
        line.to_tls()
        line.say(b"\x16\x03\x03\x40\x00")
        while not over.wait(0.02) and time.monotonic() < began + 4:
            line.say(b"\x02" if drip else b"")

    began = time.monotonic()
    with serving(play) as (port, _), pytest.raises(RelayDown, match="does not answer in time"):
        try:
            relay(port, None, timeout=0.3).connect()
        finally:
            over.set()
    assert time.monotonic() - began < 2


def _session(line: Line, theirs: ssl.SSLContext, answers: tuple[bytes, ...]) -> None:
    line.to_tls()
    line.encrypt(theirs)
    for answer in (CLEAR, b"235 yes\r\n", *answers):
        line.hear()
        line.say(answer)


@pytest.mark.parametrize("said", [b"", b"25", b"250-and\r\n"], ids=["nothing", "half a code", "half a reply"])
@pytest.mark.parametrize(("before", "stage"), [(0, "mail"), (2, "data"), (3, "dot")])
def test_a_session_under_tls_that_is_cut_says_whether_the_dot_was_out(
    before: int, stage: str, said: bytes, good: Contexts
) -> None:
    theirs, trusting = good

    def play(line: Line) -> None:
        _session(line, theirs, (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")[:before])
        while line.hear() not in (b".\r\n", b"") and before == 3:
            pass
        line.say(said)
        # Without the alert that would end it in order: a cut line, or somebody who cuts it.
        line.sock.shutdown(socket.SHUT_RDWR)

    with serving(play) as (port, _):
        connection = relay(port, trusting).connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(*PEOPLE, MAIL)
    assert (lost.value.stage, lost.value.after_dot, connection.usable) == (stage, stage == "dot", False)


@pytest.mark.parametrize("cut", [False, True], ids=["reads no more", "cut"])
def test_a_body_that_did_not_go_out_whole_under_tls_was_not_accepted(cut: bool, good: Contexts) -> None:
    theirs, trusting = good
    over = threading.Event()

    def play(line: Line) -> None:
        _session(line, theirs, (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"))
        line.sock.recv(100_000)
        if not cut:
            over.wait(10)

    with serving(play) as (port, _):
        connection = relay(port, trusting, timeout=0.5).connect()
        began = time.monotonic()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(*PEOPLE, b"x" * 76 + b"\r\n" + (b"y" * 76 + b"\r\n") * 200_000)
        over.set()
    assert time.monotonic() - began < 5
    assert (lost.value.stage, lost.value.after_dot, connection.sent) == ("data", False, 0)


def test_a_second_reply_under_tls_is_no_answer_to_the_dot(good: Contexts) -> None:
    theirs, trusting = good

    def play(line: Line) -> None:
        _session(line, theirs, (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n250 taken\r\n"))
        line.rest()

    with serving(play) as (port, heard):
        connection = relay(port, trusting).connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(*PEOPLE, MAIL)
    assert not lost.value.after_dot
    assert heard[-2:] == [b"DATA\r\n", b""]
    assert "250 taken" in str(lost.value)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_what_tls_says_to_itself_is_nothing_said(version: ssl.TLSVersion, tmp_path: Path) -> None:
    theirs, trusting = certificates.identity(tmp_path)
    theirs.minimum_version = theirs.maximum_version = version
    theirs.num_tickets = 8  # TLS 1.3 sends them after the handshake, when nothing was asked

    def play(line: Line) -> None:
        one = (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")
        _session(line, theirs, one)
        for answers in (one, ()):
            while line.hear() != b".\r\n":
                pass
            line.say(b"250 kept\r\n")
            for answer in answers:
                line.hear()
                line.say(answer)

    with serving(play) as (port, _):
        connection = relay(port, trusting).connect()
        assert [connection.deliver(*PEOPLE, MAIL).accepted for _ in range(2)] == [True, True]
        connection.close()
