"""The ledger: who is frozen, who is claimed, what a slot commit does, what becomes of the work of a dead owner."""

from datetime import datetime, timedelta

import pytest
from people import DIGEST, ask_letter, edition, edition_state, states, subscribe
from sqlalchemy import select, update

from subscribers.models import Subscriber, Subscription, Suppression
from syndicate.database import Database
from syndicate.models import Batch, Delivery, Edition, Letter, Owner, Slot
from syndicate.outbox import leases, ledger, letters, ranges, slots
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Result


def _owner(database: Database, name: str = "alpha", lease: float = 30.0) -> str:
    with database.write() as session:
        leases.register(session, database.clock(), name, lease_seconds=lease, host="here", version="1", connections=4)
    return name


def _claimed(database: Database, owner: str, now: datetime) -> tuple[DeliveryJob, ...]:
    with database.write() as session:
        claimed = ledger.claim(session, owner, now)
    assert claimed
    return claimed.jobs


def test_freezing_writes_one_delivery_for_each_recipient_in_batches(database: Database, now: datetime) -> None:
    subscribe(database, ranges.BATCH_SIZE + 3, now)
    made = edition(database, now)
    with database.read() as session:
        assert session.get_one(Edition, made).chosen == ranges.BATCH_SIZE + 3
        places = session.execute(select(Delivery.batch, Delivery.seq).order_by(Delivery.batch, Delivery.seq)).tuples()
        assert list(places) == [(n // ranges.BATCH_SIZE, n % ranges.BATCH_SIZE) for n in range(ranges.BATCH_SIZE + 3)]
        assert session.scalars(select(Batch.batch).order_by(Batch.batch)).all() == [0, 1]
        assert ledger.counts(session, made).queued == ranges.BATCH_SIZE + 3


def test_who_is_unconfirmed_gone_or_suppressed_is_not_frozen(database: Database, now: datetime) -> None:
    subscribe(database, 5, now)
    with database.write() as session:
        people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
        people[0].state = "unconfirmed"
        people[1].state = "unsubscribed"
        session.execute(update(Subscription).where(Subscription.subscriber_id == people[2].id).values(state="ended"))
        session.add(Suppression(address_hash=people[3].address_hash, reason="complaint", at=now))
    assert list(states(database, edition(database, now))) == ["reader4@example.net"]


def test_a_batch_is_claimed_once_and_comes_back_when_released(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    owner = _owner(database)
    assert len(_claimed(database, owner, now)) == 2
    with database.write() as session:
        assert ledger.claim(session, owner, now) is None
        ledger.release(session, owner, made, 0, now)
    assert len(_claimed(database, owner, now)) == 2


def test_a_paused_edition_is_not_claimed_and_its_claimed_mails_are_not_granted(
    database: Database, now: datetime
) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    owner = _owner(database)
    first, _ = _claimed(database, owner, now)
    with database.write() as session:
        session.execute(update(Edition).values(state="paused"))
    with database.write() as session:
        assert slots.exchange(session, owner, [Exchange(0, None, first)], now) == [Grant.NOT_NOW]
        ledger.release(session, owner, made, 0, now)
        assert not ledger.has_claimable(session, now)
        assert session.scalars(select(Slot)).all() == []
    assert set(states(database, made).values()) == {"queued"}


def test_the_slot_names_the_mail_and_the_next_commit_records_its_result(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    owner = _owner(database)
    first, second = _claimed(database, owner, now)
    with database.write() as session:
        assert slots.exchange(session, owner, [Exchange(3, None, first)], now) == [Grant.SEND]
    with database.read() as session:
        slot = session.scalars(select(Slot)).one()
        assert (slot.owner, slot.n, slot.edition_id, slot.batch, slot.seq) == (owner, 3, made, 0, first.seq)
    done = Result(first, "accepted", 1, now, 250, "250 ok")
    with database.write() as session:
        assert slots.exchange(session, owner, [Exchange(3, done, second)], now) == [Grant.SEND]
    with database.read() as session:
        assert session.scalars(select(Slot)).one().seq == second.seq
    assert states(database, made) == {first.address: "accepted", second.address: "queued"}


@pytest.mark.parametrize("how", ["subscription", "state", "suppression"])
def test_who_left_after_the_claim_is_skipped_in_the_slot_commit(database: Database, now: datetime, how: str) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    owner = _owner(database)
    gone, stays = _claimed(database, owner, now)
    with database.write() as session:
        person = session.get_one(Subscriber, gone.subscriber_id)
        if how == "subscription":
            session.execute(update(Subscription).where(Subscription.subscriber_id == person.id).values(state="ended"))
        elif how == "state":
            person.state = "unsubscribed"
        else:
            session.add(Suppression(address_hash=person.address_hash, reason="hard bounce", at=now))
    with database.write() as session:
        grants = slots.exchange(session, owner, [Exchange(0, None, gone), Exchange(1, None, stays)], now)
    assert grants == [Grant.SKIPPED, Grant.SEND]
    assert states(database, made) == {gone.address: "skipped", stays.address: "queued"}


def test_a_refused_mail_waits_for_its_retry_and_then_the_edition_ends_with_accounts_that_add_up(
    database: Database, now: datetime
) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    owner = _owner(database)
    jobs = _claimed(database, owner, now)
    later = now + timedelta(minutes=5)
    results = [
        Result(jobs[0], "accepted", 1, now, 250, "ok"),
        Result(jobs[1], "rejected", 1, now, 550, "no"),
        Result(jobs[2], "queued", 1, now, 451, "later", later),
    ]
    with database.write() as session:
        slots.exchange(session, owner, [Exchange(n, result, None) for n, result in enumerate(results)], now)
        ledger.release(session, owner, made, 0, now)
    with database.read() as session:
        assert not ledger.has_claimable(session, now)
        assert ledger.has_claimable(session, later)
    assert edition_state(database, made) == "sending"
    (again,) = _claimed(database, owner, later)
    assert (again.address, again.attempt) == (jobs[2].address, 1)
    with database.write() as session:
        slots.exchange(session, owner, [Exchange(0, Result(again, "accepted", 2, later, 250, "ok"), None)], later)
        ledger.release(session, owner, made, 0, later)
    assert edition_state(database, made) == "sent"
    with database.read() as session:
        stand = ledger.counts(session, made)
        assert (stand.accepted, stand.rejected, stand.chosen) == (2, 1, 3)
        assert session.get_one(Edition, made).finished_at == later


def test_a_dead_owner_leaves_its_slots_as_uncertain_and_its_batch_free(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    dead, alive = _owner(database, "dead", lease=-1), _owner(database, "alive")
    jobs = _claimed(database, dead, now)
    with database.write() as session:
        slots.exchange(session, dead, [Exchange(0, None, jobs[0])], now)
    with database.write() as session:
        found = leases.recover_dead(session, database.clock(), "me", alone=False, doubt="hold", now=now)
        assert [(f.owner, f.uncertain, f.batches) for f in found] == [("dead", 1, 1)]
        assert not leases.fence(session, dead)
        assert leases.fence(session, alive)
        assert session.scalars(select(Owner.id)).all() == [alive]
    rest = _claimed(database, alive, now)
    assert {job.address for job in rest} == {job.address for job in jobs[1:]}
    with database.write() as session:
        done = [Exchange(n, Result(job, "accepted", 1, now, 250, "ok"), None) for n, job in enumerate(rest)]
        slots.exchange(session, alive, done, now)
        ledger.release(session, alive, made, 0, now)
    assert edition_state(database, made) == "incomplete"
    assert states(database, made)[jobs[0].address] == "uncertain"


def test_with_resend_what_a_dead_owner_had_on_the_wire_is_queued_again(database: Database, now: datetime) -> None:
    subscribe(database, 1, now)
    made = edition(database, now)
    dead = _owner(database, "dead", lease=-1)
    (job,) = _claimed(database, dead, now)
    with database.write() as session:
        slots.exchange(session, dead, [Exchange(0, None, job)], now)
        leases.recover_dead(session, database.clock(), "me", alone=False, doubt="resend", now=now)
    (again,) = _claimed(database, _owner(database, "next"), now)
    assert (again.address, again.attempt, states(database, made)) == (job.address, 1, {job.address: "queued"})


def test_an_owner_whose_lease_runs_is_left_alone(database: Database, now: datetime) -> None:
    owner = _owner(database)
    with database.write() as session:
        assert leases.recover_dead(session, database.clock(), "me", alone=False, doubt="hold", now=now) == []
        assert leases.renew(session, database.clock(), owner, 30.0)
        assert [found.id for found in leases.live(session, database.clock())] == [owner]


def _letter(database: Database, now: datetime, name: str = "alice") -> int:
    with database.write() as session:
        return ask_letter(session, f"{name}@example.net", now, {"digests": ["weekly"]}).id


def test_letters_are_claimed_oldest_first_and_by_one_owner(database: Database, now: datetime) -> None:
    second = _letter(database, now, "bob")
    first = _letter(database, now - timedelta(minutes=1))
    owner = _owner(database)
    with database.write() as session:
        assert [job.letter_id for job in letters.claim(session, owner, 10, now)] == [first, second]
        assert letters.claim(session, owner, 10, now) == []
        assert not letters.has_due(session, now)


def test_a_letter_to_a_suppressed_address_is_skipped(database: Database, now: datetime) -> None:
    made = _letter(database, now)
    owner = _owner(database)
    with database.write() as session:
        (job,) = letters.claim(session, owner, 10, now)
        session.add(Suppression(address_hash=job.address_hash, reason="complaint", at=now))
    with database.write() as session:
        assert slots.exchange(session, owner, [Exchange(0, None, job)], now) == [Grant.SKIPPED]
    with database.read() as session:
        assert session.get_one(Letter, made).state == "skipped"


def test_a_letter_that_was_on_the_wire_when_its_owner_died_goes_again(database: Database, now: datetime) -> None:
    made = _letter(database, now)
    dead = _owner(database, "dead", lease=-1)
    with database.write() as session:
        (job,) = letters.claim(session, dead, 10, now)
        slots.exchange(session, dead, [Exchange(0, None, job)], now)
    with database.write() as session:
        leases.recover_dead(session, database.clock(), "me", alone=False, doubt="hold", now=now)
    with database.write() as session:
        (again,) = letters.claim(session, _owner_in(session, database), 10, now)
        assert (again.letter_id, again.attempt) == (made, 1)


def _owner_in(session: object, database: Database) -> str:
    leases.register(
        session,  # type: ignore[arg-type]
        database.clock(),
        "next",
        lease_seconds=30,
        host="here",
        version="1",
        connections=1,
    )
    return "next"


def test_recipients_of_another_digest_are_not_frozen(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    with database.write() as session:
        session.execute(update(Subscription).where(Subscription.subscriber_id == 1).values(digest="daily"))
    assert DIGEST == "weekly"
    assert len(states(database, edition(database, now))) == 1
