"""Other editions that reach the same people on the same day: two mails a day are one too many for some. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.recipients import anybody_gets_both
from syndicate.config import Config
from syndicate.editions.corrections import KIND as CORRECTION
from syndicate.editions.starting import not_before
from syndicate.models import Edition

_WENT = ("sending", "paused", "sent", "incomplete")


@dataclass(frozen=True)
class Neighbour:
    """Another edition of the same day: its id and digest, and when it went or (not `went`) is to go."""

    edition: int
    digest: str
    at: datetime
    went: bool


def goes_at(config: Config, edition: Edition, now: datetime) -> datetime:
    """When an edition went, or will go if nobody waits any longer than the rules ask. Pure."""
    if edition.chosen is not None and edition.started_at is not None:
        return edition.started_at
    return max(not_before(config, edition) or now, now)


def neighbours(
    session: Session, config: Config, slug: str, at: datetime, *, besides: int | None = None
) -> tuple[Neighbour, ...]:
    """The other editions (`besides` is this one's id) that go or went on the day of `at`, by the site's clock, to some
    who get the digest `slug`: nearest first. Corrections do not count, nor what waits until somebody sends it."""
    begin, end = day_of(config.zone, at)
    shared: dict[str, bool] = {}
    found = []
    for one in _of_day(session, config, begin, end):
        if one.edition == besides:
            continue
        if one.digest not in shared:
            shared[one.digest] = anybody_gets_both(session, slug, one.digest, now=at)
        if shared[one.digest]:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (abs(one.at - at), one.edition)))


def day_of(zone: ZoneInfo, at: datetime) -> tuple[datetime, datetime]:
    """The instants at which the local day of `at` begins and ends. Pure."""
    day = at.astimezone(zone).date()
    begin = datetime.combine(day, time(), tzinfo=zone)
    return begin, datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def _of_day(session: Session, config: Config, begin: datetime, end: datetime) -> Iterator[Neighbour]:
    went = Edition.state.in_(_WENT) & (Edition.chosen > 0) & (Edition.started_at >= begin) & (Edition.started_at < end)
    by_itself = (Edition.kind == "scheduled") | Edition.started_at.is_not(None)
    to_go = Edition.state.in_(("draft", "approved")) & by_itself & Edition.withdrawn.is_(False)
    rows = select(Edition).where(Edition.kind != CORRECTION, went | to_go).order_by(Edition.id)
    for edition in session.scalars(rows):
        if edition.state in _WENT and edition.started_at is not None:
            yield Neighbour(edition.id, edition.digest, edition.started_at, went=True)
            continue
        goes = not_before(config, edition)
        if goes is not None and begin <= goes < end:
            yield Neighbour(edition.id, edition.digest, goes, went=False)
