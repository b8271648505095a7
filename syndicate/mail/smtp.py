"""The relay: how a session with it begins, encrypted and logged in as configured, and why none does."""

import re
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from syndicate.errors import SyndicateError
from syndicate.mail.session import Connection, ConnectionLost, Reply, Stage, one_line

__all__ = ["Connection", "ConnectionLost", "Relay", "RelayDown", "Reply", "Security", "Stage"]

Security = Literal["none", "starttls", "tls"]


_CROWDED: Final = re.compile(r"too many\b.{0,40}\b(connection|session)s?\b|\bconnections? limit", re.IGNORECASE)


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

    `dot_timeout` is the patience for the one reply after the final dot: RFC 5321 §4.5.3.2.6 asks for ten
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
        client: smtplib.SMTP | None = None
        try:
            client = self._dial()
            self._greet(client)
            self._log_in(client)
        except BaseException as error:
            if client is not None:
                client.close()
            if isinstance(error, (OSError, UnicodeError)):
                # The cause is dropped: it may hold the password (a failed encoding keeps its object).
                raise self._down(error) from None
            raise
        return Connection(client, name=self.name, opened=clock(), timeout=self.timeout, dot_timeout=self.dot_timeout)

    def _dial(self) -> smtplib.SMTP:
        client: smtplib.SMTP
        if self.security == "tls":
            context = self.tls or ssl.create_default_context()
            client = smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=self.helo, timeout=self.timeout, context=context
            )
        else:
            client = smtplib.SMTP(self.host, self.port, local_hostname=self.helo, timeout=self.timeout)
        if client.sock is not None:
            # Else the last segment of each message waits for the acknowledgement of the one before it.
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def _greet(self, client: smtplib.SMTP) -> None:
        _hello(client)
        if self.security != "starttls":
            return
        if not client.has_extn("starttls"):
            remedy = 'use its TLS port with mail.smtp.security = "tls", or ask its keeper'
            raise RelayDown(f"the relay {self.name} offers no STARTTLS: {remedy}")
        client.starttls(context=self.tls or ssl.create_default_context())
        _hello(client)

    def _log_in(self, client: smtplib.SMTP) -> None:
        if self.username is None:
            return
        offered = client.esmtp_features.get("auth", "").upper().split()
        code = _authenticate(client, offered, self.username, self.password or "")
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

    def _down(self, error: OSError | UnicodeError) -> RelayDown:
        what, remedy = _diagnosis(error)
        text = f"the relay {self.name} {what}: {remedy}"
        if not isinstance(error, smtplib.SMTPResponseException):
            return RelayDown(text)
        crowded = _CROWDED.search(one_line(error.smtp_error)) is not None
        return RelayDown(text, code=error.smtp_code, busy=error.smtp_code == 421 or crowded)


def _hello(client: smtplib.SMTP) -> None:
    """EHLO; and HELO only where the relay does not know EHLO (RFC 5321 §3.2), not where it is busy."""
    code, words = client.ehlo()
    if code // 100 == 5:
        code, words = client.helo()
    if code // 100 != 2:
        raise smtplib.SMTPHeloError(code, words)


def _diagnosis(error: OSError | UnicodeError) -> tuple[str, str]:
    """What is wrong with the relay, and the remedy."""
    where = "check mail.smtp.host and mail.smtp.port"
    match error:
        case smtplib.SMTPResponseException():
            words = f"{error.smtp_code} {one_line(error.smtp_error)}".strip()
            return f"refuses us ({words})", f"ask its keeper, or {where}"
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
            words = one_line(error.strerror or str(error))
            return f"cannot be reached ({words})", f"is it running? Else {where}"


def _authenticate(client: smtplib.SMTP, offered: list[str], username: str, password: str) -> int | None:
    """The code of the answer to AUTH (RFC 4954; UTF-8 as RFC 4616 says), None where no mechanism fits."""
    if "PLAIN" in offered:
        code, _ = client.docmd("AUTH", "PLAIN " + _base64(f"\0{username}\0{password}"))
        return code
    if "LOGIN" in offered:
        code, _ = client.docmd("AUTH", "LOGIN " + _base64(username))
        if code == 334:
            code, _ = client.docmd(_base64(password))
        return code
    return None


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")
