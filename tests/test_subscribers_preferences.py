"""Preferences: what a confirmed person chooses is what they get."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, listing
from subscribers.addresses import parse
from subscribers.errors import NotConfirmed, UnknownSubscriber
from subscribers.models import Subscriber
from subscribers.preferences import Change, choose
from subscribers.recipients import count
from syndicate.database import Database

ALICE = parse("alice@example.org")


def ask(session: Session, *digests: str, now: datetime) -> Subscriber:
    asked = consent.ask(
        session, ALICE, digests, hash_of=lambda key: key, language="en", way="form", words="Yes", now=now
    )
    return asked.subscriber


def test_a_choice_adds_and_ends_and_leaves_a_proof_of_each(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = ask(session, "weekly", "daily", now=now)
        consent.confirm(session, alice.id, ("weekly",), way="page", stops=Kept(), now=now)
        change = choose(
            session, alice.id, ("monthly", "monthly"), way="page", words="Monthly letter", stops=Kept(), now=now
        )
        assert change == Change(added=("monthly",), ended=("daily", "weekly"))
        assert choose(session, alice.id, ("monthly",), way="page", stops=Kept(), now=now) == Change((), ())
        assert [count(session, digest, now=now) for digest in ("daily", "weekly", "monthly")] == [0, 0, 1]
        lines = listing.history(session, alice.id)[3:]
    assert [(line.kind, line.digest, line.words) for line in lines] == [
        ("changed", "monthly", "Monthly letter"),
        ("unsubscribed", "daily", "Monthly letter"),
        ("unsubscribed", "weekly", "Monthly letter"),
    ]


def test_who_holds_the_token_may_take_back_what_they_left_and_what_waits(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = ask(session, "weekly", "daily", "monthly", now=now)
        consent.confirm(session, alice.id, ("weekly", "daily"), way="page", stops=Kept(), now=now)
        consent.unsubscribe(session, alice.id, "daily", way="one-click", stops=Kept(), now=now)
        change = choose(session, alice.id, ("daily", "monthly", "weekly"), way="page", stops=Kept(), now=now)
        assert change == Change(added=("daily", "monthly"), ended=())
        assert [count(session, digest, now=now) for digest in ("daily", "weekly", "monthly")] == [1, 1, 1]


def test_to_choose_nothing_is_to_unsubscribe(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = ask(session, "weekly", now=now)
        consent.confirm(session, alice.id, ("weekly",), way="page", stops=Kept(), now=now)
        assert choose(session, alice.id, (), way="page", stops=Kept(), now=now) == Change((), ("weekly",))
        found = listing.by_uid(session, alice.uid)
        assert found is not None
        assert found.state == "unsubscribed"
        with pytest.raises(NotConfirmed, match="unsubscribed: subscribe and confirm first"):
            choose(session, alice.id, ("weekly",), way="page", stops=Kept(), now=now)


def test_who_never_confirmed_may_not_choose(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        alice = ask(session, "weekly", now=now)
        with pytest.raises(NotConfirmed, match="unconfirmed"):
            choose(session, alice.id, ("weekly",), way="page", stops=Kept(), now=now)
        assert count(session, "weekly", now=now) == 0
        with pytest.raises(UnknownSubscriber):
            choose(session, 4711, ("weekly",), way="page", stops=Kept(), now=now)
