"""What a sender takes up at its start and on its timer; a clock that jumps loses nothing and repeats nothing."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from clocks import ticking, until
from people import edition, edition_state, states, subscribe
from relays import ScriptedRelay, Session, usual
from senders import make, run
from sqlalchemy import Float, bindparam, update
from sqlalchemy.sql.elements import ColumnElement

from syndicate.database import Database
from syndicate.engine.embedded import EmbeddedSender
from syndicate.models import Batch, Delivery
from syndicate.outbox import ledger
from syndicate.sender.process import Sender, Times

TIMES = Times(lease=0.8, poll=0.05, stop=1.0)
HOUR = 3600.0


def _through(database: Database, made: int) -> None:
    """Every mail of the edition has gone, and whoever did the last one died before it could say so."""
    with database.write() as session:
        session.execute(update(Delivery).values(state="accepted", attempt=1))
        session.execute(update(Batch).values(done=True))
        ledger.tally_all(session, made)


def test_an_edition_that_is_through_and_was_not_ended_is_ended_at_the_start(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    _through(database, made)
    sender = make(database, 1)
    sender.open()
    assert edition_state(database, made) == "sent"
    sender.close()


def test_an_edition_that_is_through_and_was_not_ended_is_ended_on_the_timer(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    sender = make(database, 1, times=Times(lease=0.4, poll=0.05, stop=1.0))
    sender.open()
    made = edition(database, now, state="paused")
    _through(database, made)
    with database.write() as session:
        session.execute(update(Batch).values(owner=None))
    with database.write() as session:
        session.get_one(ledger.Edition, made).state = "sending"
    end = time.monotonic() + 10
    sender.slice(lambda: edition_state(database, made) == "sent" or time.monotonic() > end)
    sender.close()
    assert edition_state(database, made) == "sent"


def test_work_of_a_sender_that_is_not_in_the_ledger_is_taken_up(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    with database.write() as session:
        session.execute(update(Batch).values(owner="nobody"))
    with ScriptedRelay() as relay:
        run(make(database, relay.port), lambda: edition_state(database, made) == "sent")
        assert len(relay.accepted) == 3


class Jumping(Database):
    """A database whose own clock can be set wrong, by that many seconds."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.wrong = 0.0

    def clock(self) -> ColumnElement[float]:
        return super().clock() + bindparam("wrong", callable_=lambda: self.wrong, type_=Float, unique=True)


@pytest.fixture
def jumping(database_url: str) -> Iterator[Jumping]:
    database = Jumping(database_url)
    yield database
    database.close()


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["ahead", "back"])
@pytest.mark.parametrize("clock", ["database", "process"])
def test_a_clock_that_jumps_in_the_middle_loses_nothing_and_repeats_nothing(
    jumping: Jumping, now: datetime, clock: str, seconds: float
) -> None:
    """Two senders on PostgreSQL: the one may take the other for dead, which then sends no more."""
    subscribe(jumping, 60, now)
    made = edition(jumping, now)
    wall, shift, jumped = ticking(now), [0.0], threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            if len(relay.dots) == 20 and not jumped.is_set():
                jumped.set()
                jumping.wrong, shift[0] = (seconds, 0.0) if clock == "database" else (0.0, seconds)
            time.sleep(0.01)
            if session.mails == 1 and session.number == 0:
                return "451 later"
        return usual(session, stage)

    def make_one() -> Sender:
        return make(
            jumping,
            relay.port,
            connections=2,
            times=TIMES,
            clock=lambda: wall() + timedelta(seconds=shift[0]),
        )

    relay = ScriptedRelay(script)
    with relay:
        engines = [EmbeddedSender(make_one, first=0.05, longest=0.4) for _ in range(1 if jumping.sqlite else 2)]
        for engine in engines:
            engine.start()
        until(lambda: list(states(jumping, made).values()).count("queued") <= 1)
        shift[0] = 2 * HOUR  # the one that was asked to come later is due now
        until(lambda: edition_state(jumping, made) in ("sent", "incomplete"))
        for engine in engines:
            engine.stop()
    assert jumped.is_set()
    found = states(jumping, made)
    uncertain = {address for address, state in found.items() if state == "uncertain"}
    assert set(found.values()) <= {"accepted", "uncertain"}
    assert len(uncertain) <= (0 if jumping.sqlite or clock == "process" else 4)
    assert set(found) - set(relay.accepted) <= uncertain, "left out"
    assert [who for who, times in Counter(relay.accepted).items() if times > 1] == [], "mailed twice"
