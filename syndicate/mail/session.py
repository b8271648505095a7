"""One open SMTP session (RFC 5321): one message at a time, and for each failure the stage at which it fell.

Whether a lost message may be sent again hangs on one fact kept here: was its final dot handed to the kernel?
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from syndicate.errors import SyndicateError
from syndicate.mail.lines import END, has_bare_ends, stuffed
from syndicate.mail.replies import Answer
from syndicate.mail.wire import FAULTS, OutOfStep, Wire

Stage = Literal["mail", "rcpt", "data", "dot"]

_GOODBYE_SECONDS: Final = 5.0
_SLOWEST_BYTES: Final = 8 * 1024
"""A second: a line that carries less is as good as dead."""

# At the start (RFC 2034 §4), or as qmail writes it. Zeros do not lead (RFC 3463 §2).
_ENHANCED: Final = re.compile(r"(?:^|\(#)([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?![.0-9])")
_STAGES: Final[tuple[Stage, ...]] = ("mail", "rcpt", "data")
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
    `usable` is False it takes no more mail. `name` is the relay's, for errors; `offers` are the extensions that EHLO
    named; the times are seconds: `timeout` for each command with its answer, `dot_timeout` for the answer to the
    final dot.
    """

    def __init__(
        self, wire: Wire, *, name: str, offers: dict[str, str], opened: float, timeout: float, dot_timeout: float
    ) -> None:
        self.name = name
        self.opened = opened
        self.sent = 0
        self.usable = True
        self._wire = wire
        self._offers = offers
        self._timeout = timeout
        self._dot_timeout = dot_timeout

    def deliver(self, envelope_from: str, to: str, *parts: bytes, clean: bool = False) -> Reply:
        """Hand over one message: `parts` are the whole mail with CRLF line ends, both addresses are bare. `clean`: each
        part is known to be so as `lines.is_clean` says, which saves looking at all of it again.

        Returns the relay's answer, whichever it is. After a refusal the session is reset and stays
        usable; after a 421, or where the reset fails, it is closed. Raises ConnectionLost, and ValueError
        for data with bare CR or LF (a relay that reads those as line ends could be made to see two mails).
        """
        size = sum(map(len, parts))
        body = (*parts, END) if clean else (_checked(b"".join(parts)),)
        if not self.usable:
            raise self._lost("mail", "it was closed before")
        unwritable = self._unwritable(envelope_from, to)
        if unwritable:
            return Reply(553, unwritable, "rcpt")
        # A command may hold an address of RFC 6531.
        mail = f"MAIL FROM:<{envelope_from}>{self._parameters(envelope_from, to, size)}".encode()
        refusal = self._opened(mail, f"RCPT TO:<{to}>".encode())
        return refusal or self._hand_over(body, size)

    def close(self) -> None:
        """End the session politely (QUIT, a few seconds at most). May be called again."""
        if self.usable:
            with contextlib.suppress(*FAULTS):  # it is going away anyhow
                self._wire.ask(b"QUIT", min(_GOODBYE_SECONDS, self._timeout))
        self._drop()

    def abort(self) -> None:
        """End it without another byte, from any thread; a waiting `deliver` raises ConnectionLost."""
        self.usable = False
        self._wire.shut()

    def _opened(self, mail: bytes, rcpt: bytes) -> Reply | None:
        """Say whose mail it is and for whom, and be told to go on with it; else the refusal. All in one breath where
        the relay offers it (RFC 2920): a round trip in place of three."""
        commands, together = (mail, rcpt, b"DATA"), "pipelining" in self._offers
        for number, stage in enumerate(_STAGES):
            try:
                if not together:
                    answer = self._wire.ask(commands[number], self._timeout)
                else:
                    if not number:
                        self._wire.say(commands, self._timeout)
                    answer = self._wire.answer(self._timeout)
            except FAULTS as fault:
                raise self._lost(stage, fault) from fault
            if answer.code // 100 != (3 if stage == "data" else 2):
                return self._refused(answer, stage, unheard=len(_STAGES) - 1 - number if together else 0)
        return None

    def _hand_over(self, body: Sequence[bytes], size: int) -> Reply:
        try:
            # One call, so that there is one answer to "is the final dot out?".
            self._wire.write(body, self._timeout + size / _SLOWEST_BYTES, stall=self._timeout)
        except FAULTS as fault:
            raise self._lost("data", fault) from fault
        self.sent += 1
        try:
            answer = self._wire.answer(self._dot_timeout)
        except FAULTS as fault:
            raise self._lost("dot", fault, after_dot=True) from fault
        if answer.code // 100 not in (2, 4, 5):
            raise self._lost("dot", f"it answered {answer.code}", after_dot=True)
        if answer.code == 421 or not self._wire.in_step:
            self._drop()
        return Reply(answer.code, one_line(answer.words), "dot")

    def _refused(self, answer: Answer, stage: Stage, *, unheard: int) -> Reply:
        if answer.code // 100 not in (4, 5):
            # Not an answer to this command: what comes next on this line cannot be understood either.
            raise self._lost(stage, f"it answered {answer.code}")
        if answer.code == 421 or not (self._heard_out(unheard) and self._reset()):
            self._drop()
        return Reply(answer.code, one_line(answer.words), stage)

    def _heard_out(self, unheard: int) -> bool:
        """Read the answers to what was said before the refusal was heard; whether the session can go on. One in which
        the relay says "go on" all the same cannot: nothing may follow but a mail (RFC 2920 §3.1)."""
        try:
            answers = [self._wire.answer(self._timeout) for _ in range(unheard)]
        except FAULTS:
            return False
        return not answers or answers[-1].code // 100 in (4, 5)

    def _reset(self) -> bool:
        try:
            answer = self._wire.ask(b"RSET", self._timeout)
        except FAULTS:
            return False
        return answer.code // 100 == 2 and self._wire.in_step

    def _parameters(self, envelope_from: str, to: str, size: int) -> str:
        sized = f" SIZE={size}" if "size" in self._offers else ""
        return sized if (envelope_from + to).isascii() else f"{sized} BODY=8BITMIME SMTPUTF8"

    def _unwritable(self, *addresses: str) -> str | None:
        together = "".join(addresses)
        if not all(addresses) or not _NOT_WRITABLE.isdisjoint(together):
            return "5.1.3 no command can carry this address (found before the relay was asked)"
        if not together.isascii() and "smtputf8" not in self._offers:
            return "5.6.7 the relay takes no addresses beyond ASCII (found before it was asked)"
        return None

    def _lost(self, stage: Stage, why: Exception | str, *, after_dot: bool = False) -> ConnectionLost:
        self._drop()
        when = "after the final dot: accepted or not, nobody knows" if after_dot else f"at {stage.upper()}"
        text = f"the connection to the relay {self.name} was lost {when} ({words_of(why)})"
        return ConnectionLost(text, stage=stage, after_dot=after_dot)

    def _drop(self) -> None:
        self.usable = False
        self._wire.close()


def words_of(why: Exception | str) -> str:
    """What went wrong on the wire, on one line."""
    if isinstance(why, OutOfStep) and why.said:
        return one_line(f"{why}: {why.said.code} {one_line(why.said.words)}")
    if isinstance(why, TimeoutError):
        return "no answer in time"
    if isinstance(why, OSError) and why.strerror:
        return one_line(why.strerror)
    return one_line(str(why))


def _checked(data: bytes) -> bytes:
    if has_bare_ends(data):
        raise ValueError("a mail to be sent has CRLF line ends only")
    return stuffed(data)


def one_line(words: bytes | str) -> str:
    """A relay's words on one line, without control characters, at most 500 characters."""
    text = " ".join((words.decode("utf-8", "replace") if isinstance(words, bytes) else words).split())
    return (text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text))[:500]
