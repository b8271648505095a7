"""Which slugs of sections and digests the database uses that the configuration has no more. Reads only."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from subscribers.models import Subscription
from syndicate.config import Config, Fault
from syndicate.models import Clipping, Edition

_LIVE = ("draft", "approved", "sending", "paused", "held")


def vanished(session: Session, config: Config) -> list[Fault]:
    """A fault for each section in which clippings stand, and each digest that people get or that has a live edition,
    but which is not in config.toml."""
    sections = select(Clipping.section, func.count()).group_by(Clipping.section)
    wishes = select(Subscription.digest, func.count()).where(Subscription.state == "active")
    editions = select(Edition.digest, func.count()).where(Edition.state.in_(_LIVE))
    there = {section.slug for section in config.sections}
    digests = {digest.slug for digest in config.digests}
    return [
        *_faults("sections", "clippings stand in it", there, session.execute(sections).tuples()),
        *_faults("digests", "people get it", digests, session.execute(wishes.group_by(Subscription.digest)).tuples()),
        *_faults(
            "digests", "unfinished editions", digests, session.execute(editions.group_by(Edition.digest)).tuples()
        ),
    ]


def _faults(key: str, use: str, there: set[str], used: Iterable[tuple[str, int]]) -> list[Fault]:
    return [
        Fault(None, key, f"the slug {slug!r} is gone, but in use ({count}: {use}): put it back")
        for slug, count in sorted(used)
        if slug not in there
    ]
