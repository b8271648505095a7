"""Decisions beside a sender that works."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import newsroom
import people
import pytest
import senders
from decision_rooms import tallies_are_true
from relays import ScriptedRelay, Session, usual
from sqlalchemy import text, update

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions import decisions, sending
from syndicate.errors import Refused
from syndicate.models import Delivery
from syndicate.outbox import ledger


@pytest.fixture
def deadlocks(database: Database) -> Iterator[None]:
    """Fails if PostgreSQL had to break a deadlock meanwhile: a sender tries again, so it would go unseen."""
    if database.sqlite:
        yield
        return
    count = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with database.read() as session:
        before = session.scalar(count)
    yield
    with database.read() as session:
        session.execute(text("SELECT pg_stat_clear_snapshot()"))
        assert session.scalar(count) == before


@pytest.mark.usefixtures("deadlocks")
def test_decisions_beside_a_working_sender_lose_and_repeat_nothing(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    """The relay loses the line after the dot now and then; meanwhile two people resend, retry, pause and resume without
    a pause. Everybody gets the mail, those too whose mail had expired; twice only who was in doubt."""
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, now)
    people.subscribe(database, 120, now)
    made = people.edition(database, now)
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.seq % 29 == 7).values(state="expired"))
        ledger.tally_all(session, made)
    lock, seen, doubted = threading.Lock(), dict[str, int](), set[str]()

    def script(session: Session, stage: str) -> str | None:
        if stage != "dot":
            return usual(session, stage)
        with lock:
            seen[session.to] = seen.get(session.to, 0) + 1
            first, number = seen[session.to] == 1, int(session.to.partition("@")[0].removeprefix("reader"))
            if first and number % 60 == 9:
                doubted.add(session.to)
                return None
        return usual(session, stage)

    over, faults = threading.Event(), list[BaseException]()

    def decide() -> None:
        while not over.wait(0.05):
            for one in (_resend, _retry, _pause, _resume):
                try:
                    with database.write() as session:
                        one(session, desk.config, made, now)
                except Refused:
                    continue
                except BaseException as fault:  # noqa: BLE001 - the test tells it
                    faults.append(fault)
                    return

    people_deciding = [threading.Thread(target=decide) for _ in range(2)]
    with ScriptedRelay(script) as relay:
        sender = senders.make(database, relay.port)
        for thread in people_deciding:
            thread.start()
        try:
            senders.run(sender, lambda: people.edition_state(database, made) == "sent", seconds=60)
        finally:
            over.set()
            for thread in people_deciding:
                thread.join()
    assert faults == []
    assert sender.failure is None
    assert len(doubted) == 2
    assert set(people.states(database, made).values()) == {"accepted"}
    assert {address for address, copies in seen.items() if copies > 1} == doubted
    assert max(seen.values()) == 2
    tallies_are_true(database)


def _resend(session: object, config: Config, edition_id: int, now: datetime) -> None:
    decisions.resend(session, config, edition_id, now=now)  # type: ignore[arg-type]


def _retry(session: object, config: Config, edition_id: int, now: datetime) -> None:
    decisions.retry(session, config, edition_id, now=now)  # type: ignore[arg-type]


def _pause(session: object, _: Config, edition_id: int, now: datetime) -> None:
    sending.pause(session, edition_id, now=now)  # type: ignore[arg-type]


def _resume(session: object, config: Config, edition_id: int, now: datetime) -> None:
    sending.resume(session, config, edition_id, now=now)  # type: ignore[arg-type]
