"""Real sockets on the loopback: aiosmtpd where mail must arrive, scripted servers where a session must break."""

import logging
import socket
import ssl
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import certificates
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.mail.lines import stuffed
from syndicate.mail.smtp import ConnectionLost, Relay, RelayDown, Reply

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


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificates.identity(tmp_path_factory.mktemp("tls"))


def test_one_session_carries_several_mails_and_each_arrives_byte_for_byte() -> None:
    dotted = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\nend"
    with receiver() as (mailbox, relay):
        connection = relay.connect(clock=lambda: 12.5)
        first = connection.deliver(SENDER, PERSON, MAIL)
        second = connection.deliver(SENDER, "bob@example.net", dotted)
        connection.close()
    assert (first.code, first.text, first.stage, first.accepted) == (250, "2.0.0 kept as 7", "dot", True)
    assert second.accepted
    assert (connection.sent, connection.opened, connection.usable) == (2, 12.5, False)
    assert mailbox.mails == [(SENDER, [PERSON], MAIL), (SENDER, ["bob@example.net"], dotted + b"\r\n")]


def test_a_mail_in_clean_parts_arrives_as_one() -> None:
    parts = (b"Subject: x\r\n\r\n", b"", b"a" * 998 + b"\r\n", b"end\r\n", b"\r\n")
    with receiver() as (mailbox, relay):
        connection = relay.connect()
        assert connection.deliver(SENDER, PERSON, *parts, clean=True).accepted
        assert connection.deliver(SENDER, PERSON, *parts).accepted
        connection.close()
    assert [data for _, _, data in mailbox.mails] == [b"".join(parts)] * 2


@given(st.lists(st.sampled_from(["", ".", "..", ".a", "a", "a.", "\t."]), max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_is_stuffed_is_read_back_as_it_was(lines: list[str]) -> None:
    data = "".join(line + "\r\n" for line in lines).encode()
    wire = stuffed(data)
    assert wire.endswith(b".\r\n")
    rows = wire.split(b"\r\n")
    assert rows.index(b".") == len(rows) - 2, "the final dot is the only line of one dot"
    assert b"".join(row.removeprefix(b".") + b"\r\n" for row in rows[:-2]) == data


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nb\r\n"])
def test_bare_line_ends_are_never_put_on_the_wire(data: bytes) -> None:
    with scripted(GREETING, EHLO) as server:
        connection = server.relay().connect()
        with pytest.raises(ValueError, match="CRLF"):
            connection.deliver(SENDER, PERSON, data)
        connection.abort()
        connection.close()
    assert server.heard[1:] == [b""]


@pytest.mark.parametrize(
    ("stage", "script"),
    [
        ("mail", (GREETING, EHLO, ("MAIL", "451 4.3.0 later"))),
        ("rcpt", (*TO_MAIL, ("RCPT", "550-5.1.1 no\r\n550 5.1.1 such person"))),
        ("data", (*TO_RCPT, ("DATA", "452 4.3.1 full"))),
    ],
)
def test_a_refusal_names_its_stage_and_leaves_the_session_usable(
    stage: str, script: tuple[tuple[str, str], ...]
) -> None:
    with scripted(*script, ("RSET", "250 ok"), *TO_DATA[2:], ("DOT", "250 kept"), ("QUIT", "221 bye")) as server:
        connection = server.relay().connect()
        refusal = connection.deliver(SENDER, PERSON, MAIL)
        assert connection.usable
        after = connection.deliver(SENDER, PERSON, MAIL)
        connection.close()
    assert (refusal.stage, refusal.accepted) == (stage, False)
    assert refusal.code == int(script[-1][1][:3])
    assert "\n" not in refusal.text
    assert after.accepted
    assert connection.sent == 1


def test_a_refusal_at_the_dot_needs_no_reset() -> None:
    with scripted(*TO_DATA, ("DOT", "554 5.7.1 spam"), ("QUIT", "221 bye")) as server:
        connection = server.relay().connect()
        reply = connection.deliver(SENDER, PERSON, MAIL)
        assert connection.usable
        connection.close()
    assert (reply.code, reply.stage, connection.sent) == (554, "dot", 1)


@pytest.mark.parametrize("reset", ["500 what", DROP])
def test_a_session_that_cannot_be_reset_is_closed(reset: str) -> None:
    with scripted(*TO_MAIL, ("RCPT", "550 no"), ("RSET", reset)) as server:
        connection = server.relay().connect()
        assert connection.deliver(SENDER, PERSON, MAIL).code == 550
        assert not connection.usable


@pytest.mark.parametrize(
    ("stage", "script"),
    [
        ("mail", (GREETING, EHLO, ("MAIL", "421 closing"))),
        ("rcpt", (*TO_MAIL, ("RCPT", "421 closing"))),
        ("data", (*TO_RCPT, ("DATA", "421 closing"))),
        ("dot", (*TO_DATA, ("DOT", "421 closing"))),
    ],
)
def test_a_421_is_reported_and_ends_the_session(stage: str, script: tuple[tuple[str, str], ...]) -> None:
    with scripted(*script) as server:
        connection = server.relay().connect()
        reply = connection.deliver(SENDER, PERSON, MAIL)
        assert (reply.code, reply.stage, connection.usable) == (421, stage, False)
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
        assert not lost.value.after_dot
    assert server.heard[-1] == b"", "nothing was said after the 421"


@pytest.mark.parametrize(
    ("stage", "script", "after_dot"),
    [
        ("mail", (GREETING, EHLO, ("MAIL", DROP)), False),
        ("rcpt", (*TO_MAIL, ("RCPT", DROP)), False),
        ("data", (*TO_RCPT, ("DATA", DROP)), False),
        ("dot", (*TO_DATA, ("DOT", DROP)), True),
    ],
)
def test_a_lost_connection_says_whether_the_dot_was_out(
    stage: str, script: tuple[tuple[str, str], ...], after_dot: bool
) -> None:
    with scripted(*script) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert (lost.value.stage, lost.value.after_dot, connection.usable) == (stage, after_dot, False)
    assert f"127.0.0.1:{server.port}" in str(lost.value)


def test_a_connection_that_breaks_inside_the_body_was_not_accepted() -> None:
    huge = b"x" * 76 + b"\r\n"
    with scripted(*TO_DATA, ("", DROP)) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, huge * 200_000)
    assert (lost.value.stage, lost.value.after_dot, connection.sent) == ("data", False, 0)


@pytest.mark.parametrize("answer", ["hello", "354 more", "2", "999 what"])
def test_gibberish_after_the_dot_is_an_unknown_end_and_before_it_none(answer: str) -> None:
    with scripted(*TO_DATA, ("DOT", answer)) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert lost.value.after_dot
    with scripted(*TO_MAIL, ("RCPT", answer)) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert not lost.value.after_dot
    assert not connection.usable


def test_data_must_be_answered_with_go_on() -> None:
    with scripted(*TO_RCPT, ("DATA", "250 ok")) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert (lost.value.stage, lost.value.after_dot) == ("data", False)


class Slow:
    """A server that greets, takes what comes and answers the final dot after `pause` seconds."""

    def __init__(self, pause: float) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.at_the_dot = threading.Event()
        self._thread = threading.Thread(target=self._play, args=(pause,))
        self._thread.start()

    def _play(self, pause: float) -> None:
        with self._door, self._door.accept()[0] as line, line.makefile("rb") as words:
            line.settimeout(5)
            line.sendall(b"220 hello\r\n")
            for answer in (b"250 me", b"250 ok", b"250 ok", b"354 go on"):
                words.readline()
                line.sendall(answer + b"\r\n")
            while words.readline() not in (b".\r\n", b""):
                pass
            self.at_the_dot.set()
            time.sleep(pause)
            try:
                line.sendall(b"250 kept\r\n")
                words.read()
            except OSError:
                pass

    def join(self) -> None:
        self._thread.join(5)


def test_the_dot_has_a_patience_of_its_own() -> None:
    server = Slow(0.5)
    connection = Relay("127.0.0.1", server.port, "none", helo="x", timeout=0.2, dot_timeout=4).connect()
    assert connection.deliver(SENDER, PERSON, MAIL).accepted
    connection.abort()
    connection.close()
    server.join()


def test_silence_after_the_dot_is_an_unknown_end() -> None:
    server = Slow(0.4)
    connection = Relay("127.0.0.1", server.port, "none", helo="x", timeout=3, dot_timeout=0.1).connect()
    with pytest.raises(ConnectionLost) as lost:
        connection.deliver(SENDER, PERSON, MAIL)
    assert lost.value.after_dot
    server.join()


def test_an_abort_from_another_thread_wakes_who_waits_at_the_dot() -> None:
    server = Slow(0.5)
    connection = Relay("127.0.0.1", server.port, "none", helo="x", timeout=5, dot_timeout=60).connect()
    ended: list[ConnectionLost] = []

    def work() -> None:
        try:
            connection.deliver(SENDER, PERSON, MAIL)
        except ConnectionLost as lost:
            ended.append(lost)

    worker = threading.Thread(target=work)
    started = time.monotonic()
    worker.start()
    assert server.at_the_dot.wait(5)
    connection.abort()
    worker.join(5)
    assert time.monotonic() - started < 4
    assert [lost.after_dot for lost in ended] == [True]
    server.join()


@pytest.mark.parametrize(
    "address", ["a b@example.org", "a>@example.org", "a\r\nRCPT TO:<c@d.e>", "", "jörg@example.org"]
)
def test_an_address_that_no_command_can_carry_is_refused_without_asking(address: str) -> None:
    with scripted(GREETING, EHLO, ("QUIT", "221 bye")) as server:
        connection = server.relay().connect()
        reply = connection.deliver(SENDER, address, MAIL)
        assert (reply.code, reply.stage, connection.usable) == (553, "rcpt", True)
        connection.close()


def test_an_address_beyond_ascii_goes_to_a_relay_that_takes_them() -> None:
    with receiver(enable_SMTPUTF8=True) as (mailbox, relay):
        connection = relay.connect()
        assert connection.deliver(SENDER, "jörg@example.net", MAIL).accepted
        connection.close()
    assert mailbox.mails[0][1] == ["jörg@example.net"]


def test_a_relay_that_is_not_there_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(RelayDown) as down:
        Relay("127.0.0.1", port, "none", helo="x").connect()
    assert str(down.value) == (
        f"the relay 127.0.0.1:{port} cannot be reached (Connection refused): "
        "is it running? Else check mail.smtp.host and mail.smtp.port"
    )


@pytest.mark.parametrize(
    "script",
    [
        (("", "554 5.7.1 go\taway"),),
        (GREETING, ("EHLO", "500 no"), ("HELO", "550 not you")),
        (("", DROP),),
        (GREETING, ("EHLO", DROP)),
        (("", "421 busy"),),
    ],
)
def test_a_relay_that_refuses_at_the_door_is_down(script: tuple[tuple[str, str], ...]) -> None:
    with scripted(*script) as server, pytest.raises(RelayDown) as down:
        server.relay().connect()
    assert not down.value.authentication
    assert f"127.0.0.1:{server.port}" in str(down.value)
    assert "\n" not in str(down.value)
    assert str(down.value).isprintable()


def test_a_host_name_that_cannot_be_is_one_clear_line() -> None:
    with pytest.raises(RelayDown, match="host name"):
        Relay("a" * 70 + ".example", 25, "none", helo="x").connect()


def test_starttls_is_demanded_not_hoped_for() -> None:
    with scripted(GREETING, EHLO) as server, pytest.raises(RelayDown, match="offers no STARTTLS"):
        server.relay(security="starttls").connect()
    assert server.heard[-1] == b""
    offer = ("EHLO", "250-relay.example\r\n250 STARTTLS")
    script = (GREETING, offer, ("STARTTLS", "454 not now"))
    with scripted(*script) as server, pytest.raises(RelayDown, match="454 not now"):
        server.relay(security="starttls").connect()
    assert server.heard[-1] == b"", "the session is not continued in the clear"


def test_starttls_with_a_certificate_of_nobody_is_refused(
    identity: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    theirs, trusting = identity
    with receiver(tls_context=theirs) as (mailbox, plain):
        with pytest.raises(RelayDown, match="certificate that cannot be trusted"):
            Relay(plain.host, plain.port, "starttls", helo="x", timeout=5).connect()
        elsewhere = Relay("localhost", plain.port, "starttls", helo="x", timeout=5, tls=trusting)
        with pytest.raises(RelayDown, match=r"certificate that cannot be trusted|cannot be reached"):
            elsewhere.connect()
        connection = Relay(plain.host, plain.port, "starttls", helo="x", timeout=5, tls=trusting).connect()
        assert connection.deliver(SENDER, PERSON, MAIL).accepted
        connection.close()
    assert len(mailbox.mails) == 1


def test_tls_from_the_first_byte(identity: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    theirs, trusting = identity
    with receiver(ssl_context=theirs) as (mailbox, plain):
        with pytest.raises(RelayDown, match="certificate that cannot be trusted"):
            Relay(plain.host, plain.port, "tls", helo="x", timeout=5).connect()
        connection = Relay(plain.host, plain.port, "tls", helo="x", timeout=5, tls=trusting).connect()
        assert connection.deliver(SENDER, PERSON, MAIL).accepted
        connection.close()
    assert len(mailbox.mails) == 1


def test_tls_against_a_plain_server_is_one_clear_line() -> None:
    with scripted(GREETING) as server, pytest.raises(RelayDown, match=r"check mail\.smtp\.security"):
        server.relay(security="tls").connect()


PASSWORD = "gehéim-7731"
AUTH = ("EHLO", "250-relay.example\r\n250 AUTH LOGIN PLAIN")


def _login(server: Scripted) -> Relay:
    return server.relay(username="news", password=PASSWORD)


def test_login_works_with_plain_and_with_login_alone(
    identity: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    theirs, trusting = identity

    def check(*told: Any) -> AuthResult:
        return AuthResult(success=told[-1].password == PASSWORD.encode())

    for excluded in ((), ("PLAIN",)):
        with receiver(tls_context=theirs, authenticator=check, auth_required=True, auth_exclude_mechanism=excluded) as (
            mailbox,
            plain,
        ):
            relay = Relay(plain.host, plain.port, "starttls", "news", PASSWORD, helo="x", timeout=5, tls=trusting)
            connection = relay.connect()
            assert connection.deliver(SENDER, PERSON, MAIL).accepted
            connection.close()
        assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("answer", "authentication"),
    [("535 5.7.8 bad {}", True), ("454 4.7.0 later {}", False), ("421 gone {}", False)],
)
def test_a_refused_login_is_told_apart(answer: str, authentication: bool) -> None:
    with scripted(GREETING, AUTH, ("AUTH PLAIN", answer.format(PASSWORD))) as server, pytest.raises(RelayDown) as down:
        _login(server).connect()
    assert down.value.authentication is authentication


def _secrets(password: str) -> list[str]:
    raw = password.encode(errors="surrogateescape")
    return [password, ascii(password)[1:-1], b64encode(raw).decode(), b64encode(b"\0news\0" + raw).decode()]


def _told(error: BaseException) -> str:
    """All that a log or a debugger could say of an error and of those behind it."""
    words, seen = [], error
    while seen is not None:
        words += [*traceback.format_exception(seen), repr(seen), repr(vars(seen)), repr(getattr(seen, "object", ""))]
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    return "".join(words)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(
    "answer", ["535 bad {}", "454 {}", "421 {}", "334 {}", "{}", "250-{0}\r\n550 {0}", DROP, "x" * 9000]
)
def test_no_end_of_a_login_shows_the_password(mechanism: str, answer: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    offer = ("EHLO", f"250-us\r\n250 AUTH {mechanism}")
    echoes = f"{PASSWORD} {b64encode(PASSWORD.encode()).decode()}"
    last = answer.format(echoes)
    asked = (("AUTH LOGIN", "334 UGFzc3dvcmQ6"), (_secrets(PASSWORD)[2], last))
    with (
        scripted(GREETING, offer, *(asked if mechanism == "LOGIN" else (("AUTH PLAIN", last),))) as server,
        pytest.raises(RelayDown) as down,
    ):
        _login(server).connect()
    told = _told(down.value) + caplog.text + repr(_login(server))
    assert not [secret for secret in _secrets(PASSWORD) if secret in told]


def test_a_password_that_is_no_text_goes_out_as_the_environment_gave_it() -> None:
    password = b"geh\xe9im".decode(errors="surrogateescape")
    with scripted(GREETING, AUTH, ("AUTH PLAIN", "235 yes"), ("QUIT", "221 bye")) as server:
        server.relay(username="news", password=password).connect().close()
    assert server.heard[1] == b"AUTH PLAIN " + b64encode(b"\0news\0geh\xe9im") + b"\r\n"
    impossible = "geh\ud900eim"
    with pytest.raises(RelayDown, match="cannot be sent") as down:
        server.relay(username="news", password=impossible).connect()
    assert down.value.authentication
    assert not [secret for secret in ("ud900", impossible) if secret in _told(down.value)]


def test_a_relay_without_logins_is_an_authentication_fault() -> None:
    with scripted(GREETING, EHLO) as server, pytest.raises(RelayDown) as down:
        _login(server).connect()
    assert down.value.authentication


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.7.1 spam", "5.7.1"),
        (450, "4.2.0", "4.2.0"),
        (250, "2.0.0 kept as 7", "2.0.0"),
        (553, "sorry, no mailbox here by that name. (#5.1.1)", "5.1.1"),
        (550, "no such person", None),
        (550, "4.7.1 later", None),
        (550, "we do not like 5.7.1", None),
        (550, "5.7.1.9 is your address", None),
        (550, "5.71234.1 what", None),
        (550, "5.07.1 what", None),
        (550, "", None),
    ],
)
def test_a_reply_gives_the_status_that_its_words_begin_with(code: int, text: str, status: str | None) -> None:
    assert Reply(code, text, "rcpt").enhanced == status


@pytest.mark.parametrize(
    ("script", "code", "busy"),
    [
        ((("", "421 4.3.2 full"),), 421, True),
        ((("", "554 too many concurrent connections from you"),), 554, True),
        ((("", "554 go away"),), 554, False),
        ((GREETING, ("EHLO", "421 closing")), 421, True),
        ((GREETING, ("EHLO", "450 4.3.2 Connection limit reached")), 450, True),
        ((GREETING, ("EHLO", "502 what"), ("HELO", "504 what")), 504, False),
        ((GREETING, ("EHLO", "250-us\r\n250 AUTH PLAIN"), ("AUTH", "421 closing")), 421, True),
        ((GREETING, ("EHLO", "250-us\r\n250 AUTH PLAIN"), ("AUTH", "454 later")), 454, False),
        ((GREETING, ("EHLO", "250-us\r\n250 AUTH PLAIN"), ("AUTH", "535 no")), 535, False),
        ((("", DROP),), None, False),
    ],
)
def test_a_relay_that_refuses_us_says_with_which_code_and_whether_it_is_busy(
    script: tuple[tuple[str, str], ...], code: int | None, busy: bool
) -> None:
    with scripted(*script) as server, pytest.raises(RelayDown) as down:
        _login(server).connect()
    assert (down.value.code, down.value.busy, down.value.authentication) == (code, busy, code == 535)
    assert server.heard[-1:] in ([b""], []), "nothing is said after the refusal"


def test_nothing_is_said_after_an_abort() -> None:
    with scripted(*TO_DATA, ("DOT", "250 kept")) as server:
        connection = server.relay().connect()
        connection.deliver(SENDER, PERSON, MAIL)
        connection.abort()
        connection.close()
    assert server.heard[-1] == b""
