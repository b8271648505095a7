"""Replies of SMTP (RFC 5321 §4.2) out of bytes as they come, within bounds. Knows no socket."""

import re
from dataclasses import dataclass
from typing import Final

from syndicate.errors import SyndicateError

LINE_BYTES: Final = 8 * 1024
REPLY_BYTES: Final = 64 * 1024
REPLY_LINES: Final = 500

# RFC 5321 §4.2; the last line may be the code alone.
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)

_SIMPLE: Final = re.compile(rb"([2-5][0-9]{2}) ([^\n]{0,500})\n")


class NotSmtp(SyndicateError):
    """What came is no reply, or one without end. Nothing that follows on this line can be understood either."""


@dataclass(frozen=True)
class Answer:
    """One reply: its code (200 to 599) and the words of each line, without code and line end."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def words(self) -> bytes:
        return b"\n".join(self.lines)


class ReplyReader:
    """Takes bytes in pieces of any size and gives whole replies. After NotSmtp it is of no further use.

    A line has at most LINE_BYTES, a reply at most REPLY_BYTES in REPLY_LINES, so that no peer can fill the memory. A
    line may end in LF alone; what is between the code and the end may be any bytes, as only the code decides.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._code = 0
        self._lines: list[bytes] = []
        self._size = 0

    @property
    def pending(self) -> bool:
        """Whether bytes were fed that no reply has been made of yet."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> None:
        """Bytes as they came from the peer."""
        self._rest += data

    def take(self) -> Answer | None:
        """The next reply, None while it is not whole. Raises NotSmtp as soon as it can be none."""
        if not self._lines and (answer := self._simple()):
            return answer
        while (line := self._line()) is not None:
            if self._last(line):
                answer = Answer(self._code, tuple(self._lines))
                self._code, self._lines, self._size = 0, [], 0
                return answer
        return None

    def _simple(self) -> Answer | None:
        """A reply of one short line, as nearly all are, in one look."""
        found = _SIMPLE.match(self._rest)
        if found is None:
            return None
        answer, end = Answer(int(found[1]), (bytes(found[2]).strip(b" \t\r"),)), found.end()
        del found  # it holds the bytes
        del self._rest[:end]
        self._searched = 0
        return answer

    def _last(self, line: bytes) -> bool:
        found = _LINE.fullmatch(line)
        if found is None:
            raise NotSmtp("it answers with something that is no reply of SMTP")
        code = int(found[1])
        if self._lines and code != self._code:
            raise NotSmtp(f"one reply gives two codes, {self._code} and {code}")
        self._code = code
        self._lines.append((found[3] or b"").strip(b" \t\r"))
        more = found[2] == b"-"
        if more and len(self._lines) >= REPLY_LINES:
            raise NotSmtp(f"its reply has more than {REPLY_LINES} lines")
        return not more

    def _line(self) -> bytes | None:
        end = self._rest.find(b"\n", self._searched)
        self._searched = len(self._rest)
        length = end + 1 if end >= 0 else self._searched
        if length > LINE_BYTES:
            raise NotSmtp(f"a line of its reply has more than {LINE_BYTES} bytes")
        if self._size + length > REPLY_BYTES:
            raise NotSmtp(f"its reply has more than {REPLY_BYTES} bytes")
        if end < 0:
            return None
        line = bytes(self._rest[:end])
        del self._rest[:length]
        self._searched, self._size = 0, self._size + length
        return line.removesuffix(b"\r")
