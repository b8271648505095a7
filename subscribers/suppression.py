"""Addresses that must never be mailed, by keyed hash, with the reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from subscribers import events
from subscribers.events import Proof
from subscribers.models import BounceScore, Subscriber, Suppression
from subscribers.people import insert
from subscribers.stoplist import Stop, Stops

Reason = Literal["hard-bounce", "by-hand", "complaint", "erased"]
REASONS: tuple[Reason, ...] = get_args(Reason)  # from weakest to strongest
KINDS: Mapping[Reason, events.EventKind] = {
    "hard-bounce": "bounced",
    "by-hand": "suppressed",
    "complaint": "complained",
    "erased": "erased",
}


def suppress(
    session: Session,
    address_hash: str,
    *,
    address: str | None,
    reason: Reason,
    note: str | None = None,
    stops: Stops,
    now: datetime,
) -> bool:
    """Never mail this address again. False if that was known already, for this reason or a stronger one.

    `address` is kept for people to read, but never when the reason is `erased`. A stronger reason replaces a weaker
    one. The subscriber of that address, if there is one, gets a consent event: `bounced`, `complained`, `erased` or
    `suppressed`.
    """
    if reason == "erased":
        address = None
    new = Suppression(address_hash=address_hash, address=address, reason=reason, note=note, at=now)
    known = _held(session, address_hash)
    if known is None and not insert(session, new):
        known = _held(session, address_hash)
    if known is not None:
        if not stronger(reason, known.reason):
            return False
        known.address, known.reason, known.note, known.at = address, reason, note, now
    _tell(session, address_hash, KINDS[reason], Proof(way=reason, source=note), now)
    stops.add(Stop(now, "suppressed", address_hash, reason))
    return True


def lift(session: Session, address_hash: str, *, way: str, stops: Stops, now: datetime) -> bool:
    """Allow mail to this address again, as its consent stands, and forget how often it refused: somebody has looked.
    False if it was not suppressed."""
    known = _held(session, address_hash)
    if known is None:
        return False
    words = f"suppression lifted ({known.reason})"
    session.delete(known)
    session.execute(delete(BounceScore).where(BounceScore.address_hash == address_hash))
    session.flush()
    _tell(session, address_hash, "changed", Proof(way=way, words=words), now)
    stops.add(Stop(now, "lifted", address_hash, ""))
    return True


def is_suppressed(session: Session, address_hash: str) -> bool:
    """Whether this address must not be mailed."""
    return reason_for(session, address_hash) is not None


def reason_for(session: Session, address_hash: str) -> str | None:
    """Why this address must not be mailed, or None if it may be."""
    return session.scalar(select(Suppression.reason).where(Suppression.address_hash == address_hash))


def stronger(reason: Reason, known: str | None) -> bool:
    """Whether this reason replaces what is known of an address, if anything is."""
    return known is None or known not in REASONS or REASONS.index(reason) > REASONS.index(known)


def _held(session: Session, address_hash: str) -> Suppression | None:
    return session.get(Suppression, address_hash, with_for_update=True, populate_existing=True)


def _tell(session: Session, address_hash: str, kind: events.EventKind, proof: Proof, now: datetime) -> None:
    subscriber_id = session.scalar(select(Subscriber.id).where(Subscriber.address_hash == address_hash))
    if subscriber_id is not None:
        events.record(session, subscriber_id, kind=kind, proof=proof, now=now)
