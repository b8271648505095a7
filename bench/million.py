"""A long list: what it costs to freeze it, to claim and commit at its end, in memory, on disk, and to who reads pages.

    python bench/million.py [--recipients 1000000] [--databases sqlite,postgres] [--reader] [--write]

The wire accepts at once (an object in place of a connection): what is measured is the ledger. With `--reader` somebody
holds a reading transaction open, for 60 s at a time, all the while. PostgreSQL runs in a cluster of its own, with
fsync; it is made for this and removed.
"""

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from machine import machine
from million_site import IN_ORDER, SAME_ROWS, approve, bare_copy, make
from sqlalchemy import text

from syndicate.app.parts import open_site
from syndicate.database import Database
from syndicate.editions.starting import start
from syndicate.outbox import ranges

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from cluster import Cluster  # noqa: E402 - the tests know how a throw-away PostgreSQL is made

_READER_SECONDS = 60.0
_PAGE_SECONDS = 0.1
_FEW = 1_000
_WARM = 10


class Watch(threading.Thread):
    """Does something again and again beside the run, until the `with` block ends."""

    def __init__(self, act: Callable[[threading.Event], None]) -> None:
        super().__init__(daemon=True)
        self._act, self._over = act, threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self._act(self._over)

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(90)


class Pages:
    """Asks a `syndicate web` process for a public page ten times a second and notes how long each answer took."""

    def __init__(self, address: str) -> None:
        self._place = address.removeprefix("http://").rstrip("/")
        self.seconds: list[float] = []
        for _ in range(_WARM):
            self.look(threading.Event())
        self.seconds.clear()

    def look(self, over: threading.Event) -> None:
        began = time.monotonic()
        connection = http.client.HTTPConnection(self._place, timeout=30)
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, answer.status
        self.seconds.append(time.monotonic() - began)
        over.wait(_PAGE_SECONDS)

    def p99(self) -> float:
        return 1000 * sorted(self.seconds)[int(len(self.seconds) * 0.99)] if self.seconds else 0.0


@contextmanager
def web_process(folder: Path, url: str) -> Iterator[str]:
    """`syndicate web` on this database, in a process of its own. Gives its address."""
    words = [sys.executable, "-m", "syndicate", "--config", str(folder / "config.toml"), "web", "--port", "0"]
    environ = {**os.environ, "SYNDICATE_DATABASE__URL": url, "SYNDICATE_MAIL__DKIM__SIGN": "false"}
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


class Disk:
    """The largest size that database, log and all had together."""

    def __init__(self, database: Database) -> None:
        self._database, self.most = database, 0

    def look(self, over: threading.Event) -> None:
        self.most = max(self.most, self._now())
        over.wait(0.5)

    def _now(self) -> int:
        if self._database.sqlite:
            return sum(part.stat().st_size for part in self._database.file.parent.glob("syndicate.db*"))
        with self._database.read() as session:
            return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def hold_reader(database: Database) -> Callable[[threading.Event], None]:
    """Keep one snapshot for a minute, then take another."""

    def look(over: threading.Event) -> None:
        with database.engine.connect() as plain:
            connection = plain if database.sqlite else plain.execution_options(isolation_level="REPEATABLE READ")
            if not database.sqlite:
                connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
            connection.exec_driver_sql("SELECT count(*) FROM batch").all()
            over.wait(_READER_SECONDS)

    return look


def bare_seconds(folder: Path, url: str, insert: str) -> tuple[float, float]:
    """The yardstick: rows put into a like table in one transaction, by one statement that asks nothing. Seconds of time
    and of this process's processor."""
    database = Database(url)
    if database.sqlite:  # in a copy, as a table that is dropped would leave its pages to whoever comes next
        copy = Database(f"sqlite:///{shutil.copy(database.file, folder / 'copy.db')}")
        database.close()
        database = copy
    try:
        return _insert_bare(database, insert)
    finally:
        database.close()
        for part in folder.glob("copy.db*"):
            part.unlink()


def _insert_bare(database: Database, insert: str) -> tuple[float, float]:
    with database.write() as session:
        for statement in bare_copy(database):
            session.execute(text(statement))
    began, cpu = time.monotonic(), time.process_time()
    with database.write() as session:
        session.execute(text(insert))
    took = time.monotonic() - began, time.process_time() - cpu
    with database.write() as session:
        session.execute(text("DROP TABLE bare"))
    return took


def freeze(folder: Path, url: str, edition_id: int) -> dict[str, float]:
    """Start the edition; how long that took, and the longest transaction of it."""
    longest, before = [0.0], [0.0]
    real = ranges.freeze_range

    def timed(*args: object, **more: object) -> bool:
        before[0] = time.monotonic()
        more_to_come: bool = real(*args, **more)  # type: ignore[arg-type]
        longest[0] = max(longest[0], time.monotonic() - before[0])
        return more_to_come

    ranges.freeze_range = timed
    try:
        with open_site(folder / "config.toml", environ={"SYNDICATE_DATABASE__URL": url}) as app:
            began, cpu = time.monotonic(), time.process_time()
            start(app.database, app.config, edition_id, now=app.clock())
            took = {"freeze_s": time.monotonic() - began, "freeze_cpu_s": time.process_time() - cpu}
            return took | {"longest_range_s": longest[0]}
    finally:
        ranges.freeze_range = real


def send(folder: Path, url: str, recipients: int, window: int) -> dict[str, object]:
    words = [sys.executable, str(HERE / "million_send.py"), str(folder), "--database", url]
    words += ["--recipients", str(recipients), "--window", str(window)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(done.stdout)
    if found["state"] != "sent" or found["mails"] != recipients:
        raise ValueError(f"not everybody was sent to: {found}")
    return found


def measure(folder: Path, new_url: Callable[[Path], str], recipients: int, *, reader: bool) -> dict[str, object]:
    """One database: few recipients for the size of the process, then many for all the rest."""
    small = folder / "few"
    small.mkdir()
    url = new_url(small)
    make(small, url, _FEW)
    freeze(small, url, approve(small, url))
    few = send(small, url, _FEW, _FEW // 4)

    large = folder / "many"
    large.mkdir()
    url = new_url(large)
    make(large, url, recipients)
    database = Database(url)
    edition_id = approve(large, url)
    found: dict[str, object] = {}
    disk = Disk(database)
    with web_process(large, url) as address:
        while_frozen, while_sent = Pages(address), Pages(address)
        with Watch(disk.look), Watch(while_frozen.look):
            found |= freeze(large, url, edition_id)
        database.settle()
        found["bare_s"], found["bare_cpu_s"] = bare_seconds(large, url, SAME_ROWS)
        found["in_order_s"], _ = bare_seconds(large, url, IN_ORDER)
        with Watch(disk.look), Watch(while_sent.look), Watch(hold_reader(database) if reader else _nothing):
            many = send(large, url, recipients, min(100_000, recipients // 4))
    database.close()
    return found | {
        "many": many,
        "few": few,
        "page_p99_ms_freezing": while_frozen.p99(),
        "page_p99_ms_sending": while_sent.p99(),
        "page_median_ms_sending": 1000 * statistics.median(while_sent.seconds),
        "pages": len(while_sent.seconds),
        "disk_mib": disk.most / 2**20,
    }


def _nothing(over: threading.Event) -> None:
    over.wait()


def _ratio(many: dict[str, dict[str, float]], what: str, figure: str) -> str:
    first, last = many[f"{what} first"], many[f"{what} last"]
    return f"{first[figure]:.2f} ms → {last[figure]:.2f} ms, × {last[figure] / first[figure]:.2f}"


def table(name: str, found: dict[str, object]) -> str:
    """The figures of one database beside what was wanted."""
    many: dict[str, dict[str, float]] = found["many"]  # type: ignore[assignment]
    few: dict[str, float] = found["few"]  # type: ignore[assignment]
    sent: dict[str, float] = found["many"]  # type: ignore[assignment]
    bare, frozen = float(str(found["bare_s"])), float(str(found["freeze_s"]))
    rows = [
        (
            "freezing beside a bare INSERT … SELECT of the same rows",
            f"{frozen:.1f} s, {bare:.1f} s, × {frozen / bare:.2f}",
            "≤ 2",
        ),
        *_processor(found),
        ("a bare insert in the order of subscribers, for information", f"{found['in_order_s']:.1f} s", ""),
        ("longest range", f"{found['longest_range_s']:.2f} s", ""),
        ("commit, median, first → last", _ratio(many, "commit", "median_ms"), "≤ 1.5"),
        ("commit, p95, first → last", _ratio(many, "commit", "p95_ms"), "≤ 1.5"),
        ("claim, median, first → last", _ratio(many, "claim", "median_ms"), "≤ 1.5"),
        ("claim, p95, first → last", _ratio(many, "claim", "p95_ms"), "≤ 1.5"),
        ("sender's growth from 1,000 recipients on", f"{sent['peak_mib'] - few['peak_mib']:.1f} MiB", "≤ 32 MiB"),
        ("sender's peak; its imports alone", f"{sent['peak_mib']:.0f} MiB; {sent['imported_mib']:.0f} MiB", ""),
        ("peak of the disk", f"{found['disk_mib']:,.0f} MiB", ""),
        ("a page while freezing, p99", f"{found['page_p99_ms_freezing']:.0f} ms", "≤ 200 ms"),
        ("a page while sending, p99", f"{found['page_p99_ms_sending']:.0f} ms", "≤ 200 ms"),
        ("mails a second, mails a transaction", _pace(sent), ""),
    ]
    lines = [f"## {name}", "", "| What | Measured | Wanted |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _processor(found: dict[str, object]) -> list[tuple[str, str, str]]:
    """Where the database works inside this process: whatever else the machine does falls out of it."""
    frozen, bare = float(str(found["freeze_cpu_s"])), float(str(found["bare_cpu_s"]))
    if bare < frozen / 10:
        return []
    return [("the same in seconds of processor", f"{frozen:.1f} s; {bare:.1f} s, × {frozen / bare:.2f}", "")]


def _pace(sent: dict[str, float]) -> str:
    return f"{sent['mails'] / sent['seconds']:,.0f}; {sent['mails'] / sent['transactions']:.1f}"


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--reader", action="store_true", help="with a reading transaction open, 60 s at a time")
    parser.add_argument("--write", action="store_true", help="keep the tables in bench/results/")
    words = parser.parse_args()
    reader = ", a reader open for 60 s at a time" if words.reader else ""
    report = f"{machine()}; {words.recipients:,} recipients{reader}.\n"
    for name in words.databases.split(","):
        with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as place:
            if name == "sqlite":
                found = measure(Path(place), _sqlite, words.recipients, reader=words.reader)
            else:
                found = _on_postgres(Path(place), words.recipients, reader=words.reader)
        print(json.dumps({name: found}), file=sys.stderr, flush=True)
        report += f"\n{table({'sqlite': 'SQLite', 'postgres': 'PostgreSQL'}[name], found)}"
    print(report)
    if words.write:
        day = datetime.now(UTC).date().isoformat()
        (HERE / "results").mkdir(exist_ok=True)
        kind = f"{words.recipients}{'-reader' if words.reader else ''}"
        (HERE / "results" / f"million-{kind}-{day}.md").write_text(f"# A long list, {day}\n\n{report}")


def _on_postgres(folder: Path, recipients: int, *, reader: bool) -> dict[str, object]:
    cluster = Cluster.start(fsync=True)
    try:
        return measure(folder, lambda _: cluster.new_database(), recipients, reader=reader)
    finally:
        cluster.stop()


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/syndicate.db"


if __name__ == "__main__":
    _main()
