"""The relay's row: one breaker for all processes, one of which may try; a login that was refused; clocks that jump."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shifted import StoppedDatabase
from sqlalchemy import select, update

from syndicate.models import RelayRecord
from syndicate.outbox import relays
from syndicate.outbox.relays import Standing, Trouble

NAME = "relay.example.net:25"


@pytest.fixture
def stopped(database_url: str) -> Iterator[StoppedDatabase]:
    database = StoppedDatabase(database_url)
    yield database
    database.close()


def fail(
    database: StoppedDatabase, now: datetime, me: str = "one", trouble: Trouble = "down", rest: float | None = None
) -> Standing:
    """One failure that `me` met."""
    with database.write() as session:
        clock = database.clock()
        relays.failed(session, clock, NAME, me, trouble=trouble, error="it is away", chance=0.5, now=now, rest=rest)
        return relays.standing(session, clock, NAME, me)


def stand(database: StoppedDatabase, me: str = "one") -> Standing:
    with database.read() as session:
        return relays.standing(session, database.clock(), NAME, me)


def answer(database: StoppedDatabase, now: datetime) -> None:
    with database.write() as session:
        seen = relays.standing(session, database.clock(), NAME, "one")
        relays.answered(session, NAME, seen, now=now)


def probe(database: StoppedDatabase, me: str, seen: Standing) -> bool:
    with database.write() as session:
        return relays.claim_probe(session, database.clock(), NAME, me, seen)


def test_the_rests_grow_with_each_failure_in_a_row_and_an_answer_ends_them(
    stopped: StoppedDatabase, now: datetime
) -> None:
    rests = []
    for _ in range(11):
        found = fail(stopped, now)
        assert (found.state, found.error) == ("down", "it is away")
        rests.append(round(found.rest))
        stopped.now += found.rest + 0.5
    assert rests == [1, 2, 4, 8, 30, 60, 120, 240, 480, 900, 900]
    answer(stopped, now)
    assert stand(stopped) == Standing("ok")
    assert round(fail(stopped, now).rest) == 1


def test_a_relay_that_asks_us_to_slow_down_is_left_alone_for_up_to_ten_minutes(
    stopped: StoppedDatabase, now: datetime
) -> None:
    rests = []
    for _ in range(12):
        found = fail(stopped, now, trouble="busy")
        assert found.state == "busy"
        assert not found.away
        rests.append(round(found.rest))
        stopped.now += found.rest + 0.5
    assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    spent = fail(stopped, now, trouble="spent")
    assert (spent.state, round(spent.rest), spent.away) == ("busy", 3600, True)


@given(st.sampled_from(["down", "busy", "spent"]), st.integers(1, 10_000), st.floats(0, 1))
def test_a_rest_lies_within_a_fifth_either_way_and_never_above_its_bound(
    trouble: Trouble, failures: int, chance: float
) -> None:
    middle = relays.pause(trouble, failures, 0.5)
    assert middle <= {"down": 900, "busy": 600, "spent": 3600}[trouble]
    assert middle * 0.8 - 0.001 <= relays.pause(trouble, failures, chance) <= middle * 1.2 + 0.001


def test_what_fails_together_counts_once_whoever_it_is(stopped: StoppedDatabase, now: datetime) -> None:
    assert fail(stopped, now, "one").failures == 1
    assert fail(stopped, now, "one").failures == 1
    assert fail(stopped, now, "two").failures == 1
    assert (fail(stopped, now, "two", "busy").state, stand(stopped).failures) == ("down", 1)
    spent = fail(stopped, now, "two", "spent")
    assert (spent.failures, spent.state) == (2, "busy"), "a day that is spent is news"
    assert fail(stopped, now, "one", "spent").failures == 2


def test_an_answer_to_a_mail_that_was_on_its_way_does_not_undo_what_was_found_meanwhile(
    stopped: StoppedDatabase, now: datetime
) -> None:
    before = stand(stopped)
    found = fail(stopped, now)
    with stopped.write() as session:
        relays.answered(session, NAME, before, now=now)
    assert stand(stopped) == found
    answer(stopped, now)
    assert stand(stopped).fine


def test_one_process_tries_for_all_and_says_how_it_went(stopped: StoppedDatabase, now: datetime) -> None:
    seen = fail(stopped, now)
    assert probe(stopped, "one", seen)
    assert probe(stopped, "one", seen), "another of its connections"
    assert not probe(stopped, "two", seen)
    assert stand(stopped, "two").probed
    assert not stand(stopped, "one").probed
    again = fail(stopped, now, "one")
    assert again.failures == 2, "whoever tries is counted, though the way is closed"
    assert not stand(stopped, "two").probed
    assert not probe(stopped, "two", seen), "the rest has begun anew"
    assert probe(stopped, "two", again)
    answer(stopped, now)
    assert not probe(stopped, "one", again), "there is nothing to try"
    assert not stand(stopped, "one").probed


def test_of_many_that_want_to_try_at_once_one_may(stopped: StoppedDatabase, now: datetime) -> None:
    seen = fail(stopped, now)
    names = [f"owner{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda name: probe(stopped, name, seen), names)) == 1


def test_who_died_while_it_tried_gives_the_way_free_after_a_minute(stopped: StoppedDatabase, now: datetime) -> None:
    seen = fail(stopped, now)
    assert probe(stopped, "dead", seen)
    stopped.now += 59
    assert not probe(stopped, "two", seen)
    stopped.now += 2
    assert not stand(stopped, "two").probed
    assert probe(stopped, "two", seen)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_jumps_holds_nobody_up(stopped: StoppedDatabase, now: datetime, jump: float) -> None:
    seen = fail(stopped, now)
    stopped.now += jump
    assert stand(stopped).rest <= 900 * 1.2
    assert probe(stopped, "dead", seen), "its second was over, by its own clock"
    again = fail(stopped, now, "dead")
    assert (again.failures, round(again.rest)) == (2, 2)
    assert probe(stopped, "dead", again)
    stopped.now -= jump
    assert probe(stopped, "two", again), "a try that was dated by the wrong clock does not hold the way"


def test_a_refused_login_stays_refused_until_it_is_another(stopped: StoppedDatabase, now: datetime) -> None:
    with stopped.write() as session:
        relays.stopped(session, NAME, error="refuses the login", login="a" * 32, now=now)
    seen = stand(stopped)
    assert (seen.stopped, seen.away, seen.error) == (True, True, "refuses the login")
    with stopped.write() as session:
        relays.answered(session, NAME, seen, now=now)  # over a session that began before
        assert not relays.login_changed(session, NAME, login="a" * 32, now=now)
    assert fail(stopped, now).stopped
    with stopped.write() as session:
        assert relays.login_changed(session, NAME, login="b" * 32, now=now)
    assert stand(stopped).fine
    with stopped.read() as session:
        assert session.scalars(select(RelayRecord.login)).one() is None


def test_a_person_who_has_looked_lets_it_be_tried_at_once(stopped: StoppedDatabase, now: datetime) -> None:
    with stopped.write() as session:
        assert not relays.release(session, NAME, now=now)
    for trouble in ("down", "spent"):
        fail(stopped, now, trouble=trouble)
        with stopped.write() as session:
            assert relays.release(session, NAME, now=now)
        assert stand(stopped) == Standing("unknown")
    fail(stopped, now, trouble="spent")
    with stopped.write() as session:
        relays.reached(session, NAME, now=now)
    assert stand(stopped).state == "busy", "that a session can be had says nothing of the day's quota"
    with stopped.write() as session:
        relays.stopped(session, NAME, error="refuses the login", login="a" * 32, now=now)
        relays.reached(session, NAME, now=now)
    assert stand(stopped).fine


def test_who_waits_is_told_that_the_relay_is_away_while_it_is(stopped: StoppedDatabase, now: datetime) -> None:
    def told(moment: datetime) -> str | None:
        with stopped.read() as session:
            return relays.down_since(session, stopped.clock(), NAME, moment)

    before, after = now - timedelta(seconds=1), now + timedelta(seconds=1)
    assert told(before) is None
    fail(stopped, now)
    assert told(before) is None, "once is not away"
    stopped.now += 2
    fail(stopped, now)
    assert told(before) == told(after) == "it is away"
    stopped.now += 5
    assert told(before) == "it is away"
    assert told(after) is None, "it may be tried, and nobody has since"
    with stopped.write() as session:
        session.execute(update(RelayRecord).values(state="stopped"))
    assert told(after) == "it is away"
    with stopped.write() as session:
        relays.release(session, NAME, now=now)
    assert told(before) is None
