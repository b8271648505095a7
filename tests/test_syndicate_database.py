"""The storage layer behaves the same on SQLite and PostgreSQL."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from subscribers.models import Subscriber
from syndicate.database import Database, FairLock, in_words
from syndicate.errors import UsageError
from syndicate.migrations import WrongShape, require_current, shape, upgrade
from syndicate.models import Base


def _person(**changes: object) -> Subscriber:
    values: dict[str, object] = {
        "uid": "abcdefghabcdefgh",
        "address": "alice@example.org",
        "address_hash": "h" * 32,
        "state": "confirmed",
        "language": "en",
        "created_at": datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC),
        "confirmed_at": None,
    }
    return Subscriber(**(values | changes))


def test_migrations_make_exactly_the_tables_and_columns_of_the_models(database: Database) -> None:
    found = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}, table.name
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        assert {str(index.name) for index in table.indexes} <= indexes, table.name


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    assert shape(database) == "current"
    upgrade(database)
    require_current(database)


def test_a_database_newer_than_the_program_is_refused_with_the_remedy(database: Database) -> None:
    with database.write() as session:
        ours = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(WrongShape, match="newer than this program"):
            require_current(database)
        with pytest.raises(WrongShape, match="newer than this program"):
            upgrade(database)
    finally:
        with database.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :ours"), {"ours": ours})


def test_an_empty_database_says_how_to_make_its_tables(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(WrongShape, match="syndicate init"):
        require_current(database)
    database.close()


def test_what_fails_inside_a_write_is_undone_whole(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        session.add(_person())
        session.flush()
        raise RuntimeError("in the middle")
    with database.read() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_moments_come_back_aware_and_equal_whatever_zone_they_went_in(database: Database) -> None:
    moment = datetime(2026, 3, 8, 2, 30, 0, 5, tzinfo=timezone(timedelta(hours=-5)))
    with database.write() as session:
        session.add(_person(created_at=moment))
    with database.read() as session:
        stored = session.scalars(select(Subscriber.created_at)).one()
    assert stored == moment
    assert stored.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without a time zone"), database.write() as session:
        session.add(_person(created_at=datetime(2026, 3, 8)))  # noqa: DTZ001


def test_sqlite_runs_in_wal_with_full_syncs(sqlite_database: Database) -> None:
    with sqlite_database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_more_is_kept_at_hand_for_as_long_as_much_is_written(sqlite_database: Database) -> None:
    def kept(session: Session) -> int:
        return int(session.execute(text("PRAGMA cache_size")).scalar_one())

    with sqlite_database.read() as session:
        usual = kept(session)
    with sqlite_database.write_much() as session:
        assert kept(session) == -16000
    with pytest.raises(RuntimeError), sqlite_database.write_much():
        raise RuntimeError
    for _ in range(3):
        with sqlite_database.write() as session:
            assert kept(session) == usual


def test_the_database_clock_is_near_ours(database: Database) -> None:
    with database.read() as session:
        seconds = session.execute(select(database.clock())).scalar_one()
    assert abs(seconds - datetime.now(UTC).timestamp()) < 5


def test_many_threads_write_and_none_is_lost(database: Database) -> None:
    def add(number: int) -> None:
        with database.write() as session:
            session.add(_person(uid=f"{number:016}", address_hash=f"{number:032}"))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert len(session.scalars(select(Subscriber.id)).all()) == 12


def test_the_lock_is_granted_in_the_order_it_was_asked_for() -> None:
    lock, order, waiting = FairLock(), [], []
    with lock:
        for number in range(5):
            started = threading.Event()

            def take(number: int = number, started: threading.Event = started) -> None:
                started.set()
                with lock:
                    order.append(number)

            thread = threading.Thread(target=take)
            thread.start()
            started.wait()
            while len(lock._waiting) <= number:
                pass
            waiting.append(thread)
    for thread in waiting:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_is_interrupted_while_waiting_for_the_lock_keeps_nobody_out() -> None:
    lock = FairLock()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with lock, pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt), lock:
            raise AssertionError("the lock was held")
    taken = []
    thread = threading.Thread(target=lambda: taken.append(lock.__enter__()))
    thread.start()
    thread.join(5)
    assert taken == [None]


def test_postgres_waits_for_nothing_without_bound(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as session:
        assert session.execute(text("SHOW lock_timeout")).scalar() == "30s"
        assert session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "20s", (
            "less than for a lock"
        )
    database.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_no_database_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Database(url)
    assert "\n" not in str(caught.value)


def test_a_fault_of_the_database_is_told_in_one_line_without_the_values_in_it(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.read() as session:
        session.execute(text("SELECT :secret FROM nowhere"), {"secret": "alice@example.org"})
    words = in_words(caught.value)
    assert words.startswith("the database cannot be used: ")
    assert "nowhere" in words
    assert "\n" not in words
    assert "alice" not in words
    assert in_words(RuntimeError()) == "RuntimeError"
    with pytest.raises(OSError) as lost:
        Path("/nowhere/at all").read_bytes()
    assert in_words(lost.value) == "/nowhere/at all: No such file or directory"


def test_a_python_with_an_old_sqlite_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    with pytest.raises(UsageError, match=r"3\.33 is the oldest"):
        Database(f"sqlite:///{tmp_path}/syndicate.db")
