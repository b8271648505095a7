"""One slot commit for many connections: each is answered by itself, and what is stored is what was said."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from people import DIGEST, ask_letter, edition, states, subscribe
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from subscribers.models import Subscriber, Subscription, Suppression
from syndicate.database import Database
from syndicate.models import Delivery, Edition, Letter, Slot
from syndicate.outbox import leases, ledger, letters, slots
from syndicate.outbox import slot_statements as statements
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, LetterJob, Result
from syndicate.outbox.prepared import Prepared

OWNER = "alpha"


def _claimed(database: Database, now: datetime) -> list[DeliveryJob]:
    with database.write() as session:
        leases.register(session, database.clock(), OWNER, lease_seconds=30, host="here", version="1", connections=9)
        jobs: list[DeliveryJob] = []
        while claimed := ledger.claim(session, OWNER, now):
            jobs.extend(claimed.jobs)
        return jobs


def _letters(database: Database, now: datetime, names: list[str]) -> list[LetterJob]:
    with database.write() as session:
        for name in names:
            ask_letter(session, f"{name}@example.net", now)
        return letters.claim(session, OWNER, 10, now)


def _asked(database: Database, requests: list[Exchange], now: datetime) -> list[Grant]:
    with database.write_bare() as bare:
        assert leases.fence(bare, OWNER)
        return slots.exchange(bare, OWNER, requests, now)


def test_every_connection_gets_its_own_answer_from_one_commit(database: Database, now: datetime) -> None:
    subscribe(database, 4, now)
    edition(database, now)
    paused = edition(database, now, key="two")
    jobs = _claimed(database, now)
    first, gone, done, _ = (job for job in jobs if job.edition_id != paused)
    waits = next(job for job in jobs if job.edition_id == paused)
    stays, never = _letters(database, now, ["ann", "bob"])
    with database.write() as session:
        session.execute(update(Edition).where(Edition.id == paused).values(state="paused"))
        session.execute(
            update(Subscription).where(Subscription.subscriber_id == gone.subscriber_id).values(state="ended")
        )
        session.add(Suppression(address_hash=never.address_hash, reason="complaint", at=now))
        here = (Delivery.edition_id == done.edition_id) & (Delivery.seq == done.seq)
        session.execute(update(Delivery).where(here).values(state="accepted"))
    requests = [
        Exchange(0, None, done),
        Exchange(1, None, never),
        Exchange(2, None, first),
        Exchange(3, None, waits),
        Exchange(4, None, None),
        Exchange(5, None, gone),
        Exchange(6, None, stays),
    ]
    assert _asked(database, requests, now) == [
        Grant.NOT_NOW,
        Grant.SKIPPED,
        Grant.SEND,
        Grant.NOT_NOW,
        Grant.NOTHING,
        Grant.SKIPPED,
        Grant.SEND,
    ]
    with database.read() as session:
        named = session.execute(select(Slot.n, Slot.seq, Slot.letter_id, Slot.attempt, Slot.since).order_by(Slot.n))
        assert named.tuples().all() == [(2, first.seq, None, 1, now), (6, None, stays.letter_id, 1, now)]
        assert session.get_one(Letter, never.letter_id).state == "skipped"
        assert session.get_one(Letter, never.letter_id).owner is None
    assert states(database, paused) == dict.fromkeys(states(database, paused), "queued")


def test_a_slot_is_emptied_when_its_connection_has_nothing_more_and_only_that_one(
    database: Database, now: datetime
) -> None:
    subscribe(database, 3, now)
    edition(database, now)
    first, second, third = _claimed(database, now)
    _asked(database, [Exchange(0, None, first), Exchange(1, None, second)], now)
    results = [Exchange(0, Result(first, "accepted", 1, now, 250, "ok"), None)]
    assert _asked(database, results, now) == [Grant.NOTHING]
    with database.read() as session:
        assert session.execute(select(Slot.n, Slot.seq)).tuples().all() == [(1, second.seq)]
    later = now + timedelta(minutes=1)
    _asked(database, [Exchange(1, Result(second, "accepted", 1, later, 250, "ok"), third)], later)
    with database.read() as session:
        assert session.execute(select(Slot.n, Slot.seq, Slot.since)).tuples().all() == [(1, third.seq, later)]


@pytest.mark.parametrize("words", ['550 "no" \\ {"a": [1]}', "450 später ‽ 𝄞 ''", "%s %(rows)s ? :x $1", ""])
def test_an_outcome_is_stored_as_it_was_told(database: Database, now: datetime, words: str) -> None:
    subscribe(database, 1, now)
    edition(database, now)
    (job,) = _claimed(database, now)
    (letter,) = _letters(database, now, ["ann"])
    at, again = now + timedelta(microseconds=1), now + timedelta(minutes=5, microseconds=999_999)
    told = Result(job, "queued", 3, at, 450, words, again, "policy")
    _asked(database, [Exchange(0, told, None), Exchange(1, replace(told, job=letter), None)], now)
    with database.read() as session:
        for row in (session.scalars(select(Delivery)).one(), session.scalars(select(Letter)).one()):
            assert (row.state, row.attempt, row.at, row.code) == ("queued", 3, at, 450)
            assert (row.reply, row.next_try_at, row.cause) == (words, again, "policy")
    _asked(database, [Exchange(0, Result(job, "accepted", 4, at), None)], now)
    with database.read() as session:
        row = session.scalars(select(Delivery)).one()
        assert (row.state, row.code, row.reply, row.next_try_at, row.cause) == ("accepted", None, None, None, None)


def test_a_result_never_changes_a_mail_that_does_not_wait(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    first, second = _claimed(database, now)
    _asked(database, [Exchange(0, Result(first, "accepted", 1, now, 250, "ok"), None)], now)
    late = [Exchange(n, Result(job, "rejected", 1, now, 550, "no"), None) for n, job in enumerate((first, second))]
    _asked(database, late, now)
    assert states(database, made) == {first.address: "accepted", second.address: "rejected"}


def test_somebody_who_wants_another_digest_only_is_skipped(database: Database, now: datetime) -> None:
    subscribe(database, 1, now)
    edition(database, now)
    (job,) = _claimed(database, now)
    with database.write() as session:
        session.execute(update(Subscription).where(Subscription.digest == DIGEST).values(digest="daily"))
        assert session.scalars(select(Subscriber.state)).all() == ["confirmed"]
    assert _asked(database, [Exchange(0, None, job)], now) == [Grant.SKIPPED]


def test_somebody_who_began_a_pause_is_skipped_until_its_end(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    edition(database, now)
    jobs = _claimed(database, now)
    until = now + timedelta(days=1)
    with database.write() as session:
        session.execute(update(Subscriber).values(paused_until=until))
    early, due = until - timedelta(microseconds=1), until
    assert [_asked(database, [Exchange(0, None, job)], at) for job, at in zip(jobs, (early, due), strict=True)] == [
        [Grant.SKIPPED],
        [Grant.SEND],
    ]


@pytest.mark.parametrize("name", ["DELIVERY_RESULTS", "WAITING", "WANTED", "LETTER_RESULTS", "WANTED_LETTERS", "EMPTY"])
def test_no_statement_of_the_slot_commit_looks_through_a_table(sqlite_database: Database, name: str) -> None:
    """However many deliveries there are, a commit must cost the same."""
    prepared: Prepared = getattr(statements, name)
    with sqlite_database.read() as session:
        words, fixed, order = prepared.compiled(sqlite_database.engine.dialect)
        given = {**fixed, "rows": json.dumps([])}
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", tuple(given[o] for o in order or ()))
        steps = [row[3] for row in plan]
    scans = [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert [step for step in scans if step != "SCAN outbox"] == []  # which has one row
    assert any("USING" in step for step in steps)


def test_a_bare_transaction_that_fails_leaves_nothing_and_says_it_as_sqlalchemy_does(database: Database) -> None:
    words = "UPDATE outbox SET commits = commits + 1"
    for fault in ("UPDATE outbox SET id = NULL", "no statement"):
        with pytest.raises(DBAPIError), database.write_bare() as bare:
            bare.connection.cursor().execute(words)
            bare.connection.cursor().execute(fault)
    with pytest.raises(ZeroDivisionError), database.write_bare() as bare:
        bare.connection.cursor().execute(words)
        raise ZeroDivisionError
    with database.read() as session:
        assert session.scalar(text("SELECT commits FROM outbox")) == 0
    with database.write_bare() as bare:
        bare.connection.cursor().execute(words)
    with database.read() as session:
        assert session.scalar(text("SELECT commits FROM outbox")) == 1
