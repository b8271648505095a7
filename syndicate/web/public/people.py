"""The person behind a token, as the pages need them; and the links that only they get."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """A subscriber: the address half hidden, the state, and the slugs of the digests that come."""

    id: int
    uid: str
    masked: str
    state: str
    active: tuple[str, ...]


def person(session: Session, uid: str) -> Person | None:
    """The subscriber of this uid, None if there is none any more."""
    found = by_uid(session, uid)
    return Person(found.id, found.uid, masked(found.address), found.state, found.digests) if found else None


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
