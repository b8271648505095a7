"""Which cell of a row is what: found by the names in the header, or as somebody says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import get_args

from subscribers.errors import SubscriberError
from subscribers.imports.formats import FORMATS, PLAIN, Field, Format, Said, normal

FIELDS: tuple[Field, ...] = get_args(Field)
IGNORE = "ignore"


@dataclass(frozen=True)
class Wanted:
    """How a file is to be read: the `format` if it is not to be found out, `columns` (normal name, or number from 1 in
    a file without a header, to a field or IGNORE), and the `name` of the file, which in some exports says something."""

    format: Format | None = None
    columns: Mapping[str, Field | str] = field(default_factory=dict)
    name: str = ""

    @property
    def by_number(self) -> bool:
        """Whether the columns are numbered: then there is no header."""
        return bool(self.columns) and all(name.isdecimal() for name in self.columns)


@dataclass(frozen=True)
class Columns:
    """The place of each field in a row, of `width` cells. `whole` is what the file says of everybody in it."""

    format: Format
    places: Mapping[Field, int]
    titles: Mapping[Field, str]
    width: int
    whole: Said | None = None


class UnknownColumns(SubscriberError):
    """The columns cannot be told: which holds the addresses, or one that was named is not there."""

    status = 2


def recognise(header: Sequence[str], wanted: Wanted) -> Columns | None:
    """The columns of this header; None if none of them holds addresses. Raises UnknownColumns for a column of `wanted`
    that it has not."""
    names = [normal(name) for name in header]
    placed = {name: place for place, name in reversed(list(enumerate(names)))}  # of two the first counts
    absent = [name for name in wanted.columns if name not in placed]
    if absent and not wanted.by_number:
        raise UnknownColumns(f"there is no column {absent[0]!r}; there are: {', '.join(header)}")
    chosen = wanted.format or next((one for one in FORMATS if one.signs and one.signs <= placed.keys()), PLAIN)
    known = {name: meant for name, meant in chosen.fields.items() if name in placed and name not in wanted.columns}
    said = {name: _field(meant) for name, meant in wanted.columns.items() if name in placed and meant != IGNORE}
    places: dict[Field, int] = {}
    for name, meant in (*said.items(), *known.items()):
        places.setdefault(meant, placed[name])
    if "address" not in places:
        return None
    titles = {meant: header[place].strip() for meant, place in places.items()}
    return Columns(
        chosen, places, titles, len(header), _whole(chosen, placed.keys() - wanted.columns.keys(), wanted.name)
    )


def numbered(width: int, wanted: Wanted) -> Columns:
    """The columns of a file without a header, of `width` cells, as `wanted` numbers them. Raises UnknownColumns."""
    places = {_field(meant): int(name) - 1 for name, meant in wanted.columns.items() if meant != IGNORE}
    if "address" not in places:
        raise UnknownColumns("no column is said to hold the addresses: name it, as in --map 1=address")
    if not all(0 <= place < width for place in places.values()):
        raise UnknownColumns(f"the first row has {width} cells: a column of --map is not there")
    titles = {meant: f"column {place + 1}" for meant, place in places.items()}
    return Columns(wanted.format or PLAIN, places, titles, width, _whole(wanted.format or PLAIN, set(), wanted.name))


def _whole(chosen: Format, names: set[str], file: str) -> Said | None:
    by_column = next((said for name, said in chosen.whole.items() if name in names), None)
    base = PurePath(file).name.lower()
    return by_column or next((said for begin, said in chosen.names.items() if base.startswith(begin)), None)


def _field(name: str) -> Field:
    return next(one for one in FIELDS if one == name)
