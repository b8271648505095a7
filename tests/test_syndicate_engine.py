"""The embedded sender: whatever ends one, another takes its place; nobody is left out or mailed twice unseen."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise

import pytest
from clocks import until
from people import edition, edition_state, states, subscribe
from relays import ScriptedRelay, Session, usual
from senders import make
from sqlalchemy import text

from syndicate.database import Database
from syndicate.engine.embedded import EmbeddedSender
from syndicate.errors import SyndicateError
from syndicate.sender.lock import SenderLock
from syndicate.sender.process import Sender, Times

TIMES = Times(lease=0.6, poll=0.05, stop=1.0)


def slowly(session: Session, stage: str) -> str | None:
    if stage == "dot":
        time.sleep(0.005)
    return usual(session, stage)


@contextmanager
def running(make_one: Callable[[], Sender]) -> Iterator[EmbeddedSender]:
    engine = EmbeddedSender(make_one, first=0.05, longest=0.4)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def judge(database: Database, made: int, relay: ScriptedRelay, deaths: int) -> None:
    """Everybody is accounted for by name, and a second copy only where it was marked."""
    found = states(database, made)
    uncertain = {address for address, state in found.items() if state == "uncertain"}
    assert set(found.values()) <= {"accepted", "uncertain"}
    assert set(found) - set(relay.dots) <= uncertain, "left out, and nobody knows"
    assert {address for address, times in Counter(relay.dots).items() if times > 1} <= uncertain
    assert len(uncertain) <= 4 * deaths
    assert edition_state(database, made) == ("incomplete" if uncertain else "sent")


def test_whatever_ends_a_sender_another_takes_its_place(
    sqlite_database: Database, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(sqlite_database, 5, now)
    made = edition(sqlite_database, now)
    faults = [SyndicateError("a key is missing"), RuntimeError("can't start new thread"), KeyError()]
    seen: list[str] = []

    with ScriptedRelay() as relay:

        def make_one() -> Sender:
            if faults:
                raise faults.pop(0)
            return make(sqlite_database, relay.port, times=TIMES)

        with running(make_one) as engine:
            while edition_state(sqlite_database, made) != "sent":
                seen.append(engine.health().error or "")
                assert engine.health().running or engine.health().error
                time.sleep(0.01)
            assert engine.health().running
    assert "a key is missing" in seen
    assert "the sender is broken" in caplog.text
    assert len(relay.accepted) == 5


def test_beside_another_process_it_keeps_asking_and_does_not_fall_asleep(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 1, now)
    made = edition(sqlite_database, now)
    other = SenderLock(sqlite_database.file)
    asked: list[float] = []

    with ScriptedRelay() as relay:

        def make_one() -> Sender:
            asked.append(time.monotonic())
            return make(sqlite_database, relay.port, times=TIMES)

        with running(make_one) as engine:
            until(lambda: len(asked) == 6)
            assert engine.health().running, "mail goes, through the other"
            assert "another process sends" in (engine.health().error or "")
            assert max(later - sooner for sooner, later in pairwise(asked)) < 0.35
            other.release()
            until(lambda: edition_state(sqlite_database, made) == "sent")


def test_a_database_that_another_process_locks_for_longer_than_the_lease_only_delays(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 150, now)
    made = edition(sqlite_database, now)
    with (
        ScriptedRelay(slowly) as relay,
        running(lambda: make(sqlite_database, relay.port, times=TIMES)),
    ):
        until(lambda: len(relay.accepted) > 10)
        other = sqlite3.connect(sqlite_database.file, timeout=10, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(0.1)
        had = len(relay.dots)
        time.sleep(1.2)
        assert len(relay.dots) == had, "a mail went without its slot"
        other.execute("ROLLBACK")
        other.close()
        until(lambda: edition_state(sqlite_database, made) == "sent")
        judge(sqlite_database, made, relay, deaths=0)


def test_a_server_that_cuts_every_connection_costs_no_more_than_doubts(postgres_url: str, now: datetime) -> None:
    database = Database(postgres_url)
    subscribe(database, 300, now)
    made = edition(database, now)
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    knife = Database(postgres_url)
    with (
        ScriptedRelay(slowly) as relay,
        running(lambda: make(database, relay.port, times=TIMES)),
    ):
        for floor in (20, 80, 140):
            until(lambda floor=floor: len(relay.accepted) > floor)  # type: ignore[misc]
            with knife.write() as session:
                session.execute(cut)
        until(lambda: edition_state(knife, made) in ("sent", "incomplete"), 20)
        judge(knife, made, relay, deaths=3)
    knife.close()
    database.close()


def test_it_ends_at_once_when_idle_and_leaves_no_thread(sqlite_database: Database) -> None:
    before = set(threading.enumerate())
    with running(lambda: make(sqlite_database, 1)) as engine:
        until(lambda: engine.health().running)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    until(lambda: not set(threading.enumerate()) - before, 2)
