"""An SQLite file put in the place of another: whole, at every moment, beside whoever opens it just then."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from syndicate.backup import sqlite
from syndicate.backup.errors import BackupFault

_WRITES_WHEN_IT_MAY = """\
import sqlite3, sys
there = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
print("open", flush=True)
sys.stdin.readline()
print("asks", flush=True)
there.execute("PRAGMA journal_mode = WAL")
for n in range(50):
    there.execute("INSERT INTO word VALUES ('visitor ' || ?)", (n,))
print("wrote", flush=True)
sys.stdin.readline()
"""


def made(path: Path, word: str, rows: int = 100) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE word (text TEXT)")
        connection.executemany("INSERT INTO word VALUES (?)", [(word,)] * rows)
    return path


def words(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0].partition(" ")[0] for row in connection.execute("SELECT text FROM word")}


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """What is put in place lies in a folder beside it, as in a restore."""
    (tmp_path / "restoring").mkdir()
    return made(tmp_path / "restoring" / "database", "new")


def test_a_process_that_opens_the_database_at_that_moment_works_with_the_new_one(
    tmp_path: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the file open, and asks to write while the one is put in the place of the other."""
    file, old = made(tmp_path / "site.db", "old"), tmp_path / "kept.db"
    alone = sqlite._alone
    visitor = subprocess.Popen(
        [sys.executable, "-c", _WRITES_WHEN_IT_MAY, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert visitor.stdin
    assert visitor.stdout
    assert visitor.stdout.readline() == "open\n"

    def and_then_somebody_comes(there: sqlite3.Connection) -> bool:
        found = alone(there)
        assert visitor.stdin
        assert visitor.stdout
        print("now", file=visitor.stdin, flush=True)
        assert visitor.stdout.readline() == "asks\n"
        time.sleep(0.3)
        return found

    monkeypatch.setattr(sqlite, "_alone", and_then_somebody_comes)
    with visitor:
        sqlite.swap(new, file, old)
        assert visitor.stdout.readline() == "wrote\n"
        assert sqlite.faults(file) == []
        assert words(file) == {"new", "visitor"}
        visitor.kill()
    assert sqlite.faults(file) == []
    assert (words(file), words(old)) == ({"new", "visitor"}, {"old"})


def test_whoever_has_the_database_open_is_in_the_way(tmp_path: Path, new: Path) -> None:
    file = made(tmp_path / "site.db", "old")
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        assert other.execute("SELECT count(*) FROM word").fetchone() == (100,)
        with pytest.raises(BackupFault, match="another process has the database open"):
            sqlite.swap(new, file, tmp_path / "kept.db")
    assert words(file) == {"old"}
    assert not (tmp_path / "kept.db").exists()


def test_a_log_that_was_left_beside_a_file_that_is_gone_is_not_read_with_the_new_one(tmp_path: Path, new: Path) -> None:
    file, kept = tmp_path / "site.db", tmp_path / "kept.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE word (text TEXT)")
        writer.executemany("INSERT INTO word VALUES (?)", [("old",)] * 500)
        log = file.with_name("site.db-wal").read_bytes()
    file.unlink()
    file.with_name("site.db-wal").write_bytes(log)
    sqlite.swap(new, file, kept)
    assert words(file) == {"new"}
    assert sqlite.faults(file) == []
    assert kept.with_name("kept.db-wal").read_bytes() == log


def test_killed_at_any_moment_the_old_database_is_there_or_the_new_one(tmp_path: Path) -> None:
    """Among the kills are some in the middle of writing: what they leave is undone by whoever opens the file next."""
    begun = time.monotonic()
    assert _swapped_until(60, *_ready(tmp_path / "whole"))
    whole = time.monotonic() - begun  # on a disk or in memory, on a machine that is idle or not
    middle, seen = 0, set()
    for n in range(40):
        new, file, old = _ready(tmp_path / str(n))
        _swapped_until(whole * n / 40, new, file, old)
        journal = file.with_name("site.db-journal")
        middle += journal.exists() and journal.stat().st_size > 0
        assert sqlite.faults(file) == []
        assert len(words(file)) == 1
        seen |= words(file)
    assert middle
    assert "old" in seen


def _ready(folder: Path) -> tuple[Path, Path, Path]:
    """A database to be put in the place of another, that one, and where it is to be kept."""
    (folder / "restoring").mkdir(parents=True)
    file = made(folder / "site.db", "old", 60_000)
    return made(folder / "restoring" / "database", "new", 60_000), file, folder / "kept.db"


def _swapped_until(seconds: float, new: Path, file: Path, old: Path) -> bool:
    """Swap in a process that is killed after so many seconds; whether it came to its end."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds or 0.0005)
        try:
            sqlite.swap(new, file, old)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGALRM)
    return status == 0
