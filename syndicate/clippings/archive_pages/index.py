"""Reads the lists of the "Don't Miss" archive: "Headline; from Publication (PLACE), M/D/YY", a clipping a line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from syndicate.clippings.archive_pages.lines import Line, readable_lines
from syndicate.clippings.archive_pages.source_line import split_place
from syndicate.clippings.archive_pages.values import ArchivedClipping, UnreadablePage
from syndicate.datelines import MONTH_NAME, BadDateline, Dateline

_FORM = '"Headline; from Publication (PLACE), M/D/YY"'
# Where programs break lines.
_MARGIN = (60, 85)
# A longer line is a paragraph, no entry of a list.
_LONGEST = 500
# What is meant as a date, also where it is none ("2/30/09", "?/7/09", "2/6/9").
_DATE = re.compile(
    rf"(?<![\w/])(?:[0-9?]{{1,4}}/[0-9?]{{1,4}}/[0-9?]{{1,4}}|[0-9]{{1,2}}[-.][0-9]{{1,2}}[-.][0-9]{{2,4}}"
    rf"|{MONTH_NAME} [0-9]{{1,2}},? [0-9]{{4}}|[0-9]{{1,2}} {MONTH_NAME},? [0-9]{{4}})(?![0-9_/]|(?-i:[a-z]))",
    re.IGNORECASE,
)
# A month alone heads a part of a list; only after "from Publication" is it a date.
_VAGUE = re.compile(rf"(?<=[,)] )(?:{MONTH_NAME} )?(?:1[89]|20)[0-9]{{2}}(?![\w/])", re.IGNORECASE)
_HALF_DATE = re.compile(r", ?[0-9?]{1,2}/[0-9?]{1,4}$")
# The mark between headline and publication; the second form only where a place follows.
_FROM = re.compile(r";\s*(?i:from)\b|(?<=[?!])\s*from\b")
_OTHER_FROM = re.compile(r"(?:[,:.]|\s(?:--|-|–|—))\s+from\b|(?<=[?!])\s*From\b|\s+from\b")
_BULLET = re.compile(r"(?:[•·*▪◦»>]|-(?=\s))\s*")
# What dates the list itself, not an entry: "Page updated,", "Friday,".
_OWN_DATE = re.compile(r"\b(?:updated|modified|revised|posted|copyright|[a-z]{3,6}day)\b.{0,12}$|©", re.IGNORECASE)


@dataclass(frozen=True)
class Unread:
    """A line of a list that holds a date or a publication, but no clipping that can be believed."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class IndexPage:
    """What a saved list holds, in its order; `unread` are the lines to look at."""

    clippings: tuple[ArchivedClipping, ...]
    unread: tuple[Unread, ...]


class _NoEntry(Exception):
    """The line is meant as an entry, but cannot be read; the text is the reason."""


def read_index(text: str, name: str) -> IndexPage:
    """The clippings of a saved list, with an empty body. Lines without a date are navigation and are passed over.

    Read are also: entries without publication, with "? from" for "; from", with a date inside the headline, with
    words after the date, without brackets. An entry whose only date stands inside its headline is unread: it dates
    what the headline tells. Raises UnreadablePage when no line of the file looks like an entry.
    """
    clippings, unread = _read(readable_lines(text, name))
    if not clippings and not unread:
        raise UnreadablePage(name, 1, f"no line of the form {_FORM}; is this a saved list?")
    return IndexPage(tuple(clippings), tuple(unread))


def count_entries(lines: Sequence[Line]) -> int:
    """How many of the lines are entries of a list by their whole form, publication included."""
    return sum(1 for clipping in _read(lines)[0] if clipping.publication)


def _read(lines: Sequence[Line]) -> tuple[list[ArchivedClipping], list[Unread]]:
    clippings: list[ArchivedClipping] = []
    unread: list[Unread] = []
    for line in _unwrapped(lines):
        try:
            clipping = _entry(_BULLET.sub("", line.text, count=1) if _BULLET.match(line.text) else line.text)
        except (_NoEntry, BadDateline) as reason:
            unread.append(Unread(line.number, line.text[:_LONGEST], str(reason)))
        else:
            if clipping:
                clippings.append(replace(clipping, line=line.number))
    return clippings, unread


def _unwrapped(lines: Sequence[Line]) -> list[Line]:
    """The lines, with one that goes on where the line above it stopped put back to it."""
    whole: list[Line] = []
    for line in lines:
        above = whole[-1] if whole else None
        if above and not line.gap and not _DATE.search(above.text) and _goes_on(above.text, line.text):
            whole[-1] = replace(above, text=f"{above.text} {line.text}")
        else:
            whole.append(line)
    return whole


def _goes_on(above: str, below: str) -> bool:
    """Whether the two are one entry, broken at "from", after a mark, or at the margin of a mail program."""
    if below.startswith("from ") or above.endswith((";", "; from", "? from")):
        return True
    if above.endswith(",") and _DATE.match(below):
        return True
    return _MARGIN[0] <= len(above) <= _MARGIN[1] and not above.endswith((".", "!", ":")) and bool(_FROM.search(below))


def _entry(text: str) -> ArchivedClipping | None:
    """The clipping of one line; None for a line that is not meant as one. Raises _NoEntry and BadDateline."""
    if len(text) > _LONGEST:
        if _DATE.search(text):
            raise _NoEntry(f"a paragraph, not of the form {_FORM}")
        return None
    mark = _from_mark(text)
    return _without_mark(text) if mark is None else _marked(text[: mark.start()], text[mark.end() :])


def _from_mark(text: str) -> re.Match[str] | None:
    """The last "; from" (or "? from"), else another mark before "from" if brackets with a place follow."""
    marks = list(_FROM.finditer(text))
    if marks:
        # What follows the date is not looked at, a second "from" there included.
        return next((mark for mark in reversed(marks) if _DATE.search(text, mark.end())), marks[-1])
    for mark in reversed(list(_OTHER_FROM.finditer(text))):
        date = _DATE.search(text, mark.end())
        if date and split_place(text[mark.end() : date.start()])[1]:
            return mark
    return None


def _marked(headline: str, rest: str) -> ArchivedClipping:
    """An entry with its publication: the date is the first one behind it, else the last word of the headline."""
    date = _DATE.search(rest) or _VAGUE.search(rest)
    if date:
        return _clipping(headline, rest[: date.start()], date[0])
    for misplaced in _DATE.finditer(headline):
        before, after = headline[: misplaced.start()], headline[misplaced.end() :]
        if before.rstrip().endswith((",", ";", "(")) and not after.strip(" ,;)"):
            return _clipping(before.rstrip(" ("), rest, misplaced[0])
    raise _NoEntry(f"no date after the publication; the form is {_FORM}")


def _without_mark(text: str) -> ArchivedClipping | None:
    """An entry without "from": the date is the last one that a comma, semicolon, bracket or question mark sets off."""
    dates = list(_DATE.finditer(text))
    if not dates:
        if _HALF_DATE.search(text):
            raise _NoEntry(f"the date has no year; the form is {_FORM}")
        return None
    set_off = [date for date in dates if text[: date.start()].rstrip().endswith((",", ";", ")", "]", "?", "!"))]
    if text.startswith("from "):
        raise _NoEntry(f"no headline before the publication; the form is {_FORM}")
    if not set_off or _OWN_DATE.search(text[: set_off[-1].start()]):
        raise _NoEntry(f"a date, but not the form {_FORM}")
    before = text[: set_off[-1].start()]
    headline, mark, publication = before.rstrip(" ,;").rpartition("; ")
    if mark and split_place(publication)[1]:
        return _clipping(headline, publication, set_off[-1][0])
    named, place = split_place(before)
    if not place and "/" not in set_off[-1][0]:
        # "Washington, March 6, 2009" heads a part of a list; entries have M/D/YY.
        raise _NoEntry(f"a date, but not the form {_FORM}")
    return replace(_clipping(named or "", "", set_off[-1][0]), place=place)


def _clipping(headline: str, publication: str, date: str) -> ArchivedClipping:
    shown = headline.strip().rstrip(",;").strip()
    if not any(char.isalpha() for char in shown):
        raise _NoEntry(f"no headline; the form is {_FORM}")
    name, place = split_place(publication)
    return ArchivedClipping(
        headline=shown,
        dateline=Dateline.printed(date),
        publication=name,
        place=place,
        deck=None,
        byline=None,
        body="",
    )
