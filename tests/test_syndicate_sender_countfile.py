"""The counter file: by it a database that was put back from a copy is told, before anything of it is sent."""

import logging
import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from acceptance.sites import new_site, publish_one, readers
from clocks import until
from people import edition, edition_state, states, subscribe
from relays import ScriptedRelay, Session, usual
from senders import NOWHERE, TIMES, make, run
from sqlalchemy import update

from syndicate.app.parts import open_site
from syndicate.app.sending import drive, release_outbox
from syndicate.database import Database
from syndicate.errors import Refused
from syndicate.models import Outbox
from syndicate.outbox import guard, leases
from syndicate.sender.countfile import CountFile


@pytest.fixture
def file(tmp_path: Path) -> CountFile:
    return CountFile(tmp_path / "secret.key", seconds=0.2)


def _total(database: Database) -> int:
    with database.read() as session:
        return guard.total(session)


def _held(database: Database) -> str | None:
    with database.read() as session:
        return guard.held(session)


def _send_one(database: Database, file: CountFile, now: datetime, key: str = "one") -> None:
    """An edition to one reader, sent to its end."""
    made = edition(database, now, key=key)
    with ScriptedRelay() as relay:
        run(make(database, relay.port, count_file=file), lambda: edition_state(database, made) == "sent")


def _open_and_close(database: Database, file: CountFile) -> None:
    sender = make(database, 1, count_file=file)
    sender.open()
    sender.close()


def _set_back(database: Database, steps: int) -> None:
    """As if an older copy had been put in place of the database."""
    with database.write() as session:
        session.execute(update(Outbox).values(commits=Outbox.commits - steps))


def test_the_first_sender_makes_the_file_and_it_follows_the_counter(
    database: Database, now: datetime, file: CountFile
) -> None:
    subscribe(database, 1, now)
    _send_one(database, file, now)
    assert file.path.name == "outbox.count"
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.path.read_text() == f"{_total(database)}\n"
    assert _total(database) > 0
    first = _total(database)
    _send_one(database, file, now, "two")
    assert file.last() == _total(database) > first
    assert [path.name for path in file.path.parent.glob("outbox*")] == ["outbox.count"]


def test_the_file_is_there_before_the_first_mail_and_is_written_while_mail_goes(
    database: Database, now: datetime, file: CountFile
) -> None:
    subscribe(database, 40, now)
    made = edition(database, now)
    seen: set[int] = set()

    def slowly(session: Session, stage: str) -> str | None:
        if stage == "dot":
            seen.add(file.last() if file.path.exists() else -1)
            time.sleep(0.01)
        return usual(session, stage)

    began = time.monotonic()
    with ScriptedRelay(slowly) as relay:
        sender = make(database, relay.port, connections=1, count_file=file)
        run(sender, lambda: edition_state(database, made) == "sent")
    assert -1 not in seen, "it was not there before the first mail"
    assert 2 <= len(seen) <= 1 + (time.monotonic() - began) / 0.2, "at most once in 0.2 s"


def test_an_idle_sender_does_not_write_the_file(database: Database, file: CountFile) -> None:
    sender = make(database, 1, count_file=file, times=TIMES)
    sender.open()
    before = file.path.stat()
    end = time.monotonic() + 0.5
    sender.slice(lambda: time.monotonic() > end)
    after = file.path.stat()
    sender.close()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_an_older_database_is_held_before_anything_of_it_is_sent(
    database: Database, now: datetime, file: CountFile, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(database, 2, now)
    _send_one(database, file, now)
    counted = file.last()
    _set_back(database, 3)
    made = edition(database, now, key="again")
    with ScriptedRelay() as relay, caplog.at_level(logging.ERROR):
        sender = make(database, relay.port, count_file=file)
        sender.open()
        end = time.monotonic() + 0.3
        sender.slice(lambda: time.monotonic() > end)
        sender.close()
        assert relay.dots == []
    reason = f"the database is an older copy: it has counted {counted - 3} steps of sending, outbox.count {counted}"
    assert _held(database) == reason
    assert set(states(database, made).values()) == {"queued"}
    assert edition_state(database, made) == "held"
    assert [record.getMessage() for record in caplog.records if "held" in record.getMessage()] == [
        f"the outbox is held: {reason}; `syndicate outbox release` lets it go on"
    ]
    assert file.last() == counted, "what was known must stay until a person decides"


def test_a_dead_senders_mails_are_not_sent_again_from_an_older_database(
    sqlite_database: Database, now: datetime, file: CountFile, tmp_path: Path
) -> None:
    """The older copy was made while a sender had mails on the wire, and says `resend`: still nothing goes."""
    subscribe(sqlite_database, 1, now)
    made = edition(sqlite_database, now)
    copy = tmp_path / "copy.db"
    answer = threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            answer.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, connections=1, count_file=file)
        sender.open()
        threading.Thread(target=lambda: sender.slice(lambda: edition_state(sqlite_database, made) == "sent")).start()
        until(lambda: len(relay.dots) == 1)
        with closing(sqlite3.connect(sqlite_database.file)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        answer.set()
        until(lambda: edition_state(sqlite_database, made) == "sent")
        sender.close()
        sqlite_database.close()
        for left in ("-wal", "-shm"):
            sqlite_database.file.with_name(sqlite_database.file.name + left).unlink(missing_ok=True)
        shutil.copy(copy, sqlite_database.file)
        again = make(sqlite_database, relay.port, connections=1, count_file=file, doubt="resend")
        again.open()
        end = time.monotonic() + 0.3
        again.slice(lambda: time.monotonic() > end)
        again.close()
        assert len(relay.dots) == 1
    assert _held(sqlite_database)


def test_a_file_that_is_behind_is_normal(database: Database, now: datetime, file: CountFile) -> None:
    subscribe(database, 1, now)
    _send_one(database, file, now)
    file.write(1)
    _open_and_close(database, file)
    assert _held(database) is None
    assert file.last() == _total(database)


@pytest.mark.parametrize("words", [None, b"", b"12", b"-5\n", b"1 2\n", b"\xff\n", b"9" * 5000 + b"\n"])
def test_without_a_readable_file_a_database_that_has_sent_is_held(
    sqlite_database: Database, now: datetime, file: CountFile, words: bytes | None
) -> None:
    subscribe(sqlite_database, 1, now)
    _send_one(sqlite_database, file, now)
    if words is None:
        file.path.unlink()
    else:
        file.path.write_bytes(words)
    _open_and_close(sqlite_database, file)
    what = "is missing" if words is None else "cannot be read"
    assert _held(sqlite_database) == f"{file.path} {what} although mail was sent"
    assert file.path.exists() == (words is not None)


def test_without_a_file_a_database_that_has_sent_nothing_goes_on(
    database: Database, now: datetime, file: CountFile
) -> None:
    subscribe(database, 1, now)
    edition(database, now, state="paused")
    _open_and_close(database, file)
    file.path.unlink()
    _open_and_close(database, file)
    assert _held(database) is None
    assert file.last() == _total(database) > 0


def test_a_new_machine_beside_one_that_sends_is_not_taken_for_a_restored_one(
    postgres_url: str, now: datetime, file: CountFile
) -> None:
    database = Database(postgres_url)
    subscribe(database, 1, now)
    _send_one(database, file, now)
    file.path.unlink()
    with database.write() as session:
        leases.register(session, database.clock(), "first", lease_seconds=30, host="a", version="1", connections=1)
    _open_and_close(database, file)
    assert _held(database) is None
    assert file.last() == _total(database)
    database.close()


def test_a_place_that_cannot_be_written_is_told_once_and_stops_no_mail(
    database: Database, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(database, 1, now)
    nowhere = CountFile(NOWHERE)
    assert nowhere.blind() == "cannot write /nowhere/outbox.count: an older database would not be noticed"
    _send_one(database, nowhere, now)
    assert len([one for one in caplog.records if "would not be noticed" in one.getMessage()]) == 1
    _send_one(database, nowhere, now, "two")
    assert _held(database) is None


def test_a_release_is_known_on_this_machine_and_alarms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedRelay() as relay, open_site(new_site(tmp_path / "site", smtp_port=relay.port, connections=2)) as app:
        readers(app, 3)
        publish_one(app, "First")
        first = app.editions.send_now(app.database, "weekly", "first", app.clock())
        drive(app, lambda: edition_state(app.database, first) == "sent", threading.Event(), progress=lambda: None)
        with pytest.raises(Refused, match="not held"):
            release_outbox(app)
        ours = app.count_file()
        # An earlier release, of which this copy of the database knows nothing, had put the file far ahead.
        ours.write(_total(app.database) + guard.RELEASE_STEP + 7)
        other_machine = CountFile(tmp_path / "secret.key")
        other_machine.write(ours.last())
        publish_one(app, "Second")
        second = app.editions.send_now(app.database, "weekly", "second", app.clock())
        stopped = threading.Event()
        drive(app, lambda: edition_state(app.database, second) == "held", stopped, progress=lambda: None)
        assert len(relay.dots) == 3
        assert release_outbox(app) == [second]
        assert ours.last() == _total(app.database)
        assert other_machine.suspicion(app.database, "other", alone=True) is None
        drive(app, lambda: edition_state(app.database, second) == "sent", stopped, progress=lambda: None)
        assert len(relay.dots) == 6
        assert _held(app.database) is None


def test_what_senders_killed_while_writing_the_file_left_is_gone_once_one_starts(
    database: Database, file: CountFile
) -> None:
    left = file.path.with_name(".outbox.count.4711")
    left.write_bytes(b"12")
    os.utime(left, (0, 0))
    _open_and_close(database, file)
    assert not left.exists()
