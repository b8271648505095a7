"""What an import costs beside its yardstick of the same run: email-validator alone on the same rows,
and a bare bulk insert.

    python bench/import.py [--rows 1000000] [--write]

The yardstick inserts the same rows into the same tables (subscriber, subscription, consent event), with nothing asked
and nothing looked up, in transactions of the same size. Memory is the most that the process of the import ever had.
"""

import argparse
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from email_validator import validate_email
from machine import machine

from subscribers.importer import BATCH, run
from subscribers.imports.columns import Wanted
from subscribers.imports.entries import Terms
from syndicate.database import Database
from syndicate.keys import create_secret, load_secret
from syndicate.migrations import upgrade

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_TERMS = Terms(("weekly",), frozenset({"weekly"}), "en", "the list of the old site")


def _addresses(rows: int) -> list[str]:
    return [f"Reader.{number}@mail{number % 5000}.example.net" for number in range(rows)]


def _lay(folder: Path, rows: int) -> None:
    with (folder / "list.csv").open("w") as file:
        file.write("Email Address,Name,Confirmed at\n")
        file.writelines(f"{address},Some Body,2020-01-02 03:04:05\n" for address in _addresses(rows))
    create_secret(folder / "secret.key")
    for name in ("import", "bare"):
        database = Database(f"sqlite:///{folder}/{name}.db")
        upgrade(database)
        database.settle()
        database.close()


class _Nowhere:
    def add(self, *stops: object) -> None:
        assert not stops


def _import(folder: Path) -> None:
    """In a process of its own, for its memory. Prints seconds and KiB."""
    database = Database(f"sqlite:///{folder}/import.db")
    keys = load_secret(folder / "secret.key")
    began = time.perf_counter()
    with (folder / "list.csv").open("rb") as file:
        totals = run(
            file,
            _TERMS,
            Wanted(),
            write=database.write_much,
            hash_of=keys.address_hash,
            stops=_Nowhere(),
            clock=lambda: NOW,
            report=lambda _: None,
            progress=lambda _: None,
        )
    took = time.perf_counter() - began
    assert totals.counts.keys() == {"added"}, totals
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _validated(addresses: list[str]) -> float:
    began = time.perf_counter()
    for address in addresses:
        validate_email(address, check_deliverability=False)
    return time.perf_counter() - began


def _inserted(folder: Path, addresses: list[str]) -> float:
    keys = load_secret(folder / "secret.key")
    at = NOW.replace(tzinfo=None).isoformat(" ")
    people = [
        (f"u{number:015}", address, keys.address_hash(address.lower()), at, at)
        for number, address in enumerate(addresses)
    ]
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for line in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {line}")
    began = time.perf_counter()
    for begin in range(0, len(people), BATCH):
        part = people[begin : begin + BATCH]
        ids = range(begin + 1, begin + 1 + len(part))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO subscriber (uid, address, address_hash, state, language, created_at, confirmed_at)"
            " VALUES (?, ?, ?, 'confirmed', 'en', ?, ?)",
            part,
        )
        connection.executemany(
            "INSERT INTO subscription (subscriber_id, digest, state, since) VALUES (?, 'weekly', 'active', ?)",
            [(number, at) for number in ids],
        )
        connection.executemany(
            "INSERT INTO consent_event (subscriber_id, kind, digest, at, way, source)"
            " VALUES (?, 'imported', 'weekly', ?, 'import', ?)",
            [(number, at, _TERMS.consent) for number in ids],
        )
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return took


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="keep the table in bench/results/")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.only:
        _import(words.only)
        return
    at = machine()
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as place:
        folder = Path(place)
        _lay(folder, words.rows)
        child = [sys.executable, __file__, "--only", place]
        took, memory = map(float, subprocess.run(child, check=True, capture_output=True, text=True).stdout.split())
        addresses = _addresses(words.rows)
        validated, inserted = _validated(addresses), _inserted(folder, addresses)
    base = validated + inserted
    rows = [
        (f"the import of {words.rows:,} rows", f"{took:.1f} s: {took / base:.2f} × the yardstick", "<= 2 ×"),
        ("email-validator alone on the same rows", f"{validated:.1f} s", ""),
        ("a bare bulk insert of them", f"{inserted:.1f} s", ""),
        ("the most memory of the import", f"{memory / 1024:.0f} MiB", "< 300 MiB"),
    ]
    lines = ["| What | Figure | Wanted |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    report = f"{at}.\n\n" + "\n".join(lines) + "\n"
    print(report)
    if words.write:
        day = datetime.now(UTC).date().isoformat()
        path = Path(__file__).parent / "results" / f"import-{words.rows}-{day}.md"
        path.write_text(f"# Importing a list, {day}\n\n{report}")


if __name__ == "__main__":
    _main()
