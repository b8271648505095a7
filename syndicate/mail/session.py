"""One open SMTP session (RFC 5321): one message at a time, and for each failure the stage at which it fell.

Whether a lost message may be sent again hangs on one fact kept here: was its final dot handed to the kernel?
"""

import contextlib
import re
import smtplib
import socket
from dataclasses import dataclass
from typing import Final, Literal

from syndicate.errors import SyndicateError

Stage = Literal["mail", "rcpt", "data", "dot"]

_GOODBYE_SECONDS: Final = 5.0
# At the start (RFC 2034 §4), or as qmail writes it. Zeros do not lead (RFC 3463 §2).
_ENHANCED: Final = re.compile(r"(?:^|\(#)([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?![.0-9])")
_NOT_WRITABLE: Final = frozenset(' <>"\\\x7f') | frozenset(map(chr, range(32)))


class ConnectionLost(SyndicateError):
    """The connection broke inside a message.

    `after_dot` False: the relay cannot have accepted it. True: nobody knows (RFC 1047), so it is not
    sent again without a decision.
    """

    def __init__(self, text: str, *, stage: Stage, after_dot: bool) -> None:
        super().__init__(text)
        self.stage = stage
        self.after_dot = after_dot


@dataclass(frozen=True)
class Reply:
    """What the relay answered: the code, the text on one line, and the stage that the message had reached.

    2xx comes from the stage "dot" only and means: accepted. 4xx may be tried again, 5xx is final.
    """

    code: int
    text: str
    stage: Stage

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def enhanced(self) -> str | None:
        """The status of RFC 3463 that the text gives, as "5.7.1"; None without one, or where its class is not the
        code's (RFC 2034 §4: such a status is not to be believed)."""
        found = _ENHANCED.search(self.text)
        if found is None or int(found[1]) != self.code // 100:
            return None
        return ".".join(found.groups())


class Connection:
    """One session with the relay, used by one thread.

    `sent` counts the messages handed over whole, `opened` is the monotonic second of its start; once
    `usable` is False it takes no more mail. `name` is the relay's, for errors; the times are seconds.
    """

    def __init__(self, client: smtplib.SMTP, *, name: str, opened: float, timeout: float, dot_timeout: float) -> None:
        self.name = name
        self.opened = opened
        self.sent = 0
        self.usable = True
        self._client = client
        self._timeout = timeout
        self._dot_timeout = dot_timeout

    def deliver(self, envelope_from: str, to: str, data: bytes) -> Reply:
        """Hand over one message: `data` is the whole mail with CRLF line ends, both addresses are bare.

        Returns the relay's answer, whichever it is. After a refusal the session is reset and stays
        usable; after a 421, or where the reset fails, it is closed. Raises ConnectionLost, and ValueError
        for data with bare CR or LF (a relay that reads those as line ends could be made to see two mails).
        """
        if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
            raise ValueError("a mail to be sent has CRLF line ends only")
        if not self.usable:
            raise self._lost("mail", after_dot=False)
        unwritable = self._unwritable(envelope_from, to)
        if unwritable:
            return Reply(553, unwritable, "rcpt")
        commands: tuple[tuple[Stage, str, int], ...] = (
            ("mail", f"MAIL FROM:<{envelope_from}>{self._parameters(envelope_from, to, data)}", 2),
            ("rcpt", f"RCPT TO:<{to}>", 2),
            ("data", "DATA", 3),
        )
        for stage, command, wanted in commands:
            code, text = self._ask(stage, command)
            if code // 100 != wanted:
                return self._refused(code, text, stage)
        return self._hand_over(data)

    def close(self) -> None:
        """End the session politely (QUIT, a few seconds at most). May be called again."""
        sock = self._client.sock
        if self.usable and sock is not None:
            with contextlib.suppress(OSError):  # it is going away anyhow
                sock.settimeout(_GOODBYE_SECONDS)
                self._client.docmd("QUIT")
        self._drop()

    def abort(self) -> None:
        """End it without another byte, from any thread; a waiting `deliver` raises ConnectionLost."""
        self.usable = False
        sock = self._client.sock
        if sock is not None:
            # The plain shutdown, also under TLS: no alert is written; a blocked reader wakes up and closes.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _ask(self, stage: Stage, command: str) -> tuple[int, str]:
        try:
            # docmd would write ASCII only; the command may hold an address of RFC 6531.
            self._client.send(command.encode() + b"\r\n")
            code, words = self._client.getreply()
        except OSError as error:
            raise self._lost(stage, after_dot=False) from error
        return code, one_line(words)

    def _hand_over(self, data: bytes) -> Reply:
        body = stuffed(data)
        try:
            # One call, so that there is one answer to "is the final dot out?".
            self._client.send(body)
        except OSError as error:
            raise self._lost("data", after_dot=False) from error
        self.sent += 1
        try:
            code, words = self._patient_reply()
        except OSError as error:
            raise self._lost("dot", after_dot=True) from error
        if code // 100 not in (2, 4, 5):
            raise self._lost("dot", after_dot=True)
        if code == 421:
            self._drop()
        return Reply(code, one_line(words), "dot")

    def _patient_reply(self) -> tuple[int, bytes]:
        sock = self._client.sock
        if sock is None:  # aborted by another thread in this moment
            raise ConnectionAbortedError
        sock.settimeout(self._dot_timeout)
        answer = self._client.getreply()
        sock.settimeout(self._timeout)
        return answer

    def _refused(self, code: int, text: str, stage: Stage) -> Reply:
        if code // 100 not in (4, 5):
            # Not an answer of SMTP: what comes next on this line cannot be understood either.
            raise self._lost(stage, after_dot=False)
        if code == 421:
            self._drop()
            return Reply(code, text, stage)
        try:
            reset, _ = self._client.docmd("RSET")
        except OSError:
            reset = 0
        if reset // 100 != 2:
            self._drop()
        return Reply(code, text, stage)

    def _parameters(self, envelope_from: str, to: str, data: bytes) -> str:
        size = f" SIZE={len(data)}" if self._client.has_extn("size") else ""
        return size if (envelope_from + to).isascii() else f"{size} BODY=8BITMIME SMTPUTF8"

    def _unwritable(self, *addresses: str) -> str | None:
        if not all(addresses) or any(_NOT_WRITABLE.intersection(address) for address in addresses):
            return "5.1.3 no command can carry this address (found before the relay was asked)"
        if not "".join(addresses).isascii() and not self._client.has_extn("smtputf8"):
            return "5.6.7 the relay takes no addresses beyond ASCII (found before it was asked)"
        return None

    def _lost(self, stage: Stage, *, after_dot: bool) -> ConnectionLost:
        self._drop()
        when = "after the final dot: accepted or not, nobody knows" if after_dot else f"at {stage.upper()}"
        text = f"the connection to the relay {self.name} was lost {when}"
        return ConnectionLost(text, stage=stage, after_dot=after_dot)

    def _drop(self) -> None:
        self.usable = False
        self._client.close()


def stuffed(data: bytes) -> bytes:
    """`data` (CRLF line ends) as it goes over the wire: dots at line starts doubled, the final dot at the end
    (RFC 5321 §4.5.2)."""
    first = b"." if data.startswith(b".") else b""
    last = b".\r\n" if data.endswith(b"\r\n") or not data else b"\r\n.\r\n"
    return first + data.replace(b"\r\n.", b"\r\n..") + last


def one_line(words: bytes | str) -> str:
    """A relay's words on one line, without control characters, at most 500 characters."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:500]
