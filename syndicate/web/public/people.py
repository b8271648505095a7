"""The person behind a token, as the pages need them; and the links that only they get."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.addresses import masked
from subscribers.listing import by_uid
from subscribers.models import Subscriber
from syndicate.config import Config
from syndicate.keys import SiteKeys

SAMPLE_WORDS = "This is the sample of a link: it stood in a mail that was sent as a test, and acts on nobody."


@dataclass(frozen=True)
class Person:
    """A subscriber: the address half hidden, the state, the slugs of the digests that come, in which language, until
    when nothing does (None without a pause), and why no mail goes to the address, or None."""

    id: int
    uid: str
    masked: str
    state: str
    active: tuple[str, ...]
    language: str
    paused_until: datetime | None
    suppressed: str | None


def person(session: Session, uid: str, now: datetime) -> Person | None:
    """The subscriber of this uid. None if there is none any more, as for somebody who was erased."""
    found = by_uid(session, uid)
    if found is None or not found.address:
        return None
    paused = found.paused_until if found.paused_until and found.paused_until > now else None
    return Person(
        id=found.id,
        uid=found.uid,
        masked=masked(found.address),
        state=found.state,
        active=found.digests,
        language=found.language,
        paused_until=paused,
        suppressed=found.suppressed,
    )


def uid_of(session: Session, subscriber_id: int | None) -> str | None:
    """The uid of a subscriber, None if there is none."""
    return session.scalar(select(Subscriber.uid).where(Subscriber.id == subscriber_id)) if subscriber_id else None


def digest_names(config: Config, slugs: Sequence[str]) -> tuple[str, ...]:
    """The names of digests; one that the site no longer has is called by its slug."""
    known = {digest.slug: digest.name for digest in config.digests}
    return tuple(known.get(slug, slug) for slug in slugs)


def preferences_path(keys: SiteKeys, uid: str) -> str:
    """The address of somebody's own page."""
    return f"/preferences/{keys.preferences_token(uid)}"
