"""Two editions on one day for the same people: told before the second goes, by the clock of the site."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import newsroom
import people
import pytest
from sqlalchemy import update

from subscribers.models import Subscription
from syndicate.database import Database
from syndicate.editions.lifecycle import Editions
from syndicate.editions.same_day import Neighbour, day_of, goes_at, neighbours

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LETTERS = '\n[[digests]]\nslug = "letters"\nname = "Letters"\nschedule = "thursday 18:00"\nsections = ["letters"]'


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Editions:
    """A site with two digests, and two people who read one of them: `weekly`."""
    desk = newsroom.editions(tmp_path, digest=LETTERS)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 2, FRIDAY)
    newsroom.file(database, FRIDAY, section="letters")
    newsroom.file(database, FRIDAY)
    return desk


def subscribe(database: Database, digest: str, person: int = 1) -> None:
    with database.write() as session:
        session.add(Subscription(subscriber_id=person, digest=digest, state="active", since=FRIDAY))


def found(database: Database, desk: Editions, slug: str, at: datetime, besides: int | None = None) -> list[Neighbour]:
    with database.read() as session:
        return list(neighbours(session, desk.config, slug, at, besides=besides))


def test_an_edition_of_the_day_is_found_if_somebody_gets_both(database: Database, desk: Editions) -> None:
    desk.tick(database, THURSDAY)
    weekly = newsroom.all_editions(database, desk)[0]
    assert weekly.state == "sending"
    assert found(database, desk, "letters", THURSDAY + HOUR) == []  # nobody reads both
    subscribe(database, "letters")
    went = Neighbour(weekly.id, "weekly", THURSDAY, went=True)
    assert found(database, desk, "letters", THURSDAY + HOUR) == [went]
    assert found(database, desk, "weekly", THURSDAY + HOUR) == [went]
    assert found(database, desk, "weekly", THURSDAY + HOUR, besides=weekly.id) == []
    with database.write() as session:  # who reads both leaves one of them
        session.execute(update(Subscription).where(Subscription.digest == "letters").values(state="ended"))
    assert found(database, desk, "letters", THURSDAY + HOUR) == []


def test_the_day_is_that_of_the_site(database: Database, desk: Editions) -> None:
    desk.tick(database, THURSDAY)
    midnight = datetime(2026, 11, 27, 5, 0, tzinfo=UTC)  # 00:00 in New York, and Friday in UTC for five hours
    assert len(found(database, desk, "weekly", midnight - timedelta(seconds=1))) == 1
    assert found(database, desk, "weekly", midnight) == []
    assert found(database, desk, "weekly", THURSDAY - 10 * HOUR) == []
    assert len(found(database, desk, "weekly", THURSDAY - 9 * HOUR)) == 1


@pytest.mark.parametrize(("day", "hours"), [(7, 24), (8, 23)])
def test_a_day_on_which_the_clocks_change_is_whole(day: int, hours: int) -> None:
    begin, end = day_of(ZoneInfo("America/New_York"), datetime(2026, 3, day, 17, 0, tzinfo=UTC))
    assert end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=hours)


def test_what_is_to_go_that_day_counts_and_what_waits_for_somebody_does_not(database: Database, desk: Editions) -> None:
    subscribe(database, "letters")
    at = THURSDAY - HOUR
    manual = desk.draft_now(database, "letters", "key", at)
    desk.approve(database, manual, at)
    assert found(database, desk, "weekly", at) == []  # nobody has said when it goes
    early = desk.draft_next(database, "weekly", at)
    assert found(database, desk, "letters", at) == [Neighbour(early, "weekly", THURSDAY, went=False)]
    assert found(database, desk, "letters", at - DAY) == []
    assert goes_at(desk.config, newsroom.row(database, early), at) == THURSDAY
    assert goes_at(desk.config, newsroom.row(database, manual), at + HOUR) == at + HOUR
    desk.cancel(database, early, at)
    assert found(database, desk, "letters", at) == []


def test_corrections_and_editions_without_readers_do_not_count(database: Database, desk: Editions) -> None:
    newsroom.file(database, FRIDAY, section="letters")
    desk.tick(database, THURSDAY)
    desk.tick(database, THURSDAY + 9 * HOUR)
    letters = next(one for one in newsroom.all_editions(database, desk) if one.slot == "2026-11-26T18:00")
    assert letters.state == "sent"  # to nobody
    subscribe(database, "letters")
    assert [one.digest for one in found(database, desk, "letters", THURSDAY + 10 * HOUR)] == ["weekly"]
    with database.write() as session:
        session.execute(update(newsroom.Edition).where(newsroom.Edition.digest == "weekly").values(kind="correction"))
    assert found(database, desk, "letters", THURSDAY + 10 * HOUR) == []
