"""The timetable: a schedule in plain words or cron becomes instants, also in nights when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.timetable import BadSchedule, Schedule, SlotTime, parse

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")
GREENWICH = ZoneInfo("UTC")


def shown(slots: list[SlotTime]) -> list[tuple[str, str]]:
    return [(slot.local, f"{slot.at:%d %H:%M}") for slot in slots]


def locals_of(text: str, zone: ZoneInfo, start: str, count: int) -> list[str]:
    after = datetime.fromisoformat(start).replace(tzinfo=zone)
    return [slot.local for slot in parse(text).coming(zone, after, count)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thursday 09:00", "every Thursday at 09:00"),
        ("  Thu   9:00 ", "every Thursday at 09:00"),
        ("thurs 09:00", "every Thursday at 09:00"),
        ("mon,thu 07:30", "every Monday and Thursday at 07:30"),
        ("thu , mon 07:30", "every Monday and Thursday at 07:30"),
        ("sun,sat,fri 07:30", "every Friday, Saturday and Sunday at 07:30"),
        ("fri-sun 07:30", "every Friday, Saturday and Sunday at 07:30"),
        ("daily 07:30", "every day at 07:30"),
        ("mon-sun 07:30", "every day at 07:30"),
        ("monthly 1 09:00", "on day 1 of every month at 09:00"),
        ("monthly 31 09:00", "on day 31 (or its last day) of every month at 09:00"),
        ("each", "each clipping as it is published"),
        ("0 9 * * THU", 'by the cron line "0 9 * * thu"'),
    ],
)
def test_a_schedule_says_itself_in_words(text: str, words: str) -> None:
    assert parse(text).words() == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "thursday",
        "09:00",
        "thursday 9",
        "thursday 24:00",
        "thursday 09:60",
        "thursday 0900",
        "thursdays 09:00",
        "mon,,thu 07:30",
        "mon, 07:30",
        "4 07:30",
        "* 07:30",
        "sat-mon 07:30",
        "daily",
        "monthly 09:00",
        "monthly 0 09:00",
        "monthly 32 09:00",
        "each 09:00",
        "thursday 09:00 sharp",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * foo *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "*-5 * * * *",
        "1- * * * *",
        "-1 * * * *",
        "1,,2 * * * *",
        "٣ * * * *",
        "mon," * 5000 + "mon 09:00",
    ],
)
def test_what_is_no_schedule_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        parse(text)
    assert refused.value.status == 2
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_week_counts_from_after_and_up_to_until() -> None:
    weekly = parse("thursday 09:00")
    first = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    week = timedelta(days=7)
    slots = list(weekly.between(NEW_YORK, first, first + 2 * week))
    assert slots == [
        SlotTime("2026-12-03T09:00", first + week),
        SlotTime("2026-12-10T09:00", first + 2 * week),
    ]
    assert list(weekly.between(NEW_YORK, first - timedelta(microseconds=1), first)) == [
        SlotTime("2026-11-26T09:00", first)
    ]
    assert list(weekly.between(NEW_YORK, first + week, first)) == []
    # The caller may count in any zone.
    assert list(weekly.between(NEW_YORK, first.astimezone(APIA), (first + 2 * week).astimezone(BERLIN))) == slots


def test_each_has_no_slots() -> None:
    schedule = parse("Each")
    assert schedule.each
    assert schedule.coming(GREENWICH, datetime(2026, 1, 1, tzinfo=UTC), 3) == []
    assert not parse("daily 09:00").each


def test_a_naive_time_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="aware"):
        parse("daily 09:00").coming(GREENWICH, datetime(2026, 1, 1), 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware"):
        list(parse("daily 09:00").between(GREENWICH, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2)))  # noqa: DTZ001


def test_in_the_night_without_a_minute_the_slot_is_the_first_minute_after_the_gap() -> None:
    after = datetime(2026, 3, 7, 12, tzinfo=UTC)
    assert shown(parse("daily 02:30").coming(NEW_YORK, after, 3)) == [
        ("2026-03-08T03:00", "08 07:00"),
        ("2026-03-09T02:30", "09 06:30"),
        ("2026-03-10T02:30", "10 06:30"),
    ]
    assert shown(parse("sunday 02:00").coming(BERLIN, datetime(2026, 3, 28, tzinfo=UTC), 1)) == [
        ("2026-03-29T03:00", "29 01:00")
    ]
    # Half an hour only: 02:00 to 02:30.
    assert shown(parse("daily 02:10").coming(LORD_HOWE, datetime(2026, 10, 3, tzinfo=UTC), 2)) == [
        ("2026-10-04T02:30", "03 15:30"),
        ("2026-10-05T02:10", "04 15:10"),
    ]


def test_minutes_that_fall_together_in_a_gap_are_one_slot() -> None:
    after = datetime(2026, 3, 8, 6, 40, tzinfo=UTC)
    assert shown(parse("*/15 * * * *").coming(NEW_YORK, after, 4)) == [
        ("2026-03-08T01:45", "08 06:45"),
        ("2026-03-08T03:00", "08 07:00"),
        ("2026-03-08T03:15", "08 07:15"),
        ("2026-03-08T03:30", "08 07:30"),
    ]


def test_in_the_night_with_an_hour_twice_only_the_first_counts() -> None:
    after = datetime(2026, 10, 31, 12, tzinfo=UTC)
    assert shown(parse("daily 01:30").coming(NEW_YORK, after, 2)) == [
        ("2026-11-01T01:30", "01 05:30"),
        ("2026-11-02T01:30", "02 06:30"),
    ]
    # Counted from within the second hour, the first is over.
    assert shown(parse("daily 01:30").coming(NEW_YORK, datetime(2026, 11, 1, 6, 10, tzinfo=UTC), 1)) == [
        ("2026-11-02T01:30", "02 06:30")
    ]
    assert shown(parse("sunday 02:59").coming(BERLIN, datetime(2026, 10, 24, tzinfo=UTC), 1)) == [
        ("2026-10-25T02:59", "25 00:59")
    ]
    assert shown(parse("daily 01:45").coming(LORD_HOWE, datetime(2026, 4, 4, tzinfo=UTC), 2)) == [
        ("2026-04-05T01:45", "04 14:45"),
        ("2026-04-06T01:45", "05 15:15"),
    ]


def test_where_midnight_comes_twice_the_slots_stay_in_order() -> None:
    havana = ZoneInfo("America/Havana")
    assert shown(parse("0 0,1,23 * * *").coming(havana, datetime(2026, 11, 1, 2, tzinfo=UTC), 4)) == [
        ("2026-10-31T23:00", "01 03:00"),
        ("2026-11-01T00:00", "01 04:00"),
        ("2026-11-01T01:00", "01 06:00"),
        ("2026-11-01T23:00", "02 04:00"),
    ]


def test_a_day_that_was_left_out_falls_on_the_first_minute_of_the_next() -> None:
    after = datetime(2011, 12, 29, 20, tzinfo=UTC)
    assert shown(parse("daily 07:30").coming(APIA, after, 3)) == [
        ("2011-12-31T00:00", "30 10:00"),
        ("2011-12-31T07:30", "30 17:30"),
        ("2012-01-01T07:30", "31 17:30"),
    ]
    # Both midnights are one minute, hence one slot.
    assert shown(parse("daily 00:00").coming(APIA, after, 2)) == [
        ("2011-12-31T00:00", "30 10:00"),
        ("2012-01-01T00:00", "31 10:00"),
    ]


def test_monthly_means_the_last_day_where_the_month_is_shorter() -> None:
    assert locals_of("monthly 31 09:00", BERLIN, "2027-12-31T09:00", 4) == [
        "2028-01-31T09:00",
        "2028-02-29T09:00",
        "2028-03-31T09:00",
        "2028-04-30T09:00",
    ]
    assert locals_of("monthly 29 09:00", BERLIN, "2027-01-30T00:00", 2) == ["2027-02-28T09:00", "2027-03-29T09:00"]
    assert locals_of("monthly 1 09:00", BERLIN, "2027-01-01T09:00", 2) == ["2027-02-01T09:00", "2027-03-01T09:00"]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 7 * * 1,4", ["2026-11-26T07:30", "2026-11-30T07:30", "2026-12-03T07:30"]),
        ("0 9 * * 0", ["2026-11-29T09:00", "2026-12-06T09:00", "2026-12-13T09:00"]),
        ("0 9 * * 7", ["2026-11-29T09:00", "2026-12-06T09:00", "2026-12-13T09:00"]),
        ("0 9 * * fri-sun", ["2026-11-27T09:00", "2026-11-28T09:00", "2026-11-29T09:00"]),
        ("0 9 * * 5-7", ["2026-11-27T09:00", "2026-11-28T09:00", "2026-11-29T09:00"]),
        ("0 9 1 * *", ["2026-12-01T09:00", "2027-01-01T09:00", "2027-02-01T09:00"]),
        # Both days given: either will do.
        ("0 9 1 * mon", ["2026-11-30T09:00", "2026-12-01T09:00", "2026-12-07T09:00"]),
        ("0 9 31 * *", ["2026-12-31T09:00", "2027-01-31T09:00", "2027-03-31T09:00"]),
        # A star with a step still counts as a star: both must fit.
        ("0 9 */10 * mon", ["2026-12-21T09:00", "2027-01-11T09:00", "2027-02-01T09:00"]),
        ("*/20 8-9 * * *", ["2026-11-25T08:00", "2026-11-25T08:20", "2026-11-25T08:40"]),
        ("50/5 8 * * *", ["2026-11-25T08:50", "2026-11-25T08:55", "2026-11-26T08:50"]),
        ("0 9 1 jan-jul/3 *", ["2027-01-01T09:00", "2027-04-01T09:00", "2027-07-01T09:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
    ],
)
def test_cron_lines_are_read_as_cron_reads_them(cron: str, expected: list[str]) -> None:
    assert locals_of(cron, GREENWICH, "2026-11-25T00:00", 3) == expected


def test_an_impossible_date_ends_instead_of_searching_for_ever() -> None:
    never = parse("0 0 30 2 *")
    assert never.coming(GREENWICH, datetime(2026, 1, 1, tzinfo=UTC), 5) == []
    assert list(never.between(GREENWICH, datetime(2026, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC))) == []


def test_the_end_of_the_calendar_ends_the_slots() -> None:
    assert parse("daily 09:00").coming(APIA, datetime(9998, 6, 1, tzinfo=UTC), 5) == []


ZONES = [
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Europe/Berlin",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
]
SCHEDULES = st.one_of(
    st.builds("daily {:02d}:{:02d}".format, st.integers(0, 3), st.integers(0, 59)),
    st.builds("*/{} 0-3 * * *".format, st.sampled_from([7, 15, 30])),
    st.builds("monthly {} {:02d}:30".format, st.integers(1, 31), st.integers(0, 23)),
    st.builds("sun,mon {:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59)),
)


def exists(zone: ZoneInfo, wall: datetime) -> bool:
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == wall


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), SCHEDULES, st.dates(date(2020, 1, 1), date(2040, 10, 1)))
def test_slots_ascend_once_each_and_show_the_right_minute(name: str, text: str, start: date) -> None:
    zone, schedule = ZoneInfo(name), parse(text)
    after = datetime(start.year, start.month, start.day, tzinfo=UTC)
    until = after + timedelta(days=75)
    slots = list(schedule.between(zone, after, until))
    assert slots, "each of these schedules speaks at least twice in 75 days"
    instants = [slot.at for slot in slots]
    assert instants == sorted(set(instants))
    assert len({slot.local for slot in slots}) == len(slots)
    assert after < instants[0]
    assert instants[-1] <= until
    for slot in slots:
        wall = datetime.fromisoformat(slot.local)
        assert slot.at.astimezone(zone).replace(tzinfo=None, fold=0) == wall
        assert slot.at.astimezone(zone).fold == 0
        if not asked(schedule, wall):
            # Not a minute of the schedule: then the clock has just leapt over one that is.
            leapt = [wall - timedelta(minutes=back) for back in range(1, 121)]
            assert any(asked(schedule, gone) and not exists(zone, gone) for gone in leapt)
            assert not exists(zone, wall - timedelta(minutes=1))
    # Cut anywhere, the two parts are the whole: a slot is decided once.
    cut = instants[len(instants) // 2]
    assert [*schedule.between(zone, after, cut), *schedule.between(zone, cut, until)] == slots
    assert schedule.coming(zone, after, len(slots)) == slots


def asked(schedule: Schedule, wall: datetime) -> bool:
    """By the words alone, without the code under test: does the schedule name this minute?"""
    words = schedule.words()
    clock = f"{wall:%H:%M}"
    if words.startswith("by the cron"):
        step = int(words.split("*/")[1].split(" ")[0])
        return wall.hour <= 3 and wall.minute % step == 0
    if words.startswith("on day"):
        day = int(words.split()[2])
        last = (wall + timedelta(days=1)).day == 1
        return words.endswith(clock) and (wall.day == day or (last and wall.day < day))
    weekday = "day at" in words and (words.startswith("every day") or f"{wall:%A}" in words)
    return weekday and words.endswith(clock)
