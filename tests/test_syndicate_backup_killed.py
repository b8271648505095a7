"""A restore that dies or fails in the middle leaves the old database or the new one."""

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from acceptance.sites import publish_one, readers
from backups import back_up, contents, held, put_back
from clocks import until
from sqlalchemy import create_engine, text

from syndicate.app.parts import open_site
from syndicate.backup import restoring, sqlite
from syndicate.backup.archive import opened
from syndicate.backup.errors import BackupFault
from syndicate.backup.manifest import Manifest
from syndicate.config import load


def test_a_restore_that_is_killed_leaves_the_old_database_or_the_new_one(sqlite_config: Path, file: Path) -> None:
    """Killed before it opens a database, links or renames a file, at each of these in turn, and before it clears up."""
    with open_site(sqlite_config) as app:
        readers(app, 2)
    back_up(sqlite_config, file)
    with open_site(sqlite_config) as app:
        publish_one(app, "Later")
    place, copy = load(sqlite_config, {}).folder / "syndicate.db", file.with_name("kept.db")
    with open_site(sqlite_config) as app:
        app.database.settle()
    copy.write_bytes(place.read_bytes())
    outcomes = []
    for step in range(1, 100):
        if _killed_restore(sqlite_config, file, step):
            break
        assert sqlite.faults(place) == []
        with closing(sqlite3.connect(place)) as connection:
            later = connection.execute("SELECT count(*) FROM clipping").fetchone() == (1,)
            held = connection.execute("SELECT held_reason FROM outbox").fetchone()[0]
        assert later is (held is None), "the old one, or the new one and held"
        outcomes.append("old" if later else "new")
        place.write_bytes(copy.read_bytes())
        for left in ("-wal", "-shm"):
            place.with_name(place.name + left).unlink(missing_ok=True)
    olds = outcomes.count("old")
    assert olds >= 5
    assert outcomes == ["old"] * olds + ["new"]


def _killed_restore(config: Path, file: Path, step: int) -> bool:
    """Restore in a process of its own that dies before its `step`-th change to files; whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _args: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("os.link", "os.rename", "sqlite3.connect", "shutil.rmtree"):
                left -= 1
                if left == 0:
                    os._exit(9)

        sys.addaudithook(count)
        try:
            put_back(config, file)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 0


def test_a_failure_in_the_middle_leaves_postgresql_as_it_was(
    postgres_config: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_site(postgres_config) as app:
        readers(app, 2)
    back_up(postgres_config, file)
    before = contents(postgres_config)
    with opened(file) as backup:
        wrong = Manifest(**(vars(backup.manifest) | {"counts": {"subscribers": 3, "clippings": 0, "editions": 0}}))
    monkeypatch.setattr("syndicate.backup.archive.read", lambda _data: wrong)
    with pytest.raises(BackupFault, match=r"^psql: the copy does not hold what the manifest says$"):
        put_back(postgres_config, file)
    assert contents(postgres_config) == before


@pytest.mark.parametrize("program", ["pg_restore", "psql"])
def test_a_restore_killed_before_it_runs_a_program_leaves_postgresql_as_it_was(
    postgres_config: Path, file: Path, program: str
) -> None:
    _changed_since(postgres_config, file)

    def die(event: str, args: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and str(args[0]).endswith(program):
            os._exit(9)

    child = os.fork()
    if child == 0:
        sys.addaudithook(die)
        try:
            put_back(postgres_config, file)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert _clippings(postgres_config) == ["Later"]
    assert put_back(postgres_config, file).kept


def test_a_restore_killed_with_its_program_leaves_postgresql_as_it_was(
    postgres_config: Path, file: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _changed_since(postgres_config, file)
    with _stands_before_its_commit(postgres_config, file, postgres_server, monkeypatch) as child:
        os.killpg(child, signal.SIGKILL)
    assert _clippings(postgres_config) == ["Later"]
    assert put_back(postgres_config, file).kept


def test_a_restore_killed_alone_is_finished_by_its_program_and_who_writes_meanwhile_waits(
    postgres_config: Path, file: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _changed_since(postgres_config, file)
    with _stands_before_its_commit(postgres_config, file, postgres_server, monkeypatch) as child:
        os.kill(child, signal.SIGKILL)
        with pytest.raises(BackupFault, match="is in use"):
            put_back(postgres_config, file)
        with open_site(postgres_config) as app:
            publish_one(app, "Meanwhile")
            assert held(app) == "restored from the backup of 2026-11-25 02:00 UTC"
    assert _clippings(postgres_config) == ["Meanwhile"]


def _changed_since(config: Path, file: Path) -> None:
    """A backup, and a site that has one clipping more."""
    back_up(config, file)
    with open_site(config) as app:
        publish_one(app, "Later")


@contextmanager
def _stands_before_its_commit(config: Path, file: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A restore in a process group of its own, whose program has done all but the COMMIT, and does that after some
    seconds; gives its number, and waits at the end for what is left of it to be over."""
    usual_end = restoring._held
    monkeypatch.setattr(
        restoring, "_held", lambda *given: [*usual_end(*given), "DO $$ BEGIN PERFORM pg_sleep(8); END $$"]
    )
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        try:
            put_back(config, file)
        finally:
            os._exit(0)
    monkeypatch.undo()
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN PERFORM pg_sleep%' AND state = 'active'"
    )
    with engine.connect() as connection:
        until(lambda: connection.scalar(asked) == 1)
        yield child
        os.waitpid(child, 0)
        until(lambda: connection.scalar(asked) == 0)
    engine.dispose()


def _clippings(config: Path) -> list[str]:
    with open_site(config) as app, app.database.read() as session:
        return list(session.scalars(text("SELECT headline FROM clipping ORDER BY id")))
