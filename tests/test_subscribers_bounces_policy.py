"""When an address has refused too often: not at once, not for ever, and never for what is not its fault."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stops import Kept

from subscribers import consent, listing, suppression
from subscribers.addresses import parse
from subscribers.bounces.policy import RULES, Kind, Score, decayed, refused, weigh
from subscribers.stoplist import Stop
from syndicate.database import Database

ALICE = parse("alice@example.org")
HASH = "alice"
DAY = timedelta(days=1)
WEEK = 7 * DAY


def add_alice(database: Database, now: datetime) -> int:
    with database.write() as session:
        return consent.add(
            session,
            ALICE,
            ["weekly"],
            hash_of=lambda _key: HASH,
            language="en",
            consent="on paper",
            way="command",
            now=now,
        ).id


def say(database: Database, kind: Kind, at: datetime, stops: Kept | None = None) -> bool:
    with database.write() as session:
        return refused(
            session,
            HASH,
            kind=kind,
            at=at,
            way="smtp",
            status="550 (address)",
            stops=Kept() if stops is None else stops,
        )


def test_a_score_halves_in_a_month() -> None:
    score = Score(4.0, datetime.fromisoformat("2026-11-25T10:00:00+00:00"))
    assert decayed(score, score.at) == 4.0
    assert decayed(score, score.at + 30 * DAY) == pytest.approx(2.0)
    assert decayed(score, score.at + 60 * DAY) == pytest.approx(1.0)
    assert decayed(score, score.at - DAY) == 4.0


def test_one_hard_refusal_is_not_enough_and_two_weeks_running_are(database: Database, now: datetime) -> None:
    alice, stops = add_alice(database, now), Kept()
    assert not say(database, "hard", now, stops)
    assert stops == []
    assert say(database, "hard", now + WEEK, stops)
    assert stops == [Stop(now + WEEK, "suppressed", HASH, "hard-bounce")]
    with database.read() as session:
        assert suppression.reason_for(session, HASH) == "hard-bounce"
        steps = [(step.kind, step.way, step.source) for step in listing.history(session, alice)]
    assert steps == [
        ("imported", "command", "on paper"),
        ("bounced", "smtp", "550 (address)"),
        ("bounced", "hard-bounce", "550 (address)"),
    ]


def test_the_mails_of_one_day_say_one_thing(database: Database, now: datetime) -> None:
    add_alice(database, now)
    assert [say(database, "hard", now + timedelta(hours=hour)) for hour in range(0, 20, 4)] == [False] * 5
    assert not say(database, "hard", now - WEEK), "what is older than what was counted is not counted"
    assert say(database, "hard", now + DAY)


def test_two_hard_refusals_half_a_year_apart_are_not_enough(database: Database, now: datetime) -> None:
    add_alice(database, now)
    assert not say(database, "hard", now)
    assert not say(database, "hard", now + 180 * DAY)


def test_a_mailbox_that_stays_full_is_given_up_after_two_months(database: Database, now: datetime) -> None:
    add_alice(database, now)
    said = [say(database, "soft", now + week * WEEK) for week in range(12)]
    assert said.index(True) == 8


def test_an_address_that_somebody_allows_again_begins_anew(database: Database, now: datetime) -> None:
    add_alice(database, now)
    assert [say(database, "hard", now + days * DAY) for days in (0, 7)] == [False, True]
    with database.write() as session:
        assert suppression.lift(session, HASH, way="command", stops=Kept(), now=now + 8 * DAY)
    assert [say(database, "hard", now + days * DAY) for days in (14, 21)] == [False, True]


def test_an_address_without_a_subscriber_can_be_counted_too(database: Database, now: datetime) -> None:
    assert not say(database, "hard", now)
    assert say(database, "hard", now + DAY)


@given(
    kinds=st.lists(st.tuples(st.sampled_from(["hard", "soft"]), st.integers(min_value=0, max_value=60)), max_size=40)
)
def test_a_score_is_never_larger_than_what_was_said_and_the_same_moment_counts_once(
    kinds: list[tuple[Kind, int]],
) -> None:
    at, score, said = datetime.fromisoformat("2026-11-25T10:00:00+00:00"), None, 0.0
    for kind, days in kinds:
        at += days * DAY
        after = weigh(score, kind, at)
        if after is None:
            assert days == 0
            continue
        said += RULES.hard if kind == "hard" else RULES.soft
        assert weigh(after, kind, at) is None
        assert 0 < after.value <= said
        score = after
