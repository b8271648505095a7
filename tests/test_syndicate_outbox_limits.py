"""The limits that all processes share: granted <= rate x time + burst, over restarts and wrong clocks."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shifted import ShiftedDatabase
from sqlalchemy import select, update

from syndicate.database import Database
from syndicate.models import DomainPace, RelayRecord
from syndicate.outbox import limits, relays
from syndicate.outbox.limits import Drawn, Limit

NAME = "relay.example.net:25"


@pytest.fixture
def shifted(database_url: str, now: datetime) -> Iterator[ShiftedDatabase]:
    database = ShiftedDatabase(database_url)
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
    with database.read() as session:
        return float(session.execute(select(database.clock())).scalar_one())


def test_a_burst_of_a_second_may_go_at_once_and_then_the_rate(shifted: ShiftedDatabase) -> None:
    limit = Limit(rate=10)
    assert draw(shifted, 50, limit).granted == 10
    dry = draw(shifted, 50, limit)
    assert dry.granted == 0
    assert 0 < dry.wait <= 0.1
    shifted.offset += 0.5
    assert draw(shifted, 3, limit).granted == 3
    assert 2 <= draw(shifted, 50, limit).granted <= 3
    shifted.offset += 3600
    assert draw(shifted, 50, limit).granted == 10, "an idle hour is worth no more than a burst"


def test_a_rate_below_one_a_second_still_lets_one_mail_go_and_says_how_long_the_next_waits(
    shifted: ShiftedDatabase,
) -> None:
    limit = Limit(rate=1 / 60)
    assert draw(shifted, 50, limit).granted == 1
    assert 58 < draw(shifted, 50, limit).wait <= 60
    shifted.offset += 60
    assert draw(shifted, 50, limit).granted == 1


def test_what_is_given_back_may_be_drawn_again_but_is_worth_nothing_later(shifted: ShiftedDatabase) -> None:
    limit = Limit(rate=10, quota=100)

    def give_back(unused: int) -> None:
        with shifted.write() as session:
            limits.give_back(session, NAME, unused, limit)

    assert draw(shifted, 10, limit).granted == 10
    give_back(4)
    assert 4 <= draw(shifted, 10, limit).granted <= 5
    shifted.offset += 5
    give_back(3)
    assert draw(shifted, 50, limit).granted == 10


@pytest.mark.parametrize("rate", [40.0, 400.0])
def test_four_that_draw_at_once_keep_to_the_rate_together(
    database_url: str, shifted: ShiftedDatabase, rate: float
) -> None:
    limit = Limit(rate=rate)
    began = moment(shifted)

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
    seconds = moment(shifted) - began
    assert granted <= rate * seconds + rate * limits.burst(rate) + 1
    assert granted >= rate * 0.5, "they got next to nothing"


def test_an_hour_either_way_of_the_clock_gives_no_more_than_a_burst_and_holds_nobody_longer(
    shifted: ShiftedDatabase,
) -> None:
    limit = Limit(rate=5, quota=1000)
    assert draw(shifted, 50, limit).granted == 5
    shifted.offset -= 3600
    back = draw(shifted, 50, limit)
    assert back.granted == 0, "the bucket was empty, and is"
    assert back.wait <= 1
    shifted.offset += 1
    assert draw(shifted, 50, limit).granted == 5
    shifted.offset += 3600
    assert draw(shifted, 50, limit).granted == 5
    shifted.offset -= 7200
    shifted.offset += 2
    assert draw(shifted, 50, limit).granted == 0, "the first look sets it right"
    shifted.offset += 1
    assert draw(shifted, 50, limit).granted == 5


@settings(max_examples=25)
@given(
    rate=st.sampled_from([0.5, 3.0, 20.0]),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60)), min_size=1, max_size=12),
)
def test_whatever_is_asked_for_and_when_it_is_never_more_than_rate_times_time_and_a_burst(
    model: ShiftedDatabase, rate: float, steps: list[tuple[float, int]]
) -> None:
    with model.write() as session:
        session.execute(update(RelayRecord).values(tat=0.0))
    began, granted = moment(model), 0
    for seconds, want in steps:
        model.offset += seconds
        drawn = draw(model, want, Limit(rate=rate))
        granted += drawn.granted
        assert 0 <= drawn.granted <= want
        assert drawn.granted or 0 < drawn.wait <= limits.burst(rate)
        assert granted <= rate * (moment(model) - began) + rate * limits.burst(rate) + 0.01


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, sqlite_template: object) -> Iterator[ShiftedDatabase]:
    """One database for all examples of a property."""
    path = tmp_path_factory.mktemp("model") / "syndicate.db"
    path.write_bytes(sqlite_template.read_bytes())  # type: ignore[attr-defined]
    database = ShiftedDatabase(f"sqlite:///{path}")
    with database.write() as session:
        relays.enrol(session, NAME, datetime(2026, 11, 24, tzinfo=UTC))
    yield database
    database.close()


def at(database: ShiftedDatabase, text: str) -> None:
    """Set the clock to a moment of UTC."""
    database.offset = 0.0
    database.offset = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - moment(database)


def test_the_daily_quota_holds_for_a_day_of_utc(shifted: ShiftedDatabase) -> None:
    limit = Limit(quota=30)
    at(shifted, "2026-11-24T23:00")
    assert draw(shifted, 20, limit).granted == 20
    assert draw(shifted, 20, limit).granted == 10
    spent = draw(shifted, 20, limit)
    assert (spent.granted, spent.spent) == (0, True)
    assert 3590 < spent.wait <= 3600
    with shifted.write() as session:
        limits.give_back(session, NAME, 2, limit)
    assert draw(shifted, 20, limit).granted == 2
    at(shifted, "2026-11-25T00:00:01")
    assert draw(shifted, 20, limit).granted == 20
    at(shifted, "2026-11-24T23:30")
    assert draw(shifted, 20, limit).granted == 10, "a clock that goes back over midnight gives no second day"
    assert draw(shifted, 20, limit).spent
    at(shifted, "2026-11-22T12:00")
    assert draw(shifted, 20, limit).granted == 20, "a day that cannot be is no day"


def test_a_quota_and_a_rate_hold_both(shifted: ShiftedDatabase) -> None:
    at(shifted, "2026-11-24T12:00")
    limit = Limit(rate=10, quota=12)
    assert draw(shifted, 50, limit).granted == 10
    shifted.offset += 5
    assert draw(shifted, 50, limit).granted == 2
    assert draw(shifted, 50, limit).spent


def test_each_domain_has_a_pace_of_its_own(shifted: ShiftedDatabase) -> None:
    assert pace(shifted, "slow.example", 9, 2).granted == 2
    assert pace(shifted, "slow.example", 9, 2).granted == 0
    assert pace(shifted, "other.example", 9, 2).granted == 2


def test_a_domain_that_asks_for_less_gets_half_and_more_again_with_each_quiet_minute(
    shifted: ShiftedDatabase,
) -> None:
    def slower() -> float:
        with shifted.write() as session:
            return limits.slow_down(session, shifted.clock(), NAME, "slow.example", 8.0)

    assert pace(shifted, "slow.example", 1, 8).rate == 8
    assert [slower(), slower()] == [4, 4], "what is said within a second counts once"
    shifted.offset += 2
    assert slower() == 2
    asked = pace(shifted, "slow.example", 1, 8)
    assert (asked.granted, asked.rate) == (0, 2)
    shifted.offset += 60
    assert pace(shifted, "slow.example", 1, 8).rate == pytest.approx(2.8)
    shifted.offset += 600
    assert pace(shifted, "slow.example", 99, 8).granted == 8
    for _ in range(20):
        shifted.offset += 2
        slower()
    assert slower() == limits.SLOWEST, "never below one a minute"
    with shifted.read() as session:
        assert session.scalars(select(DomainPace.rate)).one() == limits.SLOWEST


def test_a_clock_that_goes_back_does_not_hold_a_domain_up(shifted: ShiftedDatabase) -> None:
    assert pace(shifted, "slow.example", 9, 2).granted == 2
    shifted.offset -= 3600
    assert pace(shifted, "slow.example", 9, 2).wait <= 1
    shifted.offset += 1
    assert pace(shifted, "slow.example", 9, 2).granted == 2
