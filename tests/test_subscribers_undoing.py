"""Who left by mistake comes back by one button: for seven days, and only to what they ended themselves."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, erasing, preferences, suppression
from subscribers.addresses import parse
from subscribers.models import Subscriber
from subscribers.recipients import count
from subscribers.stoplist import Stop
from subscribers.subscriptions import read_states
from subscribers.undoing import UNDO, Undo, undo, undoable
from syndicate.database import Database

ANN = parse("ann@example.org")
HOUR = timedelta(hours=1)


def join(session: Session, now: datetime) -> Subscriber:
    """She gets the weekly and the daily, and was asked whether she wants the monthly."""
    ann = consent.add(
        session,
        ANN,
        ("weekly", "daily"),
        hash_of=lambda key: key,
        language="en",
        consent="on paper",
        way="command",
        now=now,
    )
    consent.ask(session, ANN, ("monthly",), hash_of=lambda key: key, language="en", way="form", words="Yes", now=now)
    return ann


def leave(session: Session, ann: Subscriber, digest: str | None, now: datetime, way: str = "page") -> None:
    consent.unsubscribe(session, ann.id, digest, way=way, stops=Kept(), now=now)


def test_all_that_came_and_ended_in_one_step_comes_again(database: Database, now: datetime) -> None:
    with database.write() as session:
        ann, stops = join(session, now), Kept()
        left = now + HOUR
        leave(session, ann, None, left)
        assert undoable(session, ann.id, "weekly", now=left) == Undo(("daily", "weekly"), left + UNDO)
        assert undoable(session, ann.id, "monthly", now=left) is None, "it never came"
        back = left + UNDO - HOUR
        assert undo(session, ann.id, "daily", way="page", words="back", stops=stops, now=back) == ("daily", "weekly")
        assert (ann.state, read_states(session, ann.id)) == (
            "confirmed",
            {"daily": "active", "weekly": "active", "monthly": "ended"},
        )
        assert stops == [Stop(back, "back", ann.address_hash, slug) for slug in ("daily", "weekly")]
        assert undo(session, ann.id, "daily", way="page", words="back", stops=stops, now=back) == ()
        assert count(session, "weekly", now=back) == 1


def test_each_step_of_leaving_is_undone_by_itself(database: Database, now: datetime) -> None:
    with database.write() as session:
        ann = join(session, now)
        leave(session, ann, "weekly", now + HOUR, way="one-click")
        leave(session, ann, "daily", now + 2 * HOUR, way="mail")
        assert undo(session, ann.id, "weekly", way="page", words="x", stops=Kept(), now=now + 3 * HOUR) == ("weekly",)
        assert read_states(session, ann.id)["daily"] == "ended"
        preferences.choose(session, ann.id, (), way="page", stops=Kept(), now=now + 4 * HOUR)
        assert undo(session, ann.id, "weekly", way="page", words="x", stops=Kept(), now=now + 5 * HOUR) == ("weekly",)


@pytest.mark.parametrize("way", ["command", "stop-list", "no-answer"])
def test_what_others_ended_stays_ended(sqlite_database: Database, now: datetime, way: str) -> None:
    with sqlite_database.write() as session:
        ann = join(session, now)
        leave(session, ann, None, now, way=way)
        assert undo(session, ann.id, "weekly", way="page", words="x", stops=Kept(), now=now) == ()


def test_after_seven_days_or_with_an_address_that_may_not_be_mailed_nothing_comes_back(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.write() as session:
        ann = join(session, now)
        leave(session, ann, None, now)
        assert undoable(session, ann.id, "weekly", now=now + UNDO - timedelta(seconds=1))
        assert undoable(session, ann.id, "weekly", now=now + UNDO) is None
        for reason in ("hard-bounce", "complaint"):
            suppression.suppress(
                session,
                ann.address_hash,
                address=None,
                reason=reason,
                stops=Kept(),
                now=now,  # type: ignore[arg-type]
            )
            assert undo(session, ann.id, "weekly", way="page", words="x", stops=Kept(), now=now) == ()
        suppression.lift(session, ann.address_hash, way="command", stops=Kept(), now=now)
        assert undoable(session, ann.id, "weekly", now=now)
        erasing.erase(session, ann.id, stops=Kept(), now=now)
        suppression.lift(session, ann.address_hash, way="command", stops=Kept(), now=now)
        assert undo(session, ann.id, "weekly", way="page", words="x", stops=Kept(), now=now) == ()
        assert undoable(session, 4711, "weekly", now=now) is None
