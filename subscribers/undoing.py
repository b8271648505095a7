"""Who left by mistake comes back by one button: for some days, exactly what ended comes again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from subscribers import events, suppression
from subscribers.events import Proof
from subscribers.models import ConsentEvent, Subscriber
from subscribers.people import hold
from subscribers.stoplist import Stop, Stops
from subscribers.subscriptions import Wishes

UNDO = timedelta(days=7)
OWN_WAYS = ("page", "one-click", "mail")
"""The ways in which people leave by themselves. What an editor or the stop list ended stays ended."""


@dataclass(frozen=True)
class Undo:
    """What comes again if the person wants it so, and until when they may say so."""

    digests: tuple[str, ...]
    until: datetime


def undoable(session: Session, subscriber_id: int, digest: str, *, now: datetime) -> Undo | None:
    """All that this subscriber ended in the same step as `digest`, and that came before; None if that is UNDO ago, was
    not of their own doing, or the address may not be mailed. Reads only."""
    subscriber = session.scalar(select(Subscriber).where(Subscriber.id == subscriber_id))
    if subscriber is None or not subscriber.address or suppression.is_suppressed(session, subscriber.address_hash):
        return None
    wishes = Wishes(session, subscriber)
    at = wishes.ended_at(digest)
    if at is None or now >= at + UNDO:
        return None
    step = select(ConsentEvent.id, ConsentEvent.digest).where(
        ConsentEvent.subscriber_id == subscriber_id,
        ConsentEvent.kind == "unsubscribed",
        ConsentEvent.way.in_(OWN_WAYS),
        ConsentEvent.at == at,
    )
    ended = [(event, slug) for event, slug in session.execute(step).tuples() if slug and wishes.ended_at(slug) == at]
    back = tuple(sorted(slug for event, slug in ended if _came(_kinds(session, subscriber_id, slug, before=event))))
    return Undo(back, at + UNDO) if digest in back else None


def undo(
    session: Session, subscriber_id: int, digest: str, *, way: str, words: str, stops: Stops, now: datetime
) -> tuple[str, ...]:
    """Bring back what `undoable` names, with an event each; returns it, () if there is nothing. Raises
    UnknownSubscriber and StopListFault."""
    subscriber = hold(session, subscriber_id)
    found = undoable(session, subscriber_id, digest, now=now)
    if found is None:
        return ()
    stops.add(*(Stop(now, "back", subscriber.address_hash, slug) for slug in found.digests))
    wishes = Wishes(session, subscriber)
    for slug in found.digests:
        wishes.put(slug, "active", now)
        events.record(session, subscriber_id, kind="changed", digest=slug, proof=Proof(way=way, words=words), now=now)
    subscriber.state = "confirmed"
    session.flush()
    return found.digests


def _kinds(session: Session, subscriber_id: int, digest: str, *, before: int) -> Iterable[str]:
    about = or_(
        ConsentEvent.digest == digest,
        and_(ConsentEvent.digest.is_(None), ConsentEvent.kind.in_(("confirmed", "imported"))),
    )
    chosen = select(ConsentEvent.kind).where(
        ConsentEvent.subscriber_id == subscriber_id, ConsentEvent.id < before, about
    )
    return session.scalars(chosen.order_by(ConsentEvent.id))


def _came(kinds: Iterable[str]) -> bool:
    """Whether a digest with these events, in their order, came after the last of them. To ask changes nothing of it."""
    came = False
    for kind in kinds:
        if kind in ("confirmed", "imported", "changed"):
            came = True
        elif kind == "unsubscribed":
            came = False
    return came
