"""The rules of a digest in sentences, with its next times: an editor sees what will happen, and need not work it out.
Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from syndicate.config import Config, Digest
from syndicate.datelines import Dateline
from syndicate.timetable import DAYS, Schedule, SlotTime, parse

SHOWN: Final = 3
_UNITS: Final = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True)
class Coming:
    """A slot to come: its local minute, its instant and the one at which the choice of clippings closes (aware, UTC),
    and all of it in words."""

    local: str
    at: datetime
    cutoff_at: datetime
    words: str


@dataclass(frozen=True)
class Explained:
    """A digest explained: when it goes, in words; its rules, a sentence each; its next times (none for `each`)."""

    schedule: str
    rules: tuple[str, ...]
    coming: tuple[Coming, ...]


def explain(config: Config, digest: Digest, now: datetime, *, count: int = SHOWN) -> Explained:
    """What this digest does from `now` (aware) on."""
    schedule = parse(digest.schedule)
    slots = schedule.coming(config.zone, now, count)
    return Explained(
        schedule=schedule.words(),
        rules=(
            _when(config, schedule),
            _cutoff(digest, schedule),
            *_limits(digest),
            *_late(config, schedule),
            _approval(config),
            *_early(digest, schedule),
        ),
        coming=tuple(_coming(config, digest, slot) for slot in slots),
    )


def lasting(span: timedelta) -> str:
    """A stretch of time in words: "6 hours", "1 day and 12 hours"."""
    parts = []
    for unit, name in _UNITS:
        number, span = divmod(span, unit)
        if number:
            parts.append(f"{number} {name}{'s' if number > 1 else ''}")
    if span or not parts:
        parts.append(f"{span.seconds} seconds")
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _when(config: Config, schedule: Schedule) -> str:
    if schedule.each:
        return "It sends each clipping by itself, within a minute of its publication."
    gap = "a minute that they skip becomes the first one after it, and of one that comes twice the first counts"
    return f"It goes {schedule.words()}, by the clocks of {config.site.timezone}: {gap}."


def _cutoff(digest: Digest, schedule: Schedule) -> str:
    if schedule.each:
        return f"A clipping older than {lasting(digest.max_age)} does not go any more."
    closes = f"until {lasting(digest.cutoff)} before that minute" if digest.cutoff else "until that minute"
    age = lasting(digest.max_age)
    return f"It takes what was published {closes}, at most {age} old; what comes later waits for the next."


def _limits(digest: Digest) -> tuple[str, ...]:
    if parse(digest.schedule).each:
        return ()
    few = (
        "With nothing new it is skipped."
        if digest.min_items == 1
        else f"With fewer than {digest.min_items} new clippings it is skipped, and they wait."
    )
    return few, f"More than {digest.max_items} are too many: what is beyond waits, and goes first next time."


def _late(config: Config, schedule: Schedule) -> tuple[str, ...]:
    if schedule.each:
        return ()
    late = config.sending.late
    does = {"send": "it goes all the same", "hold": "it is held, and you are asked", "skip": "it is skipped"}[late]
    first = f"More than {lasting(config.sending.late_after)} late, because the machine was off, {does}."
    return first, "Of several slots missed in a row only the newest counts."


def _approval(config: Config) -> str:
    hold = config.sending.hold_period
    mails = f"its first mail goes {lasting(hold)} after that" if hold else "its first mail goes then"
    if config.desk.approval:
        second = "Nothing goes before somebody approves it who did not make it"
        return f"{second}: approved in time, it is frozen for its minute, and {mails}."
    return f"Nobody is asked: it is frozen at its minute, and {mails}."


def _early(digest: Digest, schedule: Schedule) -> tuple[str, ...]:
    if schedule.each:
        return ()
    command = f"`syndicate edition draft {digest.slug} --next`"
    return (f"From that minute of the day before on, {command} makes its draft; what comes after that waits.",)


def _coming(config: Config, digest: Digest, slot: SlotTime) -> Coming:
    there = slot.at.astimezone(config.zone)
    words = f"{_day(there.date())}, {there:%H:%M} {config.site.timezone} ({slot.at.astimezone(UTC):%H:%M} UTC)"
    cutoff_at = slot.at - digest.cutoff
    if digest.cutoff:
        closes = cutoff_at.astimezone(config.zone)
        words += f"; closes {_day(closes.date())}, {closes:%H:%M}"
    return Coming(slot.local, slot.at, cutoff_at, words)


def _day(day: date) -> str:
    return f"{DAYS[day.isoweekday() % 7]} {Dateline.iso(day.isoformat()).display('en')}"
