"""The whole path, from the ledger to the relay's 250, beside the same threads without a ledger.

    python bench/path.py [--recipients 20000] [--rounds 5] [--connections 10,32] [--postgres URL] [--write]

All kinds of run take turns in each round; figures are medians. The relay is Postfix's smtp-sink in a process of its
own, and the rate is read off its counter.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from machine import machine
from path_site import fill, lay
from servers import new_database

from syndicate.database import Database

HERE = Path(__file__).parent
_LOOK_SECONDS = 0.02
_COUNTER = re.compile(rb"mesg=(\d+)")
_SCRIPT_RECIPIENTS = 500


class Sink:
    """smtp-sink for the time of a `with` block. `rate()` is messages a second, from the first to the last."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        words = ["smtp-sink", *as_nobody, "-c", f"127.0.0.1:{self.port}", "1024"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, cwd="/tmp", bufsize=0)
        self._seen: list[tuple[float, int]] = []
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Sink":
        self._reader.start()
        time.sleep(0.1)  # until it listens
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        """Look at the counter fifty times a second, not at each message: looking must cost nothing."""
        assert self._process.stdout
        while words := os.read(self._process.stdout.fileno(), 2**20):
            found = _COUNTER.findall(words)
            if found:
                self._seen.append((time.monotonic(), int(found[-1])))
            self._over.wait(_LOOK_SECONDS)

    def messages(self) -> int:
        return self._seen[-1][1] if self._seen else 0

    def rate(self, wanted: int) -> float:
        """Raises ValueError unless exactly `wanted` messages came."""
        time.sleep(3 * _LOOK_SECONDS)
        if self.messages() != wanted:
            raise ValueError(f"the sink has {self.messages()} messages, not {wanted}")
        began, first = next((at, count) for at, count in self._seen if count)
        ended = next(at for at, count in self._seen if count == wanted)
        return (wanted - first) / (ended - began)


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    name: str
    run: str
    connections: int
    recipients: int
    signed: bool = False
    delay: int = 0
    postgres: bool = False

    @property
    def title(self) -> str:
        return f"{self.name}, {self.connections} connection{'s' * (self.connections != 1)}"


class Bench:
    """Sites to copy from, and the way to run each kind once."""

    def __init__(self, folder: Path, size: int, postgres: str | None) -> None:
        self._folder = folder
        self._size = size
        self._postgres = postgres
        self._sites: dict[tuple[int, bool], str] = {}
        self._library = _compiled(folder)

    def run(self, kind: Kind) -> dict[str, float]:
        with Sink() as sink:
            line = self._source(kind, sink.port) if kind.run == "source" else self._child(kind, sink.port)
            rate = sink.rate(kind.recipients)
        return {**line, "rate": rate}

    def _source(self, kind: Kind, port: int) -> dict[str, float]:
        words = ["smtp-source", "-d", "-s", str(kind.connections), "-m", str(kind.recipients), "-l", str(self._size)]
        before = os.times()
        subprocess.run([*words, f"127.0.0.1:{port}"], check=True)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return {"cpu": used}

    def _child(self, kind: Kind, port: int) -> dict[str, float]:
        site, url = self._site(kind)
        words = [sys.executable, str(HERE / "path_runs.py"), kind.run, str(site), "--port", str(port)]
        words += ["--connections", str(kind.connections), "--recipients", str(kind.recipients)]
        words += ["--size", str(self._size), "--database", url, *(["--signed"] if kind.signed else [])]
        environ = dict(os.environ)
        if self._library:
            environ["LD_PRELOAD"] = str(self._library)
        if kind.delay:
            environ["SYNC_DELAY_US"] = str(kind.delay)
        done = subprocess.run(words, check=True, capture_output=True, text=True, env=environ)
        sys.stderr.write(done.stderr)
        shutil.rmtree(site)
        found: dict[str, float] = json.loads(done.stdout)
        if found.pop("state", "sent") != "sent":
            raise ValueError(f"the edition is {found}, not sent")
        return found

    def _site(self, kind: Kind) -> tuple[Path, str]:
        """A fresh copy of the site for this run, and the address of its database."""
        model = (kind.recipients, kind.postgres)
        place = self._folder / f"model-{kind.recipients}-{'postgres' if kind.postgres else 'sqlite'}"
        if model not in self._sites:
            place.mkdir()
            config = lay(place)
            url = new_database(str(self._postgres)) if kind.postgres else f"sqlite:///{place}/syndicate.db"
            database = Database(url)
            fill(database, config, kind.recipients, self._size)
            database.close()
            self._sites[model] = url
        copy = Path(shutil.copytree(place, self._folder / f"run-{uuid.uuid4().hex[:8]}"))
        if kind.postgres:
            return copy, new_database(str(self._postgres), self._sites[model])
        return copy, f"sqlite:///{copy}/syndicate.db"


def _compiled(folder: Path) -> Path | None:
    """The library that counts syncs; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if not compiler:
        return None
    made = folder / "sync_count.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", made, HERE / "sync_count.c", "-ldl"], check=True)
    return made


def _kinds(recipients: int, connections: list[int], postgres: bool, only: str) -> list[Kind]:
    slow = max(recipients // 4, 1)
    kinds = [Kind("smtp-source", "source", connections[0], recipients)]
    for count in connections:
        kinds.append(Kind("smtplib, no ledger", "sendmail", count, recipients))
        kinds.append(Kind("smtplib, no ledger, dots doubled beforehand", "bare", count, recipients))
        kinds.append(Kind("own line, no ledger", "ready", count, recipients))
        kinds.append(Kind("whole path", "whole", count, recipients))
        kinds.append(Kind("whole path, syncs 5 ms longer", "whole", count, slow, delay=5_000))
    kinds.append(Kind("own line, no ledger, signed beforehand", "ready", connections[0], recipients, signed=True))
    kinds.append(Kind("whole path, signed", "whole", connections[0], recipients, signed=True))
    if postgres:
        kinds.append(Kind("whole path, PostgreSQL", "whole", connections[0], recipients, postgres=True))
    kinds.append(Kind("script", "script", 1, min(_SCRIPT_RECIPIENTS, recipients)))
    return [kind for kind in kinds if re.fullmatch(only, kind.name)]


def _table(kinds: list[Kind], found: dict[Kind, list[dict[str, float]]]) -> str:
    rows = [
        "| Run | mails/s | × smtplib | × bare | CPU s per 1,000 | mails a commit | syncs per 1,000 | peak MiB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in kinds:
        runs = found[kind]
        thousands = kind.recipients / 1000
        rate = statistics.median(run["rate"] for run in runs)
        ratios = [_ratio(kind, found, yardstick) for yardstick in ("sendmail", "bare")]
        cpu = statistics.median(run["cpu"] for run in runs) / thousands
        commits = statistics.median(run.get("commits", 0) for run in runs)
        syncs = statistics.median(run.get("syncs", -1) for run in runs) / thousands
        peak = statistics.median(run.get("peak_mib", 0) for run in runs)
        ledger = kind.run == "whole"
        grouped = f"{kind.recipients / commits:.1f}" if ledger and commits else ""
        synced = f"{syncs:,.0f}" if ledger and syncs >= 0 and not kind.postgres else ""
        cells = (kind.title, f"{rate:,.0f}", *ratios, f"{cpu:.3f}", grouped, synced, f"{peak:.0f}" if peak else "")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _ratio(kind: Kind, found: dict[Kind, list[dict[str, float]]], yardstick: str) -> str:
    """The median of the ratios within each round, to the yardstick of as many connections; with the range."""
    for other, runs in found.items():
        if other.run == yardstick and other.connections == kind.connections and not other.signed:
            ratios = [mine["rate"] / theirs["rate"] for mine, theirs in zip(found[kind], runs, strict=True)]
            return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return ""


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", default="10,32")
    parser.add_argument("--size", type=int, default=60_000)
    parser.add_argument("--postgres", help="the address of a PostgreSQL server on which databases may be made")
    parser.add_argument("--only", default=".*", help="run only the kinds whose name matches this pattern")
    parser.add_argument("--write", action="store_true", help="keep the table in bench/results/")
    words = parser.parse_args()
    connections = [int(word) for word in words.connections.split(",")]
    kinds = _kinds(words.recipients, connections, bool(words.postgres), words.only)
    found: dict[Kind, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as place:
        bench = Bench(Path(place), words.size, words.postgres)
        for number in range(words.rounds):
            for kind in kinds:
                run = bench.run(kind)
                found[kind].append(run)
                print(f"round {number + 1}: {kind.title}: {run}", file=sys.stderr, flush=True)
    size = f"{words.recipients:,} recipients, {words.size:,} bytes a mail"
    what = f"{size}, medians of {words.rounds} rounds, ratios with their range"
    report = f"{machine()}; {what}.\n\n{_table(kinds, found)}"
    print(report)
    if words.write:
        day = datetime.now(UTC).date().isoformat()
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / f"path-{day}.md").write_text(f"# The whole path, {day}\n\n{report}")


if __name__ == "__main__":
    _main()
