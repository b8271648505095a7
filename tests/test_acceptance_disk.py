"""A disk that fails under a sender: nothing goes out without its slot, and when the disk is well again it goes on."""

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from acceptance.cuts import Marks
from acceptance.powercut import Disk
from acceptance.sites import new_site, publish_one, readers
from acceptance.victims import Victims
from clocks import until
from console import Console
from sink import SinkProcess

from syndicate.app.parts import open_site

CONNECTIONS = 4
PEOPLE = 150
FULL, READ_ONLY, BROKEN = 28, 30, 5  # ENOSPC, EROFS, EIO


class Site:
    """A site with an edition that is to be sent, its sink, and its folder as a disk that can be made to fail."""

    def __init__(self, room: Path, sink: SinkProcess, folder: Path, *, people: int = PEOPLE) -> None:
        self.sink = sink
        self.config = new_site(folder, smtp_port=sink.port, connections=CONNECTIONS)
        self.database = folder / "syndicate.db"
        self.log = room / "senders.log"
        with open_site(self.config) as app:
            self.people = readers(app, people)
            publish_one(app, "What a pardon takes")
            app.editions.send_now(app.database, "weekly", "k", app.clock())

    def reaches(self, count: int) -> None:
        """Wait until the sink has that many mails."""
        until(lambda: len(self.sink.received()) >= count, 60)

    def comes_to_rest(self) -> int:
        """Wait until what was on the wire is through; how many mails the sink then has, for good."""
        found = -1
        while found != (found := len(self.sink.received())):
            time.sleep(0.15)
        return found

    def ends(self, *, doubts: int = 1) -> None:
        """Wait for the end of the edition, in which that many senders died, and judge it by name."""
        until(lambda: self._state() in ("sent", "incomplete"), 60)
        marks = Marks.of(self.database)
        copies = Counter(row["to"] for row in self.sink.received())
        uncertain = {address for address, state in marks.states.items() if state == "uncertain"}
        assert set(marks.states) == set(self.people)
        assert len(uncertain) <= doubts * CONNECTIONS
        assert set(marks.states.values()) <= {"accepted", "uncertain"}
        assert max(copies.values()) == 1, "held mails are nobody's second copy"
        assert set(self.people) - set(copies) <= uncertain, "left out, and nobody knows"

    def _state(self) -> str:
        with closing(sqlite3.connect(self.database)) as connection:
            return str(connection.execute("SELECT state FROM edition").fetchone()[0])


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SinkProcess]:
    with SinkProcess(tmp_path / "got.jsonl", delay=0.02) as sink:
        yield sink


@pytest.fixture
def site(tmp_path: Path, sink: SinkProcess) -> Site:
    return Site(tmp_path, sink, tmp_path / "site")


@pytest.fixture
def disk(site: Site, library: Path, tmp_path: Path) -> Disk:
    room = tmp_path / "room"
    room.mkdir()
    return Disk(site.config.parent, library, room)


def _get(address: str) -> tuple[int, str]:
    try:
        with urlopen(address) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_serve_on_a_full_disk_says_so_keeps_its_pages_and_goes_on_when_there_is_room(site: Site, disk: Disk) -> None:
    words = [sys.executable, "-m", "syndicate", "--config", str(site.config), "serve", "--port", "0"]
    environment = {**os.environ, **disk.environment()}
    with (
        site.log.open("w") as log,
        subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as serve,
    ):
        try:
            assert serve.stdout
            address = serve.stdout.readline().split()[1]
            site.reaches(20)
            disk.faults.write_text(f"{FULL} -wal")
            until(lambda: _get(f"{address}readyz") == (503, "the sender does not run\n"))
            gone = site.comes_to_rest()
            (line,) = site.log.read_text().splitlines()
            assert line.endswith("the sender does not run: the database cannot be used: database or disk is full")
            assert _get(address)[0] == 200
            shown = Console(site.config)("outbox", "status", "--json").done().json
            assert len(shown["slots"]) <= CONNECTIONS
            assert shown["queued"] >= PEOPLE - gone
            assert len(site.sink.received()) == gone, "something was sent that could not be written down"
            disk.faults.unlink()
            site.ends()
            assert _get(f"{address}readyz") == (200, "ready\n")
            named = {slot["address"] for slot in shown["slots"]}
            uncertain = {row["address"] for row in Console(site.config)("outbox", "uncertain", "--json").done().json}
            assert uncertain == named, "what was on the wire is uncertain, and nothing else"
        finally:
            serve.terminate()


def test_a_sender_that_cannot_write_sends_nothing_and_a_new_one_goes_on_by_itself(site: Site, disk: Disk) -> None:
    faults = ((FULL, "*"), (READ_ONLY, "*"), (BROKEN, "-wal"))
    # What is said of it goes to a full disk as well.
    with Victims(site.config, disk.environment(), Path("/dev/full")) as senders:
        senders.begin()
        for fault, end in faults:
            site.reaches(len(site.sink.received()) + 15)
            disk.faults.write_text(f"{fault} {end}")
            gone = site.comes_to_rest()
            assert gone < PEOPLE
            assert Marks.of(site.database).forgotten({row["to"] for row in site.sink.received()}) == set()
            disk.faults.unlink()
        site.ends(doubts=len(faults))
        assert senders.end() == 0


def test_a_database_file_that_cannot_grow_costs_no_mail_while_the_log_beside_it_can(site: Site, disk: Disk) -> None:
    before = site.database.read_bytes()
    with Victims(site.config, disk.environment(), site.log) as senders:
        disk.faults.write_text(f"{FULL} .db")
        senders.begin(checkpoint=20)
        site.reaches(PEOPLE)
        assert site.database.read_bytes() == before, "the fault was not there"
        disk.faults.unlink()
        site.ends()
        assert senders.end() == 0
    assert Counter(Marks.of(site.database).states.values()) == {"accepted": PEOPLE}
    assert site.database.read_bytes() != before


def test_a_reader_that_stays_open_stops_no_mail_and_afterwards_the_log_is_emptied(site: Site) -> None:
    log = site.database.with_name("syndicate.db-wal")
    with Victims(site.config, {}, site.log) as senders, closing(sqlite3.connect(site.database)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM delivery WHERE state = 'accepted'").fetchone() == (0,)
        senders.begin(checkpoint=20)
        site.reaches(PEOPLE)
        grown = log.stat().st_size
        assert grown > 100 * 4096, "nothing was held back"
        assert reader.execute("SELECT count(*) FROM delivery WHERE state = 'accepted'").fetchone() == (0,)
        reader.execute("COMMIT")
        site.ends()
        assert senders.end() == 0
        assert reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        assert log.stat().st_size == 0
    assert Counter(Marks.of(site.database).states.values()) == {"accepted": PEOPLE}


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size of its own, or skip with the reason."""
    if os.geteuid() != 0:
        pytest.skip("a file system of its own: only root can mount one")
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a file system of its own: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full_stops_the_sender_until_there_is_room(tmp_path: Path, sink: SinkProcess) -> None:
    with _small_disk(tmp_path / "disk", "8m") as small:
        site = Site(tmp_path, sink, small / "site")
        with Victims(site.config, {}, site.log) as senders:
            senders.begin()
            site.reaches(20)
            ballast = small / "ballast"
            with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            gone = site.comes_to_rest()
            assert gone < PEOPLE
            ballast.unlink()
            site.ends()
            assert senders.end() == 0
        assert "database or disk is full" in site.log.read_text()
