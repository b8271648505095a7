"""Pauses: until a day no newsletter comes, then it comes again by itself. What went out meanwhile is not sent later."""

from datetime import MAXYEAR, date, datetime, time, timedelta, tzinfo

from sqlalchemy.orm import Session

from subscribers import events
from subscribers.errors import SubscriberError
from subscribers.events import Proof
from subscribers.people import hold, hold_confirmed

LONGEST = timedelta(days=366)


class BadPause(SubscriberError):
    """The end of a pause has passed already, or is too far away."""

    status = 2

    def __init__(self) -> None:
        super().__init__("a pause ends tomorrow at the earliest, and a year from now at the latest")


def first_moment(day: date, zone: tzinfo) -> datetime:
    """When `day` begins by the clocks of `zone`: a pause until that day ends there. Raises BadPause in the last year of
    the calendar, where clocks cannot be reckoned with."""
    if day.year == MAXYEAR:
        raise BadPause
    return datetime.combine(day, time(), zone)


def pause(session: Session, subscriber_id: int, until: datetime, *, way: str, words: str, now: datetime) -> None:
    """Let nothing come before `until`; a pause that there was ends then instead. `words` is what the person was shown.

    Raises BadPause unless `until` is to come and within LONGEST, NotConfirmed, and UnknownSubscriber."""
    if not now < until <= now + LONGEST:
        raise BadPause
    hold_confirmed(session, subscriber_id).paused_until = until
    events.record(session, subscriber_id, kind="changed", proof=Proof(way=way, words=words), now=now)
    session.flush()


def end_pause(session: Session, subscriber_id: int, *, way: str, now: datetime) -> bool:
    """Let it come again now. False, with nothing changed, if there is no pause. Raises UnknownSubscriber."""
    subscriber = hold(session, subscriber_id)
    if subscriber.paused_until is None or subscriber.paused_until <= now:
        return False
    subscriber.paused_until = None
    events.record(session, subscriber_id, kind="changed", proof=Proof(way=way, words="pause ended"), now=now)
    session.flush()
    return True
