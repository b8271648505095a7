"""The timetable of a digest: the grammar of its schedule, and wall clock to instants. No clock, no database."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from syndicate.errors import UsageError

# Written out, because strftime follows the locale of the process.
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_DAY_NAMES = {name.lower(): n for n, day in enumerate(DAYS) for name in (day, day[:3])} | {"tues": 2, "thurs": 4}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_CRON_PART = re.compile(r"(?P<first>\*|[0-9]{1,2}|[a-z]+)(?:-(?P<last>[0-9]{1,2}|[a-z]+))?(?:/(?P<step>[0-9]{1,2}))?")
_FORMS = '"thursday 09:00", "mon,thu 07:30", "daily 07:30", "monthly 1 09:00", "each" or a five-field cron line'
# Keeps hostile input out of the patterns; a cron line with every field listed in full stays below.
_LONGEST = 600
# Longer than the gap between two leap days in our time; a schedule silent for so long will never speak.
_SILENCE = timedelta(days=5 * 366)
# Beyond it, instants in zones far from Greenwich would leave the range of datetime.
_END_OF_TIME = date(9998, 1, 1)


class BadSchedule(UsageError):
    """The text is not a schedule."""

    def __init__(self, text: str, why: str) -> None:
        shown = text if len(text) <= 60 else text[:57] + "..."
        super().__init__(f"schedule {shown!r}: {why}")


@dataclass(frozen=True, order=True)
class SlotTime:
    """One slot: the minute the clock on the wall shows ("2026-11-26T09:00"), and the instant (aware, UTC)."""

    local: str
    at: datetime


@dataclass(frozen=True)
class Schedule:
    """When a digest is due, as wall times. `each` (every clipping as it is published) has no slots.

    `weekdays` counts from Sunday = 0. With `either`, a day counts when its date or its weekday fits (cron's rule
    when both are given), otherwise when both do. With `clamp`, a date past the end of a month means its last day.
    """

    spoken: str
    times: tuple[time, ...] = ()
    dates: frozenset[int] = frozenset(range(1, 32))
    months: frozenset[int] = frozenset(range(1, 13))
    weekdays: frozenset[int] = frozenset(range(7))
    either: bool = False
    clamp: bool = False
    each: bool = False

    def words(self) -> str:
        """For people: "every Thursday at 09:00"."""
        return self.spoken

    def between(self, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[SlotTime]:
        """The slots with `after` < at <= `until` (both aware), ascending, each once.

        A wall time that the clock skips becomes the first minute after the gap, one that comes twice is taken the
        first time. Ends early once five years have passed without a slot. ValueError for a naive datetime.
        """
        if until.utcoffset() is None:
            raise ValueError("until must be aware")
        for slot in self._slots(zone, after):
            if slot.at > until:
                return
            yield slot

    def coming(self, zone: ZoneInfo, after: datetime, count: int) -> list[SlotTime]:
        """The next `count` slots after `after` (aware); fewer if there are no more within five years."""
        return list(islice(self._slots(zone, after), count))

    def _slots(self, zone: ZoneInfo, after: datetime) -> Iterator[SlotTime]:
        if after.utcoffset() is None:
            raise ValueError("after must be aware")
        # The day before: where midnight comes twice, a wall time of yesterday can still lie ahead.
        day = after.astimezone(zone).date() - timedelta(days=1)
        last, heard = after.astimezone(UTC), day
        while self.times and day - heard <= _SILENCE and day < _END_OF_TIME:
            for wall in self._walls(day):
                slot = on_the_clock(zone, wall)
                if slot.at > last:
                    yield slot
                    last, heard = slot.at, day
            day += timedelta(days=1)

    def _walls(self, day: date) -> Iterator[datetime]:
        if self._fits(day):
            yield from (datetime.combine(day, minute) for minute in self.times)

    def _fits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        date_fits = day.day in self.dates
        if self.clamp and not date_fits:
            end = calendar.monthrange(day.year, day.month)[1]
            date_fits = day.day == end and max(self.dates) > end
        weekday_fits = day.isoweekday() % 7 in self.weekdays
        return (date_fits or weekday_fits) if self.either else (date_fits and weekday_fits)


def on_the_clock(zone: ZoneInfo, wall: datetime) -> SlotTime:
    """The slot of one wall time (naive, whole minutes) in `zone`: the first occurrence, or the gap's end."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        at = _end_of_gap(zone, wall)
    return SlotTime(local=f"{at.astimezone(zone):%Y-%m-%dT%H:%M}", at=at)


def _end_of_gap(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first whole minute that the clock shows after a gap around `wall`, by halving between its two readings."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    behind = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while behind - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(behind - before) // timedelta(seconds=2))
        if middle.astimezone(zone).replace(tzinfo=None) > wall:
            behind = middle
        else:
            before = middle
    # Only gaps of long ago end within a minute (local mean times with seconds).
    return behind + timedelta(seconds=-behind.astimezone(zone).second % 60)


def parse(text: str) -> Schedule:
    """The schedule in `text`: plain words or a five-field cron line, in any case. Raises BadSchedule.

    Cron as in Vixie's: lists, ranges, steps, names; weekday 0 and 7 are Sunday; when neither day field begins with
    a star, a day counts that fits either of them.
    """
    words = re.sub(r" ?, ?", ",", " ".join(text[:_LONGEST].lower().split())).split()
    if len(text) > _LONGEST:
        raise BadSchedule(text, f"it is longer than a schedule; write {_FORMS}")
    match words:
        case ["each"]:
            return Schedule("each clipping as it is published", each=True)
        case ["daily", clock]:
            at = _time(text, clock)
            return Schedule(f"every day at {at:%H:%M}", (at,))
        case ["monthly", day, clock]:
            return _monthly(text, day, _time(text, clock))
        case [days, clock] if re.fullmatch(r"[a-z,-]+", days) and days not in ("each", "monthly"):
            at = _time(text, clock)
            weekdays = _field(text, days, _WEEKDAY)
            return Schedule(f"every {_spoken(weekdays)} at {at:%H:%M}", (at,), weekdays=weekdays)
        case [_, _, _, _, _]:
            return _cron(text, words)
        case _:
            raise BadSchedule(text, f"write {_FORMS}")


def _time(text: str, clock: str) -> time:
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise BadSchedule(text, f"{clock[:20]!r} is not a time of day, write it like 09:00")
    return time(int(found[1]), int(found[2]))


def _monthly(text: str, day: str, at: time) -> Schedule:
    if not re.fullmatch(r"[0-9]{1,2}", day) or not 1 <= int(day) <= 31:
        raise BadSchedule(text, f"{day[:20]!r} is not a day of the month, write 1 to 31")
    short = " (or its last day)" if int(day) > 28 else ""
    spoken = f"on day {int(day)}{short} of every month at {at:%H:%M}"
    return Schedule(spoken, (at,), dates=frozenset({int(day)}), clamp=True)


def _spoken(weekdays: frozenset[int]) -> str:
    # Monday first, as people say it.
    names = [DAYS[n] for n in sorted(weekdays, key=lambda n: n or 7)]
    if len(names) == 7:
        return "day"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]


_MINUTE = _Field("minute", 0, 59, {})
_HOUR = _Field("hour", 0, 23, {})
_DATE = _Field("day of the month", 1, 31, {})
_MONTH = _Field("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, start=1)})
_WEEKDAY = _Field("weekday", 0, 7, _DAY_NAMES)


def _cron(text: str, fields: list[str]) -> Schedule:
    kinds = (_MINUTE, _HOUR, _DATE, _MONTH, _WEEKDAY)
    minutes, hours, dates, months, weekdays = (
        _field(text, written, kind) for written, kind in zip(fields, kinds, strict=True)
    )
    return Schedule(
        f'by the cron line "{" ".join(fields)}"',
        tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        dates=dates,
        months=months,
        weekdays=weekdays,
        either=not (fields[2].startswith("*") or fields[4].startswith("*")),
    )


def _field(text: str, written: str, kind: _Field) -> frozenset[int]:
    """The numbers of one field: a list of `*`, `a`, `a-b`, each with `/step`; `a/step` runs to the field's end."""
    numbers: set[int] = set()
    for part in written.split(","):
        found = _CRON_PART.fullmatch(part)
        if found is None or (part.startswith("*") and found["last"]):
            raise BadSchedule(text, f"{part[:20]!r} is not a {kind.name}; write {_FORMS}")
        step = int(found["step"] or 1)
        if step == 0:
            raise BadSchedule(text, f"{part[:20]!r}: a step is at least 1")
        if found["first"] == "*":
            first, last = kind.low, kind.high - (kind is _WEEKDAY)
        else:
            first = _number(text, found["first"], kind)
            last = _number(text, found["last"], kind) if found["last"] else (kind.high if found["step"] else first)
        if kind is _WEEKDAY and last == 0 < first:
            last = 7  # "fri-sun": the week may end with Sunday as well
        if last < first:
            raise BadSchedule(text, f"{part[:20]!r} runs backwards")
        numbers.update(range(first, last + 1, step))
    return frozenset(number % 7 for number in numbers) if kind is _WEEKDAY else frozenset(numbers)


def _number(text: str, written: str, kind: _Field) -> int:
    number = int(written) if written.isdigit() else kind.names.get(written, -1)
    if not kind.low <= number <= kind.high:
        raise BadSchedule(text, f"{written[:20]!r} is not a {kind.name}; write {_FORMS}")
    return number
