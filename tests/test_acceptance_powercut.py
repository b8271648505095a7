"""A power cut may take everything that was not synced: no mail that the relay has is ever forgotten by the ledger."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from acceptance.cuts import Campaign
from acceptance.powercut import Disk

SURE, NOTHING, ALL = random.Random(1), 0.0, 1.0


@pytest.fixture
def disk(library: Path, tmp_path: Path) -> Disk:
    """An empty folder that is watched."""
    for name in ("watched", "room"):
        (tmp_path / name).mkdir()
    return Disk(tmp_path / "watched", library, tmp_path / "room")


def _do(disk: Disk, program: str) -> None:
    """Run a program in the folder, under the library."""
    words = [sys.executable, "-c", f"import os\nhere = {str(disk.folder)!r} + '/'\n{program}"]
    subprocess.run(words, env={**os.environ, **disk.environment()}, check=True, cwd=disk.folder, timeout=20)


def test_what_sqlite_does_is_seen_whole_and_what_it_commits_is_on_the_disk(disk: Disk) -> None:
    program = """
import sqlite3
for synchronous in ("FULL", "NORMAL"):
    line = sqlite3.connect(here + "book.db", isolation_level=None)
    line.execute("PRAGMA journal_mode = WAL")
    line.execute(f"PRAGMA synchronous = {synchronous}")
    line.execute("PRAGMA wal_autocheckpoint = 10")
    line.execute("CREATE TABLE IF NOT EXISTS row (number)")
    for number in range(37):
        line.execute("INSERT INTO row VALUES (?)", (synchronous,))
os._exit(0)  # as a killed process would: nothing is put in order
"""
    _do(disk, program)
    replay = disk.replay()
    assert replay.after_cut(SURE, ALL) == {
        path.name: path.read_bytes() for path in disk.folder.iterdir() if path.suffix != ".db-shm"
    }, "something is written past the library"
    assert replay.calls["write"] > 100
    assert replay.calls["sync"] > 37
    assert replay.at_risk, "NORMAL leaves its last commits to chance"
    disk.become(replay.after_cut(SURE, NOTHING))
    _do(
        disk,
        """
import sqlite3
line = sqlite3.connect(here + "book.db")
found = dict(line.execute("SELECT number, count(*) FROM row GROUP BY number"))
assert found["FULL"] == 37, found
assert found["NORMAL"] < 37, found
""",
    )


def test_a_cut_takes_what_was_written_after_the_last_sync(disk: Disk) -> None:
    _do(
        disk,
        """
file = os.open(here + "a", os.O_RDWR | os.O_CREAT)
os.fsync(os.open(here[:-1], os.O_RDONLY))
os.write(file, b"one ")
os.fdatasync(file)
os.write(file, b"two ")
os.pwrite(file, b"ONE", 0)
os.ftruncate(file, 6)
""",
    )
    replay = disk.replay()
    assert replay.after_cut(SURE, NOTHING) == {"a": b"one "}
    assert replay.after_cut(SURE, ALL) == {"a": b"ONE tw"}
    some = {replay.after_cut(random.Random(seed), 0.5).get("a") for seed in range(40)}
    assert {b"one ", b"one two ", b"ONE two ", b"ONE tw"} <= some, "any of them may be there, in any order"


def test_a_name_is_on_the_disk_when_its_folder_is_synced(disk: Disk) -> None:
    _do(
        disk,
        """
def put(name, folder):
    file = os.open(here + "new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(file, name.encode())
    os.fsync(file)
    os.close(file)
    os.rename(here + "new", here + "number")
    if folder:
        os.fsync(os.open(here[:-1], os.O_RDONLY))
put("first", True)
put("second", False)
""",
    )
    replay = disk.replay()
    assert replay.after_cut(SURE, NOTHING) == {"number": b"first"}
    assert replay.after_cut(SURE, ALL) == {"number": b"second"}
    ways = [replay.after_cut(random.Random(seed), 0.5) for seed in range(20)]
    assert {"number": b"first", "new": b"second"} in ways
    assert all(one.get("number") in (b"first", b"second") for one in ways), "a renaming leaves the old or the new"


@pytest.mark.parametrize("end", ["-wal", "*"])
def test_a_disk_that_is_full_takes_nothing_until_it_is_well_again(disk: Disk, end: str) -> None:
    disk.faults.write_text(f"28 {end}")
    _do(
        disk,
        f"""
import errno
for name in ("a-wal", "a"):
    try:
        file = os.open(here + name, os.O_WRONLY | os.O_CREAT)
        os.write(file, b"x")
        assert name == "a" and {end!r} == "-wal", name
    except OSError as error:
        assert error.errno == errno.ENOSPC
os.unlink({str(disk.faults)!r})
os.write(os.open(here + "a-wal", os.O_WRONLY | os.O_CREAT), b"x")
""",
    )
    assert (disk.folder / "a-wal").read_bytes() == b"x"


def test_no_cut_makes_the_ledger_forget_a_mail(library: Path, tmp_path: Path) -> None:
    assert Campaign(tmp_path, library, cuts=10).run().faults() == []


def test_the_same_cuts_find_that_less_than_full_durability_forgets_mails(library: Path, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, library, cuts=10, synchronous="NORMAL")
    account = campaign.run(enough=lambda account: len(account.lost_marks) > 5)
    assert account.lost_marks, "a test that cannot tell NORMAL from FULL proves nothing about FULL"
    assert account.unmarked, "who was forgotten gets a second copy"
