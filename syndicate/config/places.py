"""Where a setting stands: the line in config.toml, or the environment variable that sets it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, Array, InlineTable, Item, Table

from syndicate.config.faults import Fault

Where = tuple[str | int, ...]
"""A setting as keys and indexes: `("digests", 0, "schedule")`."""

_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
Place = TypeVar("Place", int, str)


@dataclass(frozen=True)
class Finding:
    """Something wrong at a setting, before it is known where that stands; `variable` if the environment is to blame."""

    where: Where
    text: str
    variable: str | None = None


@dataclass(frozen=True)
class Places:
    """Lines of the file and variables of the environment, by setting."""

    lines: Mapping[Where, int]
    variables: Mapping[Where, str]

    def fault(self, finding: Finding) -> Fault:
        """The finding with its place: its own, else that of the table around it."""
        variable = finding.variable or next(_around(self.variables, finding.where), None)
        if variable:
            return Fault(None, variable, finding.text)
        return Fault(next(_around(self.lines, finding.where), None), key_name(finding.where), finding.text)


def _around(places: Mapping[Where, Place], where: Where) -> Iterator[Place]:
    return (places[where[:n]] for n in range(len(where), 0, -1) if where[:n] in places)


def key_name(where: Where) -> str:
    """`("digests", 0, "schedule")` as people read it: `digests[0].schedule`."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else f"{part!a:.60}")
    return text


def lines_of(text: str) -> dict[Where, int]:
    """The line of every table and key of a TOML text, counted from 1; what cannot be placed is left out."""
    try:
        walk = _Walk()
        walk.body(tomlkit.parse(text), ())
    except Exception:  # noqa: BLE001 - a line is a courtesy: the fault itself must come through in any case
        return {}
    return walk.lines


class _Walk:
    """Goes through a document as it would be printed, counting line ends."""

    def __init__(self) -> None:
        self._line = 1
        self.lines: dict[Where, int] = {}

    def body(self, container: Container, where: Where) -> None:
        for key, item in container.body:
            if key is None:
                self._pass(item.as_string())
            else:
                self._item(item, (*where, key.key))

    def _item(self, item: Item, where: Where) -> None:
        if isinstance(item, AoT):
            for index, table in enumerate(item.body):
                self._table(table, (*where, index))
        elif isinstance(item, Table):
            self._table(item, where)
        else:
            self._pass(item.trivia.indent)
            self._keep(where)
            self._inside(item, where)
            self._pass(item.as_string() + item.trivia.comment_ws + item.trivia.comment + item.trivia.trail)

    def _table(self, table: Table, where: Where) -> None:
        if not table.is_super_table():
            self._pass(table.trivia.indent)
            self._keep(where)
            self._pass(table.trivia.comment_ws + table.trivia.comment + table.trivia.trail)
        self.body(table.value, where)

    def _inside(self, item: Item, where: Where) -> None:
        """What stands within one value is placed at the line where the value begins."""
        if isinstance(item, InlineTable):
            for key, inner in item.value.body:
                if key is not None:
                    self._keep((*where, key.key))
                    self._inside(inner, (*where, key.key))
        elif isinstance(item, Array):
            for index, inner in enumerate(item):
                self._keep((*where, index))
                if isinstance(inner, Item):
                    self._inside(inner, (*where, index))

    def _keep(self, where: Where) -> None:
        self.lines.setdefault(where, self._line)

    def _pass(self, printed: str) -> None:
        self._line += printed.count("\n")
