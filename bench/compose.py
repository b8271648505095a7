"""What one edition and one mail cost before they reach a line: planning, rendering, filling, signing.

    python bench/compose.py [--clippings 100000] [--rounds 5] [--size 60000] [--postgres URL] [--write]

Figures are medians. An edition is made out of a fresh copy of the database each time, by parts that have not compiled
a template yet. Signing takes turns with the bare RSA of the same key.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from compose_editions import ALL_NEW, TEN_YEARS, Row, editions
from compose_mails import mails
from machine import machine


def _rows(folder: Path, words: argparse.Namespace) -> list[Row]:
    (folder / "mail").mkdir()
    of_mails = mails(folder / "mail", words.size)
    print("mails measured", file=sys.stderr, flush=True)
    of_editions: list[Row] = []
    for number, (shape, server) in enumerate(
        (shape, server) for shape in (TEN_YEARS, ALL_NEW) for server in _servers(words)
    ):
        place = folder / f"site{number}"
        of_editions += editions(place, shape, clippings=words.clippings, rounds=words.rounds, server=server)
        print(of_editions[-2][0], "measured", file=sys.stderr, flush=True)
    return [*of_editions, *of_mails]


def _servers(words: argparse.Namespace) -> tuple[str | None, ...]:
    return (None, words.postgres) if words.postgres else (None,)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clippings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=60_000)
    parser.add_argument("--postgres", help="the address of a PostgreSQL server on which databases may be made")
    parser.add_argument("--write", action="store_true", help="keep the table in bench/results/")
    words = parser.parse_args()
    at = machine()
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as place:
        rows = _rows(Path(place), words)
    lines = ["| What | Median | Wanted |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    report = f"{at}; {words.size:,} bytes a mail, {words.rounds} editions.\n\n" + "\n".join(lines) + "\n"
    print(report)
    if words.write:
        day = datetime.now(UTC).date().isoformat()
        (Path(__file__).parent / "results").mkdir(exist_ok=True)
        (Path(__file__).parent / "results" / f"compose-{day}.md").write_text(f"# Composing, {day}\n\n{report}")


if __name__ == "__main__":
    _main()
