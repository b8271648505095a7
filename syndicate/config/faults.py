"""What is wrong with a configuration and where that stands: the line in config.toml, or the environment variable that
sets it; and the error that carries all faults."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from syndicate.errors import UsageError

Where = tuple[str | int, ...]
"""A setting as keys and indexes: `("digests", 0, "schedule")`."""

_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
Place = TypeVar("Place", int, str)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, or that still looks like the example.

    `line` counts from 1 in config.toml, None when no line is to blame; `key` is the setting (`mail.smtp.port`,
    `digests[0].schedule`; elements count from 0), or the name of the environment variable at fault, or "" for
    the file as a whole. `text` says what and what to do, on one line, and never holds a secret.
    """

    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        place = () if self.line is None else (f"line {self.line}",)
        return ": ".join((*place, *((self.key,) if self.key else ()), self.text))


class ConfigError(UsageError):
    """The configuration cannot be used. `faults` holds all that is wrong; `str(error)` is one line about the first."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        more = len(faults) - 1
        rest = "" if more == 0 else f" (and {more} more: `syndicate check` names them all)"
        super().__init__(f"{name}: {faults[0]}{rest}")
        self.faults = faults


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
        variable = finding.variable or self._variable(finding.where)
        if variable:
            return Fault(None, variable, finding.text)
        return Fault(next(_around(self.lines, finding.where), None), key_name(finding.where), finding.text)

    def _variable(self, where: Where) -> str | None:
        """The variable that sets this, or a table around it, or makes a table that the file does not have."""
        inside = (v for w, v in self.variables.items() if w[: len(where)] == where and where not in self.lines)
        return next(chain(_around(self.variables, where), inside), None)


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
    """The line of every table and key of a valid TOML text, counted from 1.

    What stands within one value is placed at the line where the value begins; a table without a header of its own at
    the first header below it.
    """
    # tomlkit keeps places too, but moves rows of one list of tables together when other tables stand between them.
    written: dict[Where, int] = {}
    implied: dict[Where, int] = {}
    rows: Counter[Where] = Counter()
    table: Where = ()
    for start, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _opened(content, rows)
            written.setdefault(table, start)
            for depth in range(1, len(table)):
                implied.setdefault(table[:depth], start)
        else:
            for where in _within(content, table):
                written.setdefault(where, start)
    return {**implied, **written}


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header and each `key = value` with the line it begins on.

    A statement is the shortest run of lines that is TOML by itself: within a text or a list of several lines, what
    came so far never is.
    """
    start, pending = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        pending += f"{line}\n"
        try:
            found = tomllib.loads(pending)
        except (ValueError, RecursionError):
            continue
        if found:
            yield start, pending
        start, pending = number + 1, ""


def _opened(header: dict[str, object], rows: Counter[Where]) -> Where:
    """The table that a header opens; `rows` counts those of each list of tables and is kept up here."""
    where: Where = ()
    inner: object = header
    while isinstance(inner, dict) and inner:
        ((key, inner),) = inner.items()
        where = (*where, key)
        if isinstance(inner, list):
            rows[where] += 1
        if rows[where]:
            where = (*where, rows[where] - 1)
    return where


def _within(value: object, where: Where) -> Iterator[Where]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, content in inner:
        yield (*where, key)
        yield from _within(content, (*where, key))
