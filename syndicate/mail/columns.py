"""Lines of plain text, measured in the columns that they take on a screen: a Chinese character takes two, a mark over a
letter none. Widths are those of Unicode UAX #11; its ambiguous characters are narrow."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

_NO_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
_IDEOGRAPHIC: Final = frozenset({"Lo", "Lm", "Nd", "Po", "Ps", "Pe", "Pi", "Pf", "Pd"})
_NEVER_FIRST: Final = frozenset({"Lm", "Po", "Pe", "Pf", "Pd"})
_NEVER_LAST: Final = frozenset({"Ps", "Pi"})
_HANGUL: Final = "\uac00", "\ud7a3"
_LOOSE_ENDS: Final = " ,;:.–—-·"


def columns(text: str) -> int:
    """How many columns `text` (one line) takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def filled(text: str, width: int, first: str = "", rest: str = "") -> str:
    """`text` as lines of at most `width` columns, the first beginning with `first`, the others with `rest`; "" for no
    words.

    Broken between words, and between two characters of a script that writes without blanks; a word too long for a line
    has one of its own."""
    return "\n".join(_laid(_pieces(text.split()), width, first, rest))


def listed(facts: Iterable[str], width: int, first: str = "", rest: str = "") -> str:
    """`facts` with a dot between two of them, as lines of at most `width` columns: broken behind a dot, and inside a
    fact only where it is too long for a line of its own."""
    told = list(facts)
    ended = [f"{fact} ·" for fact in told[:-1]] + told[-1:]
    room = width - columns(rest)
    pieces = (piece for fact in ended for piece in _whole(fact, room))
    return "\n".join(_laid(pieces, width, first, rest))


def shortened(text: str, width: int) -> str:
    """`text` if it takes at most `width` columns, else its beginning and "…", cut between words where there are any."""
    if columns(text) <= width:
        return text
    line, _, _ = filled(text, width - 1).partition("\n")
    while columns(line) > width - 1:
        line = line[:-1]
    return line.rstrip(_LOOSE_ENDS) + "…"


Piece = tuple[str, str]
"""What stands before a piece if it is not the first of its line ("" or a blank), and the piece, which is never cut."""


def _laid(pieces: Iterable[Piece], width: int, first: str, rest: str) -> Iterator[str]:
    line, used, empty = first, columns(first), True
    for gap, piece in pieces:
        wide = columns(piece)
        if not empty and used + len(gap) + wide > width:
            yield line
            line, used, empty = rest, columns(rest), True
        line, used = line + ("" if empty else gap) + piece, used + (0 if empty else len(gap)) + wide
        empty = False
    if not empty:
        yield line


def _whole(fact: str, room: int) -> Iterator[Piece]:
    return iter([(" ", fact)]) if columns(fact) <= room else _pieces(fact.split())


def _pieces(words: Iterable[str]) -> Iterator[Piece]:
    for word in words:
        gap, begin = " ", 0
        for place, (before, after) in enumerate(() if word.isascii() else pairwise(word), 1):
            if _may_break(before, after):
                yield gap, word[begin:place]
                gap, begin = "", place
        yield gap, word[begin:]


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between these two: no closing mark begins one, no opening mark ends one (JIS X 4051)."""
    if not (_ideographic(before) and _ideographic(after)):
        return False
    return unicodedata.category(after) not in _NEVER_FIRST and unicodedata.category(before) not in _NEVER_LAST


def _ideographic(character: str) -> bool:
    """Of a script that writes without blanks. Korean has them, and pictures are joined by what cannot be seen."""
    first, last = _HANGUL
    wide = unicodedata.east_asian_width(character) in "WF" and not first <= character <= last
    return wide and unicodedata.category(character) in _IDEOGRAPHIC


def _width(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
