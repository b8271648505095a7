"""The relay: how a session with it begins, encrypted and logged in as configured, and why none does."""

import contextlib
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from syndicate.errors import SyndicateError
from syndicate.mail.replies import Answer, NotSmtp
from syndicate.mail.session import Connection, ConnectionLost, Reply, Stage, one_line, words_of
from syndicate.mail.wire import FAULTS, OutOfStep, Wire

__all__ = ["CROWDED", "Connection", "ConnectionLost", "Relay", "RelayDown", "Reply", "Security", "Stage"]

Security = Literal["none", "starttls", "tls"]

CROWDED: Final = re.compile(r"too many\b.{0,40}\b(connection|session)s?\b|\bconnections? limit", re.IGNORECASE)
"""Words by which a relay says that there are too many connections."""


class RelayDown(SyndicateError):
    """No session with the relay: not there, refusing, without TLS, or (`authentication`) without login.

    `code` is that of the answer that refused us, None where there was none. `busy`: it would take us later or on
    fewer connections, as a 421 says (RFC 5321 §3.8), or words such as "too many connections".
    """

    def __init__(self, text: str, *, authentication: bool = False, code: int | None = None, busy: bool = False) -> None:
        super().__init__(text)
        self.authentication = authentication
        self.code = code
        self.busy = busy


@dataclass(frozen=True)
class Relay:
    """Where mail is handed in. Times are seconds; `helo` is our name (else the machine's own).

    `timeout` is for the whole of each step (connecting, TLS, a command with its answer), however little comes at a
    time. `dot_timeout` is the patience for the one reply after the final dot: RFC 5321 §4.5.3.2.6 asks for ten
    minutes there, as giving up early makes a duplicate. `tls` replaces the default context, which verifies
    certificates.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    dot_timeout: float = 600.0
    helo: str | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def connect(self, clock: Callable[[], float] = time.monotonic) -> Connection:
        """A new session: connected, greeted, encrypted and logged in; `clock` gives monotonic seconds.

        Raises RelayDown with one line that names the relay and the remedy; never less TLS than was asked for.
        """
        login = self._login()
        wire: Wire | None = None
        try:
            wire = Wire.dial(self.host, self.port, self.timeout)
            offers = self._greet(wire)
            if login:
                self._log_in(wire, offers, *login)
        except BaseException as error:
            if wire is not None:
                wire.close()
            if isinstance(error, (*FAULTS, _Refusal, UnicodeError)):
                raise self._down(error) from None
            raise
        return Connection(
            wire,
            name=self.name,
            offers=offers,
            opened=clock(),
            timeout=self.timeout,
            dot_timeout=self.dot_timeout,
        )

    def _login(self) -> tuple[bytes, bytes] | None:
        """Name and password as bytes: UTF-8 (RFC 4616), or what else the environment gave."""
        if self.username is None:
            return None
        with contextlib.suppress(UnicodeEncodeError):
            return self.username.encode(errors="surrogateescape"), (self.password or "").encode(
                errors="surrogateescape"
            )
        # Said out here, because the error holds the password.
        raise RelayDown(
            f"the login for the relay {self.name} holds characters that cannot be sent: "
            "check mail.smtp.username and mail.smtp.password",
            authentication=True,
        )

    def _greet(self, wire: Wire) -> dict[str, str]:
        """The extensions that the relay offers, under TLS if that was asked for."""
        if self.security == "tls":
            self._encrypt(wire)
        greeting = wire.answer(self.timeout)
        if greeting.code != 220:
            raise _Refusal(greeting)
        offers = self._hello(wire)
        if self.security != "starttls":
            return offers
        if "starttls" not in offers:
            remedy = 'use its TLS port with mail.smtp.security = "tls", or ask its keeper'
            raise RelayDown(f"the relay {self.name} offers no STARTTLS: {remedy}")
        answer = wire.ask(b"STARTTLS", self.timeout)
        if answer.code != 220:
            raise _Refusal(answer)
        self._encrypt(wire)
        return self._hello(wire)  # what was offered in the clear does not count (RFC 3207 §4.2)

    def _encrypt(self, wire: Wire) -> None:
        wire.encrypt(self.tls or ssl.create_default_context(), self.host, self.timeout)

    def _hello(self, wire: Wire) -> dict[str, str]:
        """EHLO; and HELO only where the relay does not know EHLO (RFC 5321 §3.2), not where it is busy."""
        name = (self.helo or _own_name() or wire.here).encode()
        answer = wire.ask(b"EHLO " + name, self.timeout)
        if answer.code // 100 == 2:
            return _offers(answer)
        if answer.code // 100 == 5:
            answer = wire.ask(b"HELO " + name, self.timeout)
        if answer.code // 100 != 2:
            raise _Refusal(answer)
        return {}

    def _log_in(self, wire: Wire, offers: dict[str, str], username: bytes, password: bytes) -> None:
        code = self._authenticate(wire, offers.get("auth", "").upper().split(), username, password)
        if code is None:
            remedy = "remove mail.smtp.username, or check mail.smtp.security and port"
            text = f"the relay {self.name} offers no login that we know (PLAIN, LOGIN): {remedy}"
            raise RelayDown(text, authentication=True)
        if code // 100 == 5:
            # The relay's words are left out: some echo what they were sent.
            remedy = "check mail.smtp.username and mail.smtp.password"
            text = f"the relay {self.name} refuses the login ({code}): {remedy}"
            raise RelayDown(text, authentication=True, code=code)
        if code // 100 != 2:
            text = f"the relay {self.name} cannot check logins now ({code}): try again later"
            raise RelayDown(text, code=code, busy=code == 421)

    def _authenticate(self, wire: Wire, offered: list[str], username: bytes, password: bytes) -> int | None:
        """The code of the answer to AUTH (RFC 4954), None where no mechanism fits."""
        if "PLAIN" in offered:
            secret = b"\0" + username + b"\0" + password
            return wire.ask(b"AUTH PLAIN " + b64encode(secret), self.timeout).code
        if "LOGIN" in offered:
            code = wire.ask(b"AUTH LOGIN " + b64encode(username), self.timeout).code
            if code == 334:
                code = wire.ask(b64encode(password), self.timeout).code
            return code
        return None

    def _down(self, error: Exception) -> RelayDown:
        what, remedy = _diagnosis(error)
        text = f"the relay {self.name} {what}: {remedy}"
        if not isinstance(error, _Refusal):
            return RelayDown(text)
        code, words = error.answer.code, one_line(error.answer.words)
        return RelayDown(text, code=code, busy=code == 421 or CROWDED.search(words) is not None)


class _Refusal(Exception):
    """The relay wants no session with us: its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _own_name() -> str | None:
    """The machine's full name, if it has one."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else None


def _offers(answer: Answer) -> dict[str, str]:
    """The extensions of an answer to EHLO: each keyword in small letters with its parameters (RFC 5321 §4.1.1.1).
    Older relays write "AUTH=PLAIN"."""
    found: dict[str, str] = {}
    for line in answer.lines[1:]:
        keyword, _, parameters = line.decode("latin-1").replace("AUTH=", "AUTH ", 1).partition(" ")
        name = keyword.lower()
        found[name] = f"{found[name]} {parameters}" if name in found else parameters
    return found


def _diagnosis(error: Exception) -> tuple[str, str]:
    """What is wrong with the relay, and the remedy."""
    where = "check mail.smtp.host and mail.smtp.port"
    match error:
        case _Refusal():
            words = f"{error.answer.code} {one_line(error.answer.words)}".strip()
            return f"refuses us ({words})", f"ask its keeper, or {where}"
        case NotSmtp() | OutOfStep():
            return f"cannot be talked with ({error})", f"is it a mail server? Else {where}"
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that cannot be trusted ({error.verify_message})", where
        case ssl.SSLError():
            words = one_line(error.reason or str(error))
            return f"cannot speak TLS with us ({words})", "check mail.smtp.security and mail.smtp.port"
        case UnicodeError():
            return "has no possible host name", where
        case TimeoutError():
            return "does not answer in time", f"is it running? Else {where}"
        case _:
            return f"cannot be reached ({words_of(error)})", f"is it running? Else {where}"
