"""A file of any encoding as lines of text, however large it is and whatever is in it."""

import codecs
import re
from collections.abc import Iterator
from typing import AnyStr, BinaryIO

LONGEST_LINE = 1_000_000
_CHUNK = 1 << 18
_SAMPLE = 4096

# Longest first: the mark of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Lines:
    """The text of `file`, read once: by lines (iterate) or in pieces (`pieces`), not both.

    A byte order mark says the encoding; without one it is UTF-8, or UTF-16 if every other byte is zero. A line that is
    no UTF-8 is read as windows-1252: `foreign` counts those, `first_foreign` is the number of the first. `head` is the
    beginning, for whoever wants to see what kind of file this is; `consumed` the bytes read so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = file.read(_CHUNK)
        self.consumed = len(self._first)
        self.encoding, skip = _encoding(self._first)
        self._first = self._first[skip:]
        self.head = codecs.getincrementaldecoder(self.encoding)("replace").decode(self._first)
        self.number = 0
        self.foreign = 0
        self.first_foreign: int | None = None

    def __iter__(self) -> Iterator[str | None]:
        """Each line, ended by a newline; None for one of more than LONGEST_LINE characters, which is passed over."""
        if self.encoding == "utf-8":
            newline = b"\r" if b"\r" in self._first and b"\n" not in self._first else b"\n"
            for raw in _split(self._bytes(), newline):
                self.number += 1
                yield None if raw is None else self._text(raw)
            return
        mark = "\r" if "\r" in self.head and "\n" not in self.head else "\n"
        for line in _split(self.pieces(), mark):
            self.number += 1
            yield None if line is None else f"{line}\n"

    def pieces(self) -> Iterator[str]:
        """The text in pieces of no particular length; what is not of the encoding is replaced."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        for chunk in self._bytes():
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)

    def _bytes(self) -> Iterator[bytes]:
        chunk = self._first
        while chunk:
            yield chunk
            chunk = self._file.read(_CHUNK)
            self.consumed += len(chunk)

    def _text(self, raw: bytes) -> str:
        try:
            return f"{raw.decode('utf-8')}\n"
        except UnicodeDecodeError:
            self.foreign += 1
            self.first_foreign = self.first_foreign or self.number
            return f"{raw.decode('cp1252', 'replace')}\n"


def _encoding(head: bytes) -> tuple[str, int]:
    """The encoding of a file that begins so, and the length of its mark."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:_SAMPLE]
    zeros = (sample[0::2].count(0), sample[1::2].count(0))
    most = len(sample) // 2 * 0.7  # Latin letters; a file with a zero here and there is none
    if len(sample) >= 4 and max(zeros) > most and min(zeros) < most / 10:
        return ("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"), 0
    return "utf-8", 0


def _split(pieces: Iterator[AnyStr], newline: AnyStr) -> Iterator[AnyStr | None]:
    rest = newline[:0]
    dropping = False
    for piece in pieces:
        lines = (rest + piece).split(newline)
        rest = lines.pop()
        for line in lines:
            yield line if not dropping and len(line) <= LONGEST_LINE else None
            dropping = False
        if len(rest) > LONGEST_LINE:
            rest, dropping = newline[:0], True
    if dropping:
        yield None
    elif rest:
        yield rest


_SPOKEN_DELIMITER = re.compile("sep=(.)\r?\n", re.IGNORECASE)


def spoken_delimiter(line: str) -> str | None:
    """The delimiter that a line `sep=;` names, as spreadsheets write it before the header."""
    found = _SPOKEN_DELIMITER.fullmatch(line)
    return found[1] if found else None
