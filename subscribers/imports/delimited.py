"""Rows out of lines with a delimiter (RFC 4180 and its many relatives)."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from subscribers.imports.lines import LONGEST_LINE, Lines
from subscribers.imports.rows import Row, Unread

DELIMITERS = (",", ";", "\t", "|")
_NOT_CLOSED = "a quotation mark is opened in it and not closed: see whether the file was cut, or double the mark"
_TOO_LONG = f"it is longer than {LONGEST_LINE:,} characters"


class _TooLong(Exception):
    """The row that is being read has no end in sight."""


class _Feed:
    """Lines for the reader of the library. Those of the row that it reads now can be given back, save the first: so a
    quotation mark that nobody closes costs one line and not the rest of the file."""

    def __init__(self, lines: Lines) -> None:
        self._lines = iter(lines)
        self._back: deque[str | None] = deque()
        self._row: list[str | None] = []
        self._size = 0
        self._ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._back.popleft() if self._back else next(self._lines)
        except StopIteration:
            self._ended = True
            raise
        self._row.append(line)
        self._size += len(line or "")
        if line is None or self._size > LONGEST_LINE:
            raise _TooLong
        return line

    def begin(self) -> None:
        """A new row begins."""
        self._row.clear()
        self._size, self._ended = 0, False

    @property
    def lines(self) -> int:
        """How many lines the row has so far."""
        return len(self._row)

    @property
    def cut(self) -> bool:
        """Whether the file ended within the row."""
        return self._ended and bool(self._row)

    def give_back(self) -> None:
        """Read all but the first line of the row again."""
        self._back.extendleft(reversed(self._row[1:]))


def rows(lines: Lines, delimiter: str) -> Iterator[Row | Unread]:
    """Every row of the file. An empty line is a row without cells."""
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter)
    number = 0
    while True:
        feed.begin()
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong:
            yield Unread(number, _TOO_LONG if feed.lines == 1 else _NOT_CLOSED)
            feed.give_back()
        except csv.Error as error:
            yield Unread(number, _NOT_CLOSED if "field limit" in str(error) else _in_words(error))
            feed.give_back()
        else:
            if feed.cut:
                yield Unread(number, _NOT_CLOSED)
                feed.give_back()
            else:
                yield Row(number, cells)


def find_delimiter(head: str, is_header: Callable[[Sequence[str]], bool]) -> str:
    """The delimiter of a file that begins with `head`: the one that makes the first line a header with the most
    columns; without a header, the one that cuts it into the most cells."""
    line = next((line for line in head.splitlines() if line.strip()), "")

    def worth(delimiter: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return False, 0
        return is_header(cells), len(cells)

    return max(DELIMITERS, key=worth)


def _in_words(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "it holds a carriage return in the middle"
    return f"it is no row with a delimiter: {error}"
