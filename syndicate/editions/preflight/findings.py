"""What a check found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["fault", "warning", "note"]
_ORDER = ("fault", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that was found. A fault keeps the edition from going, a warning asks, a note only tells. `where` names
    the part and, where there is more than one, the language: "html, es"."""

    level: Level
    what: str
    remedy: str
    where: str


def fault(what: str, remedy: str, where: str) -> Finding:
    """What must not go out so."""
    return Finding("fault", what, remedy, where)


def warning(what: str, remedy: str, where: str) -> Finding:
    """What a person should have seen."""
    return Finding("warning", what, remedy, where)


def note(what: str, remedy: str, where: str) -> Finding:
    """What is good to know."""
    return Finding("note", what, remedy, where)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, faults before warnings before notes, else in their order."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: _ORDER.index(one.level)))


def line_of(finding: Finding) -> str:
    """The finding in one line: what, where and what to do."""
    return f"{finding.what} ({finding.where}): {finding.remedy}"
