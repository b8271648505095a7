"""Leaving, by the pages: the wish ends, and a letter shows the way back to whoever did not mean it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import consent, people, suppression
from subscribers.models import Subscriber
from subscribers.stoplist import Stops
from subscribers.subscriptions import read_states
from syndicate.models import Letter
from syndicate.outbox import letters

KIND = "goodbye"
BETWEEN = timedelta(days=1)
"""Within this an address gets one goodbye, however often it comes and goes."""


def leave(
    session: Session, subscriber_id: int, digest: str | None, *, way: str, stops: Stops, now: datetime
) -> tuple[str, ...]:
    """End the wish for `digest`, or every wish if None, and file the goodbye in the same transaction; returns what
    ended. Harmless to repeat: where nothing that came has ended there is no letter. Raises UnknownSubscriber and
    StopListFault."""
    came = _active(session, people.hold(session, subscriber_id))
    ended = consent.unsubscribe(session, subscriber_id, digest, way=way, stops=stops, now=now)
    say_goodbye(session, subscriber_id, tuple(slug for slug in ended if slug in came), now=now)
    return ended


def say_goodbye(session: Session, subscriber_id: int, ended: tuple[str, ...], *, now: datetime) -> None:
    """File the goodbye for these digests, if there are any: never to an address that must not be mailed, and one a
    day."""
    person = people.hold(session, subscriber_id)
    if not ended or suppression.is_suppressed(session, person.address_hash):
        return
    lately = select(Letter.id).where(
        Letter.address_hash == person.address_hash, Letter.asked_at > now - BETWEEN, Letter.kind == KIND
    )
    if session.scalar(lately.limit(1)) is not None:
        return
    letters.ask(
        session,
        kind=KIND,
        address=person.address,
        address_hash=person.address_hash,
        subscriber_id=person.id,
        language=person.language,
        params={"digests": list(ended), "subscriber": person.uid},
        now=now,
    )


def _active(session: Session, person: Subscriber) -> tuple[str, ...]:
    return tuple(slug for slug, state in read_states(session, person.id).items() if state == "active")
