"""Which slots of a digest are due, and what becomes of each: decided from values alone."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from syndicate.timetable import Schedule, SlotTime

Late = Literal["send", "hold", "skip"]
Fate = Literal["make", "hold", "skip"]
MOST_REMEMBERED = 400
"""Of slots missed in a row, the older beyond this many leave no row: a year of daily ones."""


@dataclass(frozen=True)
class DueSlot:
    """A slot that is to be decided now: `make` an edition, `hold` it for a person, or `skip` it, with the reason."""

    slot: SlotTime
    fate: Fate
    reason: str | None = None


@dataclass(frozen=True)
class Due:
    """The slots to decide, ascending; empty if there is nothing to do."""

    slots: tuple[DueSlot, ...]


def due(
    schedule: Schedule,
    *,
    first_seen_at: datetime,
    last_slot_at: datetime | None,
    zone: ZoneInfo,
    now: datetime,
    late: Late,
    late_after: timedelta,
) -> Due:
    """The slots after the last one decided (after `first_seen_at` when there was none) and up to now.

    Of several, the newest is made unless it is more than `late_after` late: then the policy `late` says. The older
    ones were missed and are skipped. A changed schedule needs no more than this: it counts on from the last slot."""
    after = first_seen_at if last_slot_at is None else max(first_seen_at, last_slot_at)
    slots = deque(schedule.between(zone, after, now), maxlen=MOST_REMEMBERED)
    if not slots:
        return Due(())
    newest = slots.pop()
    missed = (DueSlot(slot, "skip", f"missed; the slot of {newest.local} followed it") for slot in slots)
    return Due((*missed, DueSlot(newest, *lateness(now - newest.at, late, late_after))))


def may_start(*, approved_at: datetime, slot_at: datetime | None, hold_period: timedelta) -> datetime:
    """From when an approved edition may start: after its hold period, and never before its slot."""
    held_until = approved_at + hold_period
    return held_until if slot_at is None else max(held_until, slot_at)


def lateness(behind: timedelta, late: Late, late_after: timedelta) -> tuple[Fate, str | None]:
    """What becomes of an edition that is `behind` its time, and why."""
    if behind <= late_after or late == "send":
        return "make", None
    hours = f"{behind / timedelta(hours=1):.0f} hours late"
    if late == "hold":
        return "hold", f"{hours}: send it after all, or cancel it"
    return "skip", f"missed: {hours}"
