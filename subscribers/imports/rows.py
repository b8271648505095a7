"""What a reader finds in a file, whatever its form: rows of cells, and rows that cannot be read, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """The row of this number, as a spreadsheet counts: the header is 1, an empty line is one too."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Unread:
    """A row of which nothing is taken over, and why. `harmless`: nobody is missing by it."""

    number: int
    reason: str
    harmless: bool = False
