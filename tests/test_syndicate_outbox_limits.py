"""The limits that all processes share: granted <= rate x time + burst, over restarts and wrong clocks."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shifted import StoppedDatabase
from sqlalchemy import select, update

from syndicate.database import Database
from syndicate.models import DomainPace, RelayRecord
from syndicate.outbox import limits, relays
from syndicate.outbox.limits import Drawn, Limit

NAME = "relay.example.net:25"


@pytest.fixture
def stopped(database_url: str, now: datetime) -> Iterator[StoppedDatabase]:
    database = StoppedDatabase(database_url)
    with database.write() as session:
        relays.enrol(session, NAME, now)
    yield database
    database.close()


def draw(database: Database, want: int, limit: Limit) -> Drawn:
    with database.write() as session:
        return limits.draw(session, database.clock(), NAME, want, limit)


def pace(database: Database, domain: str, want: int, most: float) -> Drawn:
    with database.write() as session:
        return limits.draw_for_domain(session, database.clock(), NAME, domain, want=want, most=most)


def moment(database: Database) -> float:
    """The database's clock."""
    with database.read() as session:
        return float(session.execute(select(database.clock())).scalar_one())


def test_a_burst_of_a_second_may_go_at_once_and_then_the_rate(stopped: StoppedDatabase) -> None:
    limit = Limit(rate=10)
    assert draw(stopped, 50, limit).granted == 10
    dry = draw(stopped, 50, limit)
    assert dry.granted == 0
    assert 0 < dry.wait <= 0.1
    stopped.now += 0.5
    assert draw(stopped, 3, limit).granted == 3
    assert draw(stopped, 50, limit).granted == 2
    stopped.now += 3600
    assert draw(stopped, 50, limit).granted == 10, "an idle hour is worth no more than a burst"


def test_a_rate_below_one_a_second_still_lets_one_mail_go_and_says_how_long_the_next_waits(
    stopped: StoppedDatabase,
) -> None:
    limit = Limit(rate=1 / 60)
    assert draw(stopped, 50, limit).granted == 1
    assert draw(stopped, 50, limit).wait == pytest.approx(60)
    stopped.now += 60
    assert draw(stopped, 50, limit).granted == 1


def test_what_is_given_back_may_be_drawn_again_but_is_worth_nothing_later(stopped: StoppedDatabase) -> None:
    limit = Limit(rate=10, quota=100)

    def give_back(unused: int) -> None:
        with stopped.write() as session:
            limits.give_back(session, NAME, unused, limit)

    assert draw(stopped, 10, limit).granted == 10
    give_back(4)
    assert draw(stopped, 10, limit).granted == 4
    stopped.now += 5
    give_back(3)
    assert draw(stopped, 50, limit).granted == 10


@pytest.mark.parametrize("rate", [20.0, 200.0])
def test_four_that_draw_at_once_keep_to_the_rate_together(
    database_url: str, database: Database, now: datetime, rate: float
) -> None:
    limit = Limit(rate=rate)
    with database.write() as session:
        relays.enrol(session, NAME, now)
    began = moment(database)

    def drawing(_: int) -> int:
        """One process: lines to the database of its own."""
        own, granted, end = Database(database_url), 0, time.monotonic() + 0.6
        while time.monotonic() < end:
            drawn = draw(own, 7, limit)
            granted += drawn.granted
            time.sleep(0.0 if drawn.granted else min(drawn.wait, 0.02))
        own.close()
        return granted

    with ThreadPoolExecutor(4) as pool:
        granted = sum(pool.map(drawing, range(4)))
    seconds = moment(database) - began
    assert 7 <= granted <= rate * seconds + rate * limits.burst(rate) + 0.01


def test_an_hour_either_way_of_the_clock_gives_no_more_than_a_burst_and_holds_nobody_longer(
    stopped: StoppedDatabase,
) -> None:
    limit = Limit(rate=5, quota=1000)
    assert draw(stopped, 50, limit).granted == 5
    stopped.now -= 3600
    back = draw(stopped, 50, limit)
    assert back.granted == 0, "the bucket was empty, and is"
    assert back.wait <= 1
    stopped.now += 1
    assert draw(stopped, 50, limit).granted == 5
    stopped.now += 3600
    assert draw(stopped, 50, limit).granted == 5
    stopped.now -= 7200
    stopped.now += 2
    assert draw(stopped, 50, limit).granted == 0, "the first look sets it right"
    stopped.now += 1
    assert draw(stopped, 50, limit).granted == 5


@settings(max_examples=25)
@given(
    rate=st.sampled_from([0.5, 3.0, 20.0]),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60)), min_size=1, max_size=12),
)
def test_whatever_is_asked_for_and_when_it_is_never_more_than_rate_times_time_and_a_burst(
    model: StoppedDatabase, rate: float, steps: list[tuple[float, int]]
) -> None:
    with model.write() as session:
        session.execute(update(RelayRecord).values(tat=0.0))
    began, granted = model.now, 0
    for seconds, want in steps:
        model.now += seconds
        drawn = draw(model, want, Limit(rate=rate))
        granted += drawn.granted
        assert 0 <= drawn.granted <= want
        assert drawn.granted or 0 < drawn.wait <= limits.burst(rate)
        assert granted <= rate * (model.now - began) + rate * limits.burst(rate) + 0.01


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, sqlite_template: object) -> Iterator[StoppedDatabase]:
    """One database for all examples of a property."""
    path = tmp_path_factory.mktemp("model") / "syndicate.db"
    path.write_bytes(sqlite_template.read_bytes())  # type: ignore[attr-defined]
    database = StoppedDatabase(f"sqlite:///{path}")
    with database.write() as session:
        relays.enrol(session, NAME, datetime(2026, 11, 24, tzinfo=UTC))
    yield database
    database.close()


def at(database: StoppedDatabase, text: str) -> None:
    """Set the clock to a moment of UTC."""
    database.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_the_daily_quota_holds_for_a_day_of_utc(stopped: StoppedDatabase) -> None:
    limit = Limit(quota=30)
    at(stopped, "2026-11-24T23:00")
    assert draw(stopped, 20, limit).granted == 20
    assert draw(stopped, 20, limit).granted == 10
    spent = draw(stopped, 20, limit)
    assert (spent.granted, spent.spent) == (0, True)
    assert spent.wait == 3600
    with stopped.write() as session:
        limits.give_back(session, NAME, 2, limit)
    assert draw(stopped, 20, limit).granted == 2
    at(stopped, "2026-11-25T00:00:01")
    assert draw(stopped, 20, limit).granted == 20
    at(stopped, "2026-11-24T23:30")
    assert draw(stopped, 20, limit).granted == 10, "a clock that goes back over midnight gives no second day"
    assert draw(stopped, 20, limit).spent
    at(stopped, "2026-11-22T12:00")
    assert draw(stopped, 20, limit).granted == 20, "a day that cannot be is no day"


def test_a_quota_and_a_rate_hold_both(stopped: StoppedDatabase) -> None:
    at(stopped, "2026-11-24T12:00")
    limit = Limit(rate=10, quota=12)
    assert draw(stopped, 50, limit).granted == 10
    stopped.now += 5
    assert draw(stopped, 50, limit).granted == 2
    assert draw(stopped, 50, limit).spent


def test_each_domain_has_a_pace_of_its_own(stopped: StoppedDatabase) -> None:
    assert pace(stopped, "slow.example", 9, 2).granted == 2
    assert pace(stopped, "slow.example", 9, 2).granted == 0
    assert pace(stopped, "other.example", 9, 2).granted == 2


def test_a_domain_that_asks_for_less_gets_half_and_more_again_with_each_quiet_minute(
    stopped: StoppedDatabase,
) -> None:
    def slower() -> float:
        with stopped.write() as session:
            return limits.slow_down(session, stopped.clock(), NAME, "slow.example", 8.0)

    assert pace(stopped, "slow.example", 1, 8).rate == 8
    assert [slower(), slower()] == [4, 4], "what is said within a second counts once"
    stopped.now += 2
    assert slower() == 2
    asked = pace(stopped, "slow.example", 1, 8)
    assert (asked.granted, asked.rate) == (0, 2)
    stopped.now += 60
    assert pace(stopped, "slow.example", 1, 8).rate == pytest.approx(2.8)
    stopped.now += 600
    assert pace(stopped, "slow.example", 99, 8).granted == 8
    for _ in range(20):
        stopped.now += 2
        slower()
    assert slower() == limits.SLOWEST, "never below one a minute"
    with stopped.read() as session:
        assert session.scalars(select(DomainPace.rate)).one() == limits.SLOWEST


def test_a_clock_that_goes_back_does_not_hold_a_domain_up(stopped: StoppedDatabase) -> None:
    assert pace(stopped, "slow.example", 9, 2).granted == 2
    stopped.now -= 3600
    assert pace(stopped, "slow.example", 9, 2).wait <= 1
    stopped.now += 1
    assert pace(stopped, "slow.example", 9, 2).granted == 2
