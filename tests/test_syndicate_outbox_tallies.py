"""The tallies of batches: whatever happens, they say of a batch that nobody owns how its deliveries stand."""

import random
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import edition, edition_state, states, subscribe
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.editions import records, sending
from syndicate.editions.report import report
from syndicate.errors import Refused
from syndicate.models import Batch, Delivery, Edition
from syndicate.outbox import leases, ledger, ranges, slots
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Result

STATES = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
ENDS = ("accepted", "rejected", "queued", "expired", "uncertain")


def written(session: Session, edition_id: int) -> dict[int, Counter[str]]:
    """What the batches that nobody owns say about themselves."""
    free = select(Batch).where(Batch.edition_id == edition_id, Batch.owner.is_(None))
    found = {}
    for batch in session.scalars(free.execution_options(populate_existing=True)):
        found[batch.batch] = +Counter({state: getattr(batch, state) for state in STATES})
        assert found[batch.batch].total() == batch.size
    return found


def counted(session: Session, edition_id: int) -> dict[int, Counter[str]]:
    """How the deliveries stand, each looked at."""
    found: dict[int, Counter[str]] = {}
    rows = select(Delivery.batch, Delivery.state, func.count()).where(Delivery.edition_id == edition_id)
    for batch, state, number in session.execute(rows.group_by(Delivery.batch, Delivery.state)):
        found.setdefault(batch, Counter())[state] = number
    return found


def check(session: Session, edition_id: int) -> None:
    """The tallies are true, and so is the account that is made of them."""
    said, seen = written(session, edition_id), counted(session, edition_id)
    assert said == {batch: seen[batch] for batch in said}
    stand = ledger.counts(session, edition_id)
    assert {state: getattr(stand, state) for state in STATES} == {
        state: sum(batch[state] for batch in seen.values()) for state in STATES
    }
    assert stand.chosen == session.get_one(Edition, edition_id).chosen


class Play:
    """Two senders, one edition, and whatever may happen to them."""

    def __init__(self, database: Database, now: datetime, number: int) -> None:
        self.database, self.now = database, now
        self.edition = edition(database, now, key=f"k{number}")
        self.owners = [f"{name}{number}" for name in ("alpha", "beta")]
        self.held: dict[str, tuple[int, list[DeliveryJob]]] = {}
        with database.write() as session:
            for owner in self.owners:
                self._register(session, owner)

    def _register(self, session: Session, owner: str) -> None:
        clock = self.database.clock()
        leases.register(session, clock, owner, lease_seconds=30, host="here", version="1", connections=2)

    def step(self, session: Session, what: str, who: int, how: int) -> None:
        getattr(self, what)(session, self.owners[who], how)

    def claim(self, session: Session, owner: str, how: int) -> None:
        self.now += timedelta(minutes=how)
        if owner not in self.held and (claimed := ledger.claim(session, owner, self.now)):
            self.held[owner] = (claimed.batch, list(claimed.jobs))

    def send(self, session: Session, owner: str, how: int) -> None:
        _, jobs = self.held.get(owner, (0, []))
        if not jobs:
            return
        job = jobs.pop()
        if slots.exchange(session, owner, [Exchange(0, None, job)], self.now) == [Grant.SEND]:
            state = ENDS[how % len(ENDS)]
            again = self.now + timedelta(minutes=5) if state == "queued" else None
            result = Result(job, state, job.attempt + 1, self.now, next_try_at=again)
            slots.exchange(session, owner, [Exchange(0, result, None)], self.now)

    def give_back(self, session: Session, owner: str, how: int) -> None:
        if owner in self.held:
            ledger.release(session, owner, self.edition, self.held.pop(owner)[0], self.now)

    def die(self, session: Session, owner: str, how: int) -> None:
        _, jobs = self.held.pop(owner, (0, []))
        for n, job in enumerate(jobs[: how % 3]):  # on the wire at that moment
            slots.exchange(session, owner, [Exchange(n, None, job)], self.now)
        leases.retire(session, owner, doubt="resend" if how % 2 else "hold", now=self.now)
        self._register(session, owner)

    def pause(self, session: Session, owner: str, how: int) -> None:
        sending.pause(session, self.edition, now=self.now)

    def cancel(self, session: Session, owner: str, how: int) -> None:
        sending.cancel(session, self.edition, now=self.now)

    def go_on(self, session: Session, owner: str, how: int) -> None:
        session.execute(update(Edition).where(Edition.state == "paused").values(state="sending"))
        ledger.close_finished(session, self.now)


USUAL = ("claim", "send", "send", "send", "send", "give_back", "die", "pause", "go_on")
_numbers = count()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from((*USUAL, "cancel")), st.integers(0, 1), st.integers(0, 9)), min_size=10, max_size=40
    )
)
def test_after_any_mix_of_operations_the_tallies_are_true(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int, int]]
) -> None:
    monkeypatch.setattr(ranges, "BATCH_SIZE", 3)
    number = next(_numbers)
    if not states_there(database):
        subscribe(database, 8, now)
    with database.write() as session:
        records.first_seen(session, ["weekly"], now=now)
        session.execute(update(Edition).values(state="sent"))  # those of earlier examples are nobody's work any more
    play = Play(database, now, number)
    with database.write() as session:
        for what, who, how in steps:
            with suppress(Refused):
                play.step(session, what, who, how)
            session.flush()
            check(session, play.edition)
        for owner in play.owners:
            leases.retire(session, owner, doubt="hold", now=play.now)


def states_there(database: Database) -> bool:
    with database.read() as session:
        return session.scalar(select(Delivery.seq).limit(1)) is not None


def test_a_run_to_the_end_closes_with_the_accounts_of_its_tallies(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "BATCH_SIZE", 4)
    subscribe(database, 18, now)
    play = Play(database, now, 0)
    dice = random.Random(4)
    for _ in range(40):
        with database.write() as session:
            play.claim(session, "alpha0", 6)
            while play.held.get("alpha0", (0, []))[1]:
                play.send(session, "alpha0", dice.choice((0, 0, 1, 2, 3)))
            play.give_back(session, "alpha0", 0)
            check(session, play.edition)
    assert edition_state(database, play.edition) == "sent"
    with database.read() as session:
        assert report(session, play.edition).counts == ledger.counts(session, play.edition)
        assert report(session, play.edition).counts.queued == 0


def test_what_waits_in_all_unfinished_editions_is_told_without_looking_at_deliveries(
    database: Database, now: datetime
) -> None:
    subscribe(database, 3, now)
    first, second = edition(database, now, key="one"), edition(database, now, key="two", state="paused")
    done = edition(database, now, key="three", state="sent")
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.edition_id == second).values(state="uncertain"))
        session.execute(update(Delivery).where(Delivery.edition_id == done).values(state="uncertain"))
        for one in (first, second, done):
            ledger.tally(session, one, 0)
        stand = ledger.waiting(session)
    assert (stand.queued, stand.uncertain) == (3, 3)


def test_an_edition_whose_last_batch_was_given_back_unseen_is_closed_by_the_sweep(
    database: Database, now: datetime
) -> None:
    subscribe(database, 2, now)
    made, other = edition(database, now, key="one"), edition(database, now, key="two")
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.edition_id == made).values(state="accepted"))
        session.execute(update(Batch).where(Batch.edition_id == made).values(done=True))
        ledger.tally_all(session, made)
    with database.write() as session:
        assert ledger.unclosed(session) == [made]
        assert ledger.close_finished(session, now) == [made]
        assert ledger.unclosed(session) == []
    assert (edition_state(database, made), edition_state(database, other)) == ("sent", "sending")
    assert set(states(database, other).values()) == {"queued"}
