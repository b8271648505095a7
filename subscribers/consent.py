"""How people come and go: ask, confirm, be added with stated consent, leave. Each step appends consent events.

None of these functions sends anything or commits. Whoever leaves, and whoever comes back, is written to the stop list
before the caller commits, so that a database that is put back from a copy learns of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import events, subscriptions, suppression
from subscribers.addresses import Address
from subscribers.errors import HasLeft, Suppressed
from subscribers.events import Proof
from subscribers.models import ConsentEvent, Subscriber
from subscribers.people import AddressHash, hold, meet
from subscribers.stoplist import EVERYTHING, Stop, Stops
from subscribers.subscriptions import Wishes, distinct


@dataclass(frozen=True)
class Asked:
    """Who asked, and whether the address is suppressed: then nothing may be sent, not even a confirmation."""

    subscriber: Subscriber
    suppressed: bool


def ask(
    session: Session,
    address: Address,
    digests: Sequence[str],
    *,
    hash_of: AddressHash,
    language: str,
    way: str,
    words: str,
    source: str | None = None,
    network: str | None = None,
    now: datetime,
) -> Asked:
    """Note that somebody asked for `digests`, shown `words`. Nobody becomes a recipient by it: anybody can type any
    address, so nothing that is active changes, and who left stays away until they confirm.

    A suppressed address is noted as well (limits count what was asked) but wishes for nothing.
    """
    subscriber = meet(session, address, hash_of=hash_of, language=language, now=now)
    suppressed = suppression.is_suppressed(session, subscriber.address_hash)
    if not suppressed:  # who was erased stays nameless, whoever types their address
        subscriber.address = subscriber.address or address.display
    if subscriber.state != "confirmed":
        subscriber.language = language
    wishes = Wishes(session, subscriber)
    proof = Proof(way=way, words=words, source=source, network=network)
    for digest in distinct(digests):
        if not suppressed and wishes.state(digest) != "active":
            wishes.put(digest, "asked", now)
        events.record(session, subscriber.id, kind="asked", digest=digest, proof=proof, now=now)
    session.flush()
    return Asked(subscriber, suppressed)


def confirmable(session: Session, subscriber_id: int, digests: Sequence[str]) -> bool:
    """Whether `confirm` would return True; reads only."""
    address_hash = session.scalar(select(Subscriber.address_hash).where(Subscriber.id == subscriber_id))
    if address_hash is None or suppression.is_suppressed(session, address_hash):
        return False
    states = subscriptions.read_states(session, subscriber_id)
    return any(states.get(digest) in ("asked", "active") for digest in digests)


def confirm(
    session: Session,
    subscriber_id: int,
    digests: Sequence[str],
    *,
    way: str,
    words: str | None = None,
    stops: Stops,
    now: datetime,
) -> bool:
    """Make the asked ones of `digests` active and the subscriber `confirmed`; whoever calls this saw a token that
    reached the address. Harmless to repeat: what is active stays so, what ended since it was asked for stays ended.

    False, with nothing changed, if none of `digests` is asked or active, or the address is suppressed.
    """
    if not confirmable(session, subscriber_id, digests):
        return False
    subscriber = hold(session, subscriber_id)
    wishes = Wishes(session, subscriber)
    asked = [digest for digest in distinct(digests) if wishes.state(digest) == "asked"]
    come_back(session, subscriber, asked, stops=stops, now=now)
    for digest in asked:
        _activate(session, subscriber, wishes, digest, kind="confirmed", proof=Proof(way=way, words=words), now=now)
    session.flush()
    return bool(asked) or any(wishes.state(digest) == "active" for digest in digests)


def add(
    session: Session,
    address: Address,
    digests: Sequence[str],
    *,
    hash_of: AddressHash,
    language: str,
    consent: str,
    way: str,
    now: datetime,
) -> Subscriber:
    """Add somebody whose consent is stated (`consent`: how and when they agreed): a recipient at once.

    What is active already stays as it is, without an event. Raises Suppressed, or HasLeft for somebody who is
    unsubscribed or has left one of `digests`: then nothing has changed.
    """
    reason = suppression.reason_for(session, hash_of(address.key))
    if reason is not None:
        raise Suppressed(address.display, reason)
    subscriber = meet(session, address, hash_of=hash_of, language=language, now=now)
    wishes = Wishes(session, subscriber)
    _refuse_revival(address, subscriber, wishes, digests)
    subscriber.address = subscriber.address or address.display
    for digest in distinct(digests):
        if wishes.state(digest) != "active":
            proof = Proof(way=way, source=consent)
            _activate(session, subscriber, wishes, digest, kind="imported", proof=proof, now=now)
    session.flush()
    return subscriber


def unsubscribe(
    session: Session, subscriber_id: int, digest: str | None, *, way: str, stops: Stops, now: datetime
) -> tuple[str, ...]:
    """End the wish for `digest`, or every wish if None; returns what ended. Harmless to repeat.

    Who has no digest left is `unsubscribed`; leaving everything makes anybody so. Raises UnknownSubscriber, and
    StopListFault if it cannot be made to last.
    """
    subscriber = hold(session, subscriber_id)
    wishes = Wishes(session, subscriber)
    alive = wishes.among("asked", "active")
    ended = alive if digest is None else tuple(slug for slug in alive if slug == digest)
    leave(session, subscriber, wishes, ended, proof=Proof(way=way), stops=stops, now=now)
    if digest is None and (ended or subscriber.state != "unsubscribed"):
        stops.add(Stop(now, "left", subscriber.address_hash, EVERYTHING))
    if digest is None and subscriber.state != "unsubscribed":
        subscriber.state = "unsubscribed"
        events.record(session, subscriber.id, kind="unsubscribed", proof=Proof(way=way), now=now)
    session.flush()
    return ended


def leave(
    session: Session,
    subscriber: Subscriber,
    wishes: Wishes,
    ended: Sequence[str],
    *,
    proof: Proof,
    stops: Stops,
    now: datetime,
) -> None:
    """End these wishes of a held subscriber, with an event each; nothing happens for none."""
    stops.add(*(Stop(now, "left", subscriber.address_hash, digest) for digest in ended))
    for digest in ended:
        wishes.put(digest, "ended", now)
        events.record(session, subscriber.id, kind="unsubscribed", digest=digest, proof=proof, now=now)
    if ended:
        subscriber.state = subscriptions.state_after_leaving(subscriber.state, wishes.states())


def come_back(session: Session, subscriber: Subscriber, digests: Sequence[str], *, stops: Stops, now: datetime) -> None:
    """Tell the stop list of those of `digests` that this subscriber has left before and now wishes for again."""
    left = select(ConsentEvent.digest).where(
        ConsentEvent.subscriber_id == subscriber.id, ConsentEvent.kind == "unsubscribed"
    )
    once = set(session.scalars(left.distinct()))
    again = [digest for digest in digests if digest in once or None in once]
    stops.add(*(Stop(now, "back", subscriber.address_hash, digest) for digest in again))


def _activate(
    session: Session,
    subscriber: Subscriber,
    wishes: Wishes,
    digest: str,
    *,
    kind: events.EventKind,
    proof: Proof,
    now: datetime,
) -> None:
    wishes.put(digest, "active", now)
    if subscriber.state != "confirmed":
        subscriber.state, subscriber.confirmed_at, subscriber.paused_until = "confirmed", now, None
    events.record(session, subscriber.id, kind=kind, digest=digest, proof=proof, now=now)


def _refuse_revival(address: Address, subscriber: Subscriber, wishes: Wishes, digests: Sequence[str]) -> None:
    if subscriber.state == "unsubscribed":
        raise HasLeft(address.display)
    left = tuple(digest for digest in distinct(digests) if wishes.state(digest) == "ended")
    if left:
        raise HasLeft(address.display, left)
