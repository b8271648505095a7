"""Which slots are due, on ordinary days, in the nights when clocks change, and after the machine was off."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.editions.expiry import expires_at
from syndicate.editions.schedule import MOST_REMEMBERED, Due, due
from syndicate.timetable import parse

NEW_YORK = ZoneInfo("America/New_York")
SEEN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
MINUTE = timedelta(minutes=1)
WEEK = timedelta(weeks=1)


def _due(
    now: datetime,
    *,
    last: datetime | None = None,
    schedule: str = "thursday 09:00",
    late: Literal["send", "hold", "skip"] = "hold",
    zone: ZoneInfo = NEW_YORK,
    seen: datetime = SEEN,
) -> Due:
    return due(
        parse(schedule),
        first_seen_at=seen,
        last_slot_at=last,
        zone=zone,
        now=now,
        late=late,
        late_after=timedelta(hours=6),
    )


def _fates(found: Due) -> list[tuple[str, str]]:
    return [(one.slot.local, one.fate) for one in found.slots]


def test_a_slot_is_due_from_its_minute_on_and_not_a_second_before() -> None:
    assert _due(THURSDAY - timedelta(seconds=1)).slots == ()
    assert _fates(_due(THURSDAY)) == [("2026-11-26T09:00", "make")]
    assert _fates(_due(THURSDAY + timedelta(seconds=59))) == [("2026-11-26T09:00", "make")]


def test_a_slot_decided_is_not_due_again_and_slots_before_the_digest_was_seen_never_are() -> None:
    assert _due(THURSDAY + MINUTE, last=THURSDAY).slots == ()
    assert _due(SEEN + timedelta(days=2)).slots == ()


@pytest.mark.parametrize(("late", "fate"), [("send", "make"), ("hold", "hold"), ("skip", "skip")])
def test_a_slot_later_than_allowed_follows_the_policy(late: Literal["send", "hold", "skip"], fate: str) -> None:
    allowed = THURSDAY + timedelta(hours=6)
    assert _fates(_due(allowed, late=late)) == [("2026-11-26T09:00", "make")]
    [one] = _due(allowed + MINUTE, late=late).slots
    assert one.fate == fate
    assert (one.reason is None) == (fate == "make")


def test_of_several_missed_only_the_newest_is_made_and_the_others_say_so() -> None:
    found = _due(THURSDAY + 2 * WEEK + MINUTE, last=THURSDAY - WEEK)
    assert _fates(found) == [
        ("2026-11-26T09:00", "skip"),
        ("2026-12-03T09:00", "skip"),
        ("2026-12-10T09:00", "make"),
    ]
    assert found.slots[0].reason == "missed; the slot of 2026-12-10T09:00 followed it"


def test_a_changed_schedule_counts_on_from_the_last_slot_decided() -> None:
    # Thursday's was decided; on Friday the schedule became Monday and Thursday, then Wednesday alone.
    friday = THURSDAY + timedelta(days=1)
    assert _due(friday, last=THURSDAY, schedule="mon,thu 07:30").slots == ()
    monday = datetime(2026, 11, 30, 12, 30, tzinfo=UTC)
    assert _fates(_due(monday, last=THURSDAY, schedule="mon,thu 07:30")) == [("2026-11-30T07:30", "make")]
    assert _fates(_due(monday + timedelta(days=2, hours=2), last=THURSDAY, schedule="wednesday 09:00")) == [
        ("2026-12-02T09:00", "make")
    ]


def test_the_clock_going_back_decides_nothing_again() -> None:
    assert _due(THURSDAY - timedelta(hours=3), last=THURSDAY).slots == ()


def test_a_digest_of_each_clipping_has_no_slots() -> None:
    assert _due(THURSDAY, schedule="each").slots == ()


@pytest.mark.parametrize(
    ("schedule", "zone", "local", "at"),
    [
        # Spring, New York: 02:30 does not exist on 8 March 2026; the first minute after the gap is 03:00.
        ("sunday 02:30", "America/New_York", "2026-03-08T03:00", "2026-03-08T07:00"),
        # Autumn: 01:30 comes twice on 1 November 2026; the first is in summer time.
        ("sunday 01:30", "America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
        ("sunday 02:30", "Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("sunday 02:30", "Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
    ],
)
def test_a_week_in_which_clocks_change_has_its_one_slot(schedule: str, zone: str, local: str, at: str) -> None:
    """Ticked through minute by minute, as the scheduler does it."""
    instant = datetime.fromisoformat(f"{at}+00:00")
    now = seen = instant - timedelta(days=5)
    last, made = None, []
    while now < instant + timedelta(days=1):
        # Away from the slot a tick an hour is enough.
        now += MINUTE if abs(now - instant) < timedelta(hours=5) else timedelta(hours=1)
        for one in _due(now, last=last, schedule=schedule, zone=ZoneInfo(zone), seen=seen).slots:
            made.append((one.slot.local, one.slot.at, one.fate))
            last = one.slot.at
            assert now - one.slot.at < MINUTE
    assert made == [(local, instant, "make")]


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 60 * 24 * 3), min_size=1, max_size=12),
    st.sampled_from(["daily 02:30", "mon,thu 07:30", "*/20 1-3 * * *", "monthly 31 09:00"]),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
)
def test_however_ticks_fall_every_slot_is_decided_once_and_in_order(steps: list[int], schedule: str, zone: str) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    now, last, decided = start, None, []
    for step in steps:
        now += step * MINUTE
        found = _due(now, last=last, schedule=schedule, zone=ZoneInfo(zone), seen=start).slots
        assert [one.fate for one in found[:-1]] == ["skip"] * len(found[:-1])
        decided += [one.slot for one in found]
        last = found[-1].slot.at if found else last
    assert decided == list(parse(schedule).between(ZoneInfo(zone), start, now))


def test_years_of_missed_slots_are_bounded() -> None:
    found = _due(SEEN + timedelta(days=1000), schedule="daily 07:30")
    assert len(found.slots) == MOST_REMEMBERED
    assert found.slots[-1].slot.at > SEEN + timedelta(days=998)


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        ("thursday 09:00", THURSDAY, THURSDAY + timedelta(hours=72)),
        ("daily 09:00", THURSDAY, THURSDAY + timedelta(hours=24)),
        ("daily 09:00", THURSDAY - timedelta(minutes=5), THURSDAY + timedelta(hours=5, minutes=55)),
        ("each", THURSDAY, THURSDAY + timedelta(hours=72)),
    ],
)
def test_an_edition_is_tried_until_the_next_or_until_we_give_up(
    schedule: str, start: datetime, expected: datetime
) -> None:
    assert expires_at(parse(schedule), zone=NEW_YORK, start=start, give_up=timedelta(hours=72)) == expected
