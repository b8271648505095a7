"""Until when the mails of an edition are tried. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syndicate.timetable import Schedule

LEAST = timedelta(hours=6)
"""However soon the next slot comes: a mailbox that asks us to try again later must get its second chance."""


def expires_at(schedule: Schedule, *, zone: ZoneInfo, start: datetime, give_up: timedelta) -> datetime:
    """`start` + `give_up`, or the digest's next slot after `start` if that comes earlier (but not within 6 hours)."""
    coming = schedule.coming(zone, start, 1)
    longest = start + give_up
    return min(longest, max(coming[0].at, start + LEAST)) if coming else longest
