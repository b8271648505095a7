"""The table of a chaos run: a row for each campaign, and its sums."""

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Row:
    """What one campaign came to. `met` counts the occupied slots that its kills left behind."""

    database: str
    processes: int
    policy: str
    point: str
    kills: int
    met: int
    uncertain: int
    duplicates: int
    unmarked: int
    lost: int
    seconds: float


_HEADS = {"met": "occupied slots met", "unmarked": "duplicates unmarked"}


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, with a sum for each database."""
    names = [field.name for field in fields(Row)]
    lines = [
        "| " + " | ".join(_HEADS.get(name, name) for name in names) + " |",
        "|" + "".join(" --- |" if name in ("database", "policy", "point") else " ---: |" for name in names),
    ]
    kinds = {
        kind: [row for row in rows if row.database == kind] for kind in dict.fromkeys(row.database for row in rows)
    }
    sums = [total(kind, found) for kind, found in kinds.items() if len(found) > 1]
    for row in [*rows, *sums]:
        cells = (getattr(row, name) for name in names)
        lines.append(
            "| " + " | ".join(f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"


def total(database: str, rows: Sequence[Row]) -> Row:
    """The sums over these rows."""
    numbers = ("kills", "met", "uncertain", "duplicates", "unmarked", "lost", "seconds")
    sums = {name: sum(getattr(row, name) for row in rows) for name in numbers}
    return Row(database, max((row.processes for row in rows), default=0), "all", "**all**", **sums)
