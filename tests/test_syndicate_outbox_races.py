"""Two transactions at the same moment on PostgreSQL: neither a pause nor a cancel nor a record falls between."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import newsroom
import pytest
from clocks import until
from people import edition, edition_state, states, subscribe
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.editions import decisions, records, sending
from syndicate.errors import Refused
from syndicate.models import Batch, DomainPace, Edition, Owner, RelayRecord, Slot
from syndicate.outbox import leases, ledger, limits, ranges, relays, slots
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Result
from syndicate.outbox.limits import Drawn, Limit


@pytest.fixture
def postgres(postgres_url: str, now: datetime) -> Iterator[Database]:
    database = Database(postgres_url)
    with database.write() as session:
        records.first_seen(session, ["weekly"], now=now)
    yield database
    database.close()


def _claimed(database: Database, now: datetime, owner: str = "alpha") -> tuple[DeliveryJob, ...]:
    with database.write() as session:
        leases.register(session, database.clock(), owner, lease_seconds=30, host="here", version="1", connections=4)
        claimed = ledger.claim(session, owner, now)
    assert claimed
    return claimed.jobs


class Beside:
    """Runs `work` in a transaction of its own, in another thread."""

    def __init__(self, database: Database, work: Callable[[Session], object]) -> None:
        self.answer: object = None
        self.error: Exception | None = None
        self._database, self._work = database, work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._database.write() as session:
                self.answer = self._work(session)
        except Exception as error:  # noqa: BLE001 - it is raised where the test asks
            self.error = error

    def blocked(self) -> bool:
        """Whether it waits for somebody's lock by now, or has ended."""
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with self._database.read() as session:
            return bool(session.scalar(waiting)) or not self._thread.is_alive()

    def end(self) -> object:
        self._thread.join(10)
        assert not self._thread.is_alive()
        if self.error:
            raise self.error
        return self.answer


def test_a_cancel_beside_a_slot_commit_sees_what_is_on_the_wire(postgres: Database, now: datetime) -> None:
    subscribe(postgres, 3, now)
    made = edition(postgres, now)
    first, *_ = _claimed(postgres, now)
    with postgres.write() as session:
        assert leases.fence(session, "alpha")
        assert slots.exchange(session, "alpha", [Exchange(0, None, first)], now) == [Grant.SEND]
        cancel = Beside(postgres, lambda other: sending.cancel(other, made, now=now))
        until(cancel.blocked)
    assert cancel.end() == 1, "one mail was on its way"
    with postgres.write() as session:
        slots.exchange(session, "alpha", [Exchange(0, Result(first, "accepted", 1, now, 250, "ok"), None)], now)
        ledger.release(session, "alpha", made, 0, now)
    found = states(postgres, made)
    assert found.pop(first.address) == "accepted"
    assert set(found.values()) == {"skipped"}


def test_a_slot_commit_beside_a_pause_grants_nothing_after_it(postgres: Database, now: datetime) -> None:
    subscribe(postgres, 2, now)
    made = edition(postgres, now)
    first, *_ = _claimed(postgres, now)
    with postgres.write() as session:
        sending.pause(session, made, now=now)
        grants = Beside(postgres, lambda other: slots.exchange(other, "alpha", [Exchange(0, None, first)], now))
        until(grants.blocked)
    assert grants.end() == [Grant.NOT_NOW]


def test_a_cancel_and_results_of_mails_that_never_went_do_not_wait_in_a_circle(
    postgres: Database, now: datetime
) -> None:
    subscribe(postgres, 4, now)
    made = edition(postgres, now)
    jobs = _claimed(postgres, now)
    late = [Exchange(n, Result(job, "rejected", 1, now, 550, "no"), None) for n, job in enumerate(jobs)]
    with postgres.write() as session:
        slots.exchange(session, "alpha", late, now)
        cancel = Beside(postgres, lambda other: sending.cancel(other, made, now=now))
        until(cancel.blocked)
        ledger.release(session, "alpha", made, 0, now)
    with pytest.raises(Refused, match="is sent"):
        cancel.end()
    assert edition_state(postgres, made) == "sent"
    assert set(states(postgres, made).values()) == {"rejected"}


def test_two_processes_that_find_the_relay_down_at_once_count_it_once(postgres: Database, now: datetime) -> None:
    def fail(session: Session, me: str) -> None:
        clock = postgres.clock()
        relays.failed(session, clock, "relay:25", me, trouble="down", error=f"{me} lost it", chance=0.5, now=now)

    with postgres.write() as session:
        fail(session, "alpha")
        other = Beside(postgres, lambda other: fail(other, "beta"))
        until(other.blocked)
    other.end()
    with postgres.read() as session:
        record = session.scalars(select(RelayRecord)).one()
        assert (record.failures, record.last_error) == (1, "alpha lost it")


@pytest.mark.parametrize("limit", [Limit(rate=1 / 60), Limit(quota=1)])
def test_two_that_draw_the_last_of_a_limit_at_once_do_not_both_get_it(
    postgres: Database, now: datetime, limit: Limit
) -> None:
    with postgres.write() as session:
        relays.enrol(session, "relay:25", now)
    with postgres.write() as session:
        assert limits.draw(session, postgres.clock(), "relay:25", 9, limit).granted == 1
        other = Beside(postgres, lambda other: limits.draw(other, postgres.clock(), "relay:25", 9, limit))
        until(other.blocked)
    assert other.end() == Drawn(0, limit.rate, wait=limits.LOST_RACE_SECONDS)


def test_two_that_draw_for_a_domain_at_once_do_not_both_get_its_last(postgres: Database, now: datetime) -> None:
    def draw(session: Session) -> Drawn:
        return limits.draw_for_domain(session, postgres.clock(), "relay:25", "slow.example", want=9, most=1 / 60)

    with postgres.write() as session:
        session.add(DomainPace(relay="relay:25", domain="slow.example", tat=0.0, rate=1 / 60, changed_at=0.0))
    with postgres.write() as session:
        assert draw(session).granted == 1
        other = Beside(postgres, draw)
        until(other.blocked)
    found = other.end()
    assert isinstance(found, Drawn)
    assert found.granted == 0


def test_two_that_release_the_last_two_batches_at_once_close_the_edition(
    postgres: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "BATCH_SIZE", 1)
    subscribe(postgres, 2, now)
    made = edition(postgres, now)
    jobs = [*_claimed(postgres, now, "alpha"), *_claimed(postgres, now, "beta")]
    for owner, job in zip(("alpha", "beta"), jobs, strict=True):
        with postgres.write() as session:
            slots.exchange(session, owner, [Exchange(0, Result(job, "accepted", 1, now, 250, "ok"), None)], now)
    with postgres.write() as session:
        ledger.release(session, "alpha", made, 0, now)
        other = Beside(postgres, lambda other: ledger.release(other, "beta", made, 1, now))
        until(other.blocked)
    other.end()
    assert edition_state(postgres, made) == "sent"


def test_what_is_put_off_after_a_cancel_is_skipped_when_its_batch_comes_back(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    first, *_ = _claimed(database, now)
    with database.write() as session:
        slots.exchange(session, "alpha", [Exchange(0, None, first)], now)
    with database.write() as session:
        records.first_seen(session, ["weekly"], now=now)
        sending.cancel(session, made, now=now)
    later = Result(first, "queued", 1, now, 451, "later", now + timedelta(minutes=5))
    with database.write() as session:
        slots.exchange(session, "alpha", [Exchange(0, later, None)], now)
        ledger.release(session, "alpha", made, 0, now)
    assert set(states(database, made).values()) == {"skipped"}
    with database.read() as session:
        assert session.scalars(select(Batch.done)).all() == [True]


def test_with_resend_a_cancelled_edition_of_a_dead_owner_has_nothing_left_waiting(
    database: Database, now: datetime
) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    first, *_ = _claimed(database, now)
    with database.write() as session:
        slots.exchange(session, "alpha", [Exchange(0, None, first)], now)
        session.execute(update(Edition).values(state="cancelled"))
    with database.write() as session:
        leases.retire(session, "alpha", doubt="resend", now=now)
    assert set(states(database, made).values()) == {"skipped"}


def test_an_owner_that_ends_with_all_its_mails_done_closes_the_edition(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    jobs = _claimed(database, now)
    with database.write() as session:
        done = [Exchange(n, Result(job, "accepted", 1, now, 250, "ok"), None) for n, job in enumerate(jobs)]
        slots.exchange(session, "alpha", done, now)
    with database.write() as session:
        leases.retire(session, "alpha", doubt="hold", now=now)
        assert session.scalars(select(Owner)).all() == []
        assert session.scalars(select(Slot)).all() == []
    assert edition_state(database, made) == "sent"


def test_a_doubt_that_is_decided_while_its_edition_ends_waits_for_that_and_takes_it_up(
    postgres: Database, tmp_path: Path, now: datetime
) -> None:
    """Otherwise the edition would be over, with a mail in it that waits for ever."""
    config = newsroom.editions(tmp_path).config
    subscribe(postgres, 2, now)
    made = edition(postgres, now)
    first, second = _claimed(postgres, now)
    with postgres.write() as session:
        assert leases.fence(session, "alpha")
        settled = [Result(first, "uncertain", 1, now), Result(second, "accepted", 1, now)]
        slots.exchange(session, "alpha", [Exchange(n, one, None) for n, one in enumerate(settled)], now)
    with postgres.write() as session:
        assert leases.fence(session, "alpha")
        ledger.release(session, "alpha", made, 0, now)
        resend = Beside(postgres, lambda other: decisions.resend(other, config, made, now=now))
        until(resend.blocked)
        assert session.get_one(Edition, made).state == "incomplete"
    resend.end()
    assert edition_state(postgres, made) == "sending"
    with postgres.read() as session:
        assert ledger.has_claimable(session, now)
