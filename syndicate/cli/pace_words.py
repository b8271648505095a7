"""How fast it goes and how long it takes, in words for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syndicate.app.parts import App
    from syndicate.outbox.pace import Pace

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def pace_of(site: App, edition_id: int | None = None) -> Pace:
    """The pace of the outbox now, or of one edition."""
    from syndicate.outbox.pace import pace

    with site.database.read() as session:
        return pace(session, site.database.clock(), site.clock(), edition_id=edition_id)


def words(pace: Pace) -> str:
    """`41.5 mails a second, about 2 min left`; empty while nothing goes."""
    if not pace.rate:
        return ""
    left = f", about {lasting(pace.seconds_left)} left" if pace.seconds_left else ""
    return f"{pace.rate:g} mails a second{left}"


def lasting(seconds: int) -> str:
    """A stretch of time, as exact as a person wants it: `50 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    if seconds < _DAY:
        return _two(seconds, _HOUR, "h", _MINUTE, "min")
    return _two(seconds, _DAY, "d", _HOUR, "h")


def _two(seconds: int, unit: int, name: str, small: int, small_name: str) -> str:
    whole, rest = divmod(round(seconds / small), unit // small)
    return f"{whole} {name} {rest} {small_name}" if rest else f"{whole} {name}"
