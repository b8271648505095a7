"""Which addresses of a file came before, in which row: kept in a temporary database, so that memory stays bounded."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Before:
    """What the rows of an address said so far: the number of the first, whether one says that the person left or must
    not be mailed, and `marks` of what was said, a bit each (of any number)."""

    row: int
    leaves: bool
    marks: int


class Seen:
    """Remembers rows by the keyed hash of their address. Close it when done; the file behind it has no name."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        for line in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8000", "temp_store = FILE"):
            self._rows.execute(f"PRAGMA {line}")
        self._rows.execute(
            "CREATE TABLE seen (hash TEXT PRIMARY KEY, row INTEGER, leaves INTEGER, marks TEXT) WITHOUT ROWID"
        )

    def of(self, hashes: Sequence[str]) -> dict[str, Before]:
        """Those of these addresses that came before."""
        found: dict[str, Before] = {}
        for begin in range(0, len(hashes), _AT_ONCE):
            part = hashes[begin : begin + _AT_ONCE]
            places = ", ".join("?" * len(part))
            rows = self._rows.execute(f"SELECT hash, row, leaves, marks FROM seen WHERE hash IN ({places})", part)  # noqa: S608
            found.update((one, Before(row, bool(leaves), int(marks))) for one, row, leaves, marks in rows)
        return found

    def keep(self, rows: Mapping[str, Before]) -> None:
        """Remember these; what was known of the same address is replaced."""
        values: Iterable[tuple[str, int, int, str]] = (
            (one, before.row, before.leaves, str(before.marks)) for one, before in sorted(rows.items())
        )
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", values)
        self._rows.execute("COMMIT")

    def close(self) -> None:
        self._rows.close()
