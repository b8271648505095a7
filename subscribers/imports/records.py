"""A file as records: rows with the columns that hold for them. What kind of file it is, is found out here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subscribers.imports.columns import Columns, UnknownColumns, Wanted, numbered, recognise
from subscribers.imports.delimited import find_delimiter, rows
from subscribers.imports.formats import MAILMAN
from subscribers.imports.lines import LONGEST_LINE, Lines, spoken_delimiter
from subscribers.imports.objects import objects, text
from subscribers.imports.rows import Row, Unread

_BARE = r"[^\s<>@,;|\"]+@[^\s<>@,;|\"]+"
_ROSTER = re.compile(rf"(?:[^@]*<({_BARE})>|({_BARE}))\s*")
_SHAPES = 64  # objects may have different keys; more shapes than this are recognised anew each time


@dataclass(frozen=True, slots=True)
class Record:
    """The row of this number: what its cells mean, and the cells."""

    number: int
    columns: Columns
    cells: Sequence[str]


def records(lines: Lines, wanted: Wanted) -> Iterator[Record | Unread]:
    """Every row below the header, or every object. Raises UnknownColumns if no column of the header holds addresses."""
    first = next((line for line in lines.head.splitlines() if line.strip()), "")
    if first.lstrip()[:1] in ("{", "["):
        return _objects(lines, wanted)
    if wanted.format is MAILMAN or (not wanted.columns and _ROSTER.fullmatch(first)):
        return _roster(lines)
    return _table(lines, wanted)


def _roster(lines: Lines) -> Iterator[Record | Unread]:
    """An address a line, bare or behind a name."""
    columns = Columns(MAILMAN, {"address": 0}, {"address": "address"}, 1)
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Unread(number, f"it is longer than {LONGEST_LINE:,} characters")
        elif not line.strip():
            yield Unread(number, "an empty line", harmless=True)
        else:
            found = _ROSTER.fullmatch(line)
            yield Record(number, columns, (found[1] or found[2] if found else line.strip("\r\n"),))


def _table(lines: Lines, wanted: Wanted) -> Iterator[Record | Unread]:
    begin = lines.head.partition("\n")
    spoken = spoken_delimiter(f"{begin[0]}\n")
    delimiter = spoken or find_delimiter(lines.head, lambda cells: _is_header(cells, wanted))
    columns: Columns | None = None
    for row in rows(lines, delimiter):
        if isinstance(row, Unread):
            yield row
        elif not any(map(str.strip, row.cells)):
            yield Unread(row.number, "an empty line", harmless=True)
        elif spoken and row.number == 1:
            continue
        elif columns is None:
            columns, first = _first_columns(row, wanted)
            yield from first
        elif again := _header_again(row, columns, wanted):
            columns = again
            yield Unread(row.number, "a header: the rows below are read by it", harmless=True)
        else:
            yield _record(row, columns)


def _first_columns(row: Row, wanted: Wanted) -> tuple[Columns, tuple[Record | Unread, ...]]:
    if wanted.by_number:
        columns = numbered(len(row.cells), wanted)
        return columns, (_record(row, columns),)
    found = recognise(row.cells, wanted)
    if found is None:
        shown = ", ".join(row.cells)[:200]
        raise UnknownColumns(
            f"none of the columns holds addresses, as far as their names say: {shown}; name it, as in"
            " --map COLUMN=address, or --map 1=address where there is no header"
        )
    return found, ()


def _header_again(row: Row, columns: Columns, wanted: Wanted) -> Columns | None:
    """The columns of a header in the middle, as when two files were put together; None for any other row."""
    place = columns.places["address"]
    if wanted.by_number or (place < len(row.cells) and "@" in row.cells[place]):
        return None
    if any("@" in cell for cell in row.cells):
        return None
    try:
        return recognise(row.cells, wanted)
    except UnknownColumns:
        return None


def _record(row: Row, columns: Columns) -> Record | Unread:
    cells, width = row.cells, columns.width
    if len(cells) > width and any(map(str.strip, cells[width:])):
        return Unread(row.number, f"it has {len(cells)} cells, and the header has {width}")
    if len(cells) < width:
        cells = [*cells, *([""] * (width - len(cells)))]
    return Record(row.number, columns, cells)


def _is_header(cells: Sequence[str], wanted: Wanted) -> bool:
    try:
        return recognise(cells, wanted) is not None
    except UnknownColumns:
        return False


def _objects(lines: Lines, wanted: Wanted) -> Iterator[Record | Unread]:
    shapes: dict[tuple[str, ...], Columns | None] = {}
    for found in objects(lines):
        if isinstance(found, Unread):
            yield found
            continue
        number, one = found
        shape = tuple(one)
        if shape not in shapes:
            if len(shapes) >= _SHAPES:
                shapes.clear()
            shapes[shape] = recognise(shape, wanted)
        columns = shapes[shape]
        if columns is None:
            yield Unread(number, "it has no address, as far as its names say: name it, as in --map NAME=address")
        else:
            yield Record(number, columns, [text(value) for value in one.values()])
