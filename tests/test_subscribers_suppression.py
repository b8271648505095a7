"""Suppression: an address that is never mailed, whatever its consent says."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, listing
from subscribers.addresses import parse
from subscribers.models import Subscriber, Suppression
from subscribers.recipients import count
from subscribers.suppression import is_suppressed, lift, reason_for, suppress
from syndicate.database import Database

ALICE = parse("alice@example.org")
HASH = "hash-of-alice"


def add_alice(session: Session, now: datetime) -> Subscriber:
    return consent.add(
        session,
        ALICE,
        ("weekly",),
        hash_of=lambda _: HASH,
        language="en",
        consent="on paper",
        way="command",
        now=now,
    )


def stored(session: Session) -> Suppression:
    return session.scalars(select(Suppression)).one()


def test_a_suppressed_subscriber_is_no_recipient_until_it_is_lifted(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = add_alice(session, now)
        assert suppress(
            session, HASH, address="alice@example.org", reason="hard-bounce", note="5.1.1", stops=Kept(), now=now
        )
        assert is_suppressed(session, HASH)
        assert count(session, "weekly", now=now) == 0
        assert lift(session, HASH, way="command", stops=Kept(), now=now)
        assert not is_suppressed(session, HASH)
        assert count(session, "weekly", now=now) == 1
        assert not lift(session, HASH, way="command", stops=Kept(), now=now)
        lines = listing.history(session, alice.id)
    assert [(line.kind, line.way, line.source) for line in lines] == [
        ("imported", "command", "on paper"),
        ("bounced", "hard-bounce", "5.1.1"),
        ("changed", "command", None),
    ]
    assert lines[-1].words == "suppression lifted (hard-bounce)"


def test_a_stronger_reason_replaces_a_weaker_one_and_not_the_other_way(database: Database, now: datetime) -> None:
    with database.write() as session:
        assert suppress(session, HASH, address="alice@example.org", reason="hard-bounce", stops=Kept(), now=now)
        assert not suppress(session, HASH, address="alice@example.org", reason="hard-bounce", stops=Kept(), now=now)
        later = now + timedelta(days=1)
        assert suppress(session, HASH, address="alice@example.org", reason="complaint", stops=Kept(), now=later)
        assert not suppress(session, HASH, address="alice@example.org", reason="by-hand", stops=Kept(), now=later)
        assert reason_for(session, HASH) == "complaint"
        assert stored(session).at == later


def test_an_erased_address_is_known_by_its_hash_alone(database: Database, now: datetime) -> None:
    with database.write() as session:
        suppress(session, HASH, address="alice@example.org", reason="complaint", stops=Kept(), now=now)
        suppress(session, HASH, address="alice@example.org", reason="erased", stops=Kept(), now=now)
        assert (stored(session).address, stored(session).reason) == (None, "erased")
        suppress(session, "other", address="bob@example.org", reason="erased", stops=Kept(), now=now)
        assert session.scalars(select(Suppression.address)).all() == [None, None]


def test_an_address_may_be_suppressed_before_anybody_subscribed(database: Database, now: datetime) -> None:
    with database.write() as session:
        assert suppress(session, HASH, address=None, reason="by-hand", note="asked by telephone", stops=Kept(), now=now)
        assert reason_for(session, HASH) == "by-hand"
        assert reason_for(session, "other") is None
