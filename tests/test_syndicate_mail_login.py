"""How a session logs in, by TLS and with a password, and what is told when it may not."""

import logging
import ssl
import traceback
from base64 import b64encode
from typing import Any

import certificates
import pytest
from aiosmtpd.smtp import AuthResult
from smtp_servers import (
    AUTH,
    DROP,
    EHLO,
    GREETING,
    MAIL,
    PERSON,
    SENDER,
    Scripted,
    receiver,
    scripted,
)

from syndicate.mail.smtp import Relay, RelayDown


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificates.identity(tmp_path_factory.mktemp("tls"))


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
