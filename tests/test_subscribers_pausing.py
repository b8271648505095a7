"""A pause: until its end nobody is a recipient, and then they are one again, without anybody's doing."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, listing
from subscribers.addresses import parse
from subscribers.errors import NotConfirmed, UnknownSubscriber
from subscribers.models import Subscriber
from subscribers.pausing import LONGEST, BadPause, end_pause, first_moment, pause
from subscribers.recipients import count, recipients, still_wanted
from syndicate.database import Database

DAY = timedelta(days=1)
ANN = parse("ann@example.org")


def join(session: Session, now: datetime) -> Subscriber:
    return consent.add(
        session,
        ANN,
        ("weekly",),
        hash_of=lambda key: key,
        language="en",
        consent="on paper",
        way="command",
        now=now,
    )


def gets(session: Session, ann: Subscriber, at: datetime) -> bool:
    """Whether she may get a mail then; all three ways to ask must say the same."""
    answers = {
        bool(session.execute(recipients("weekly", now=at)).all()),
        bool(session.execute(still_wanted("weekly", [ann.id], now=at)).all()),
        count(session, "weekly", now=at) == 1,
    }
    (answer,) = answers
    return answer


def test_nothing_comes_before_the_end_of_a_pause_and_then_it_comes_by_itself(database: Database, now: datetime) -> None:
    with database.write() as session:
        ann = join(session, now)
        until = now + 28 * DAY
        pause(session, ann.id, until, way="page", words="Nothing comes before then.", now=now)
        assert [gets(session, ann, at) for at in (now, until - timedelta(microseconds=1), until, until + DAY)] == [
            *(False, False, True, True)
        ]
        last = listing.history(session, ann.id)[-1]
        assert (last.kind, last.way, last.words) == ("changed", "page", "Nothing comes before then.")
        pause(session, ann.id, now + DAY, way="page", words="x", now=now)
        assert gets(session, ann, now + DAY)


def test_a_pause_can_be_ended_early_and_only_once(database: Database, now: datetime) -> None:
    with database.write() as session:
        ann = join(session, now)
        assert not end_pause(session, ann.id, way="page", now=now)
        pause(session, ann.id, now + DAY, way="page", words="x", now=now)
        assert end_pause(session, ann.id, way="page", now=now)
        assert gets(session, ann, now)
        assert not end_pause(session, ann.id, way="page", now=now)
        pause(session, ann.id, now + DAY, way="page", words="x", now=now)
        assert not end_pause(session, ann.id, way="page", now=now + DAY)
        assert [line.words for line in listing.history(session, ann.id)[1:]] == ["x", "pause ended", "x"]


def test_a_pause_has_an_end_within_a_year_and_needs_somebody_confirmed(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.write() as session:
        ann = join(session, now)
        for until in (now - DAY, now, now + LONGEST + timedelta(seconds=1)):
            with pytest.raises(BadPause, match="a year from now at the latest"):
                pause(session, ann.id, until, way="page", words="x", now=now)
        pause(session, ann.id, now + LONGEST, way="page", words="x", now=now)
        consent.unsubscribe(session, ann.id, None, way="page", stops=Kept(), now=now)
        with pytest.raises(NotConfirmed):
            pause(session, ann.id, now + DAY, way="page", words="x", now=now)
        with pytest.raises(UnknownSubscriber):
            pause(session, 4711, now + DAY, way="page", words="x", now=now)


def test_who_left_and_confirms_anew_has_no_pause_any_more(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        ann = join(session, now)
        pause(session, ann.id, now + 28 * DAY, way="page", words="x", now=now)
        consent.unsubscribe(session, ann.id, None, way="page", stops=Kept(), now=now)
        consent.ask(session, ANN, ("weekly",), hash_of=lambda key: key, language="en", way="form", words="Yes", now=now)
        assert consent.confirm(session, ann.id, ("weekly",), way="page", stops=Kept(), now=now)
        assert gets(session, ann, now)


def test_a_day_begins_by_the_clocks_of_the_site() -> None:
    with pytest.raises(BadPause):
        first_moment(date.max, ZoneInfo("America/New_York"))
    assert first_moment(date(2026, 12, 24), ZoneInfo("America/New_York")).isoformat() == "2026-12-24T00:00:00-05:00"
