"""All that the house keeps of one person, for that person to read (GDPR art. 15 and 20). Reads only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from feeds.dates import rfc3339
from subscribers.errors import UnknownSubscriber
from subscribers.listing import history
from subscribers.models import AddressChange, BounceScore, Confirmation, Subscriber, Subscription, Suppression
from syndicate.models import Delivery, Edition, Letter

Shape = dict[str, Any]


def everything(session: Session, subscriber_id: int) -> Shape:
    """What is stored of this subscriber, as JSON: who they are, what they wish, each step of their consent in its
    words, each mail that was sent or tried. Moments are RFC 3339 in UTC. Raises UnknownSubscriber."""
    person = session.get(Subscriber, subscriber_id)
    if person is None:
        raise UnknownSubscriber(f"there is no subscriber {subscriber_id}")
    return {
        "id": person.id,
        "link_id": person.uid,
        "address": person.address,
        "address_hash": person.address_hash,
        "state": person.state,
        "language": person.language,
        "first_seen": _at(person.created_at),
        "confirmed_at": _at(person.confirmed_at),
        "paused_until": _at(person.paused_until),
        "suppressed": _first(_suppression(session, person)),
        "digests": _wishes(session, person),
        "consent": [_shape(vars(line)) for line in history(session, person.id)],
        "newsletters": _deliveries(session, person),
        "letters": _letters(session, person),
        "confirmation_mail": _confirmations(session, person),
        "address_change": _first(_changes(session, person)),
        "refused_lately": _first(_scores(session, person)),
    }


def _wishes(session: Session, person: Subscriber) -> list[Shape]:
    chosen = select(Subscription.digest, Subscription.state, Subscription.since, Subscription.answer_by)
    return _shapes(session, chosen.where(Subscription.subscriber_id == person.id).order_by(Subscription.digest))


def _deliveries(session: Session, person: Subscriber) -> list[Shape]:
    chosen = (
        select(
            Delivery.edition_id.label("edition"),
            Edition.digest,
            Edition.number,
            Edition.mail_date.label("date"),
            Delivery.address,
            Delivery.state,
            Delivery.attempt.label("attempts"),
            Delivery.at,
            Delivery.code,
            Delivery.reply,
        )
        .join(Edition, Edition.id == Delivery.edition_id)
        .where(Delivery.subscriber_id == person.id)
        .order_by(Delivery.edition_id)
    )
    return _shapes(session, chosen)


def _letters(session: Session, person: Subscriber) -> list[Shape]:
    theirs = or_(Letter.address_hash == person.address_hash, Letter.subscriber_id == person.id)
    chosen = select(
        Letter.kind,
        Letter.asked_at.label("date"),
        Letter.address,
        Letter.language,
        Letter.state,
        Letter.attempt.label("attempts"),
        Letter.at,
        Letter.code,
        Letter.reply,
    )
    return _shapes(session, chosen.where(theirs).order_by(Letter.id))


def _confirmations(session: Session, person: Subscriber) -> list[Shape]:
    chosen = select(Confirmation.at, Confirmation.domain, Confirmation.network)
    return _shapes(session, chosen.where(Confirmation.address_hash == person.address_hash).order_by(Confirmation.id))


def _suppression(session: Session, person: Subscriber) -> list[Shape]:
    chosen = select(Suppression.reason, Suppression.note, Suppression.at, Suppression.address)
    return _shapes(session, chosen.where(Suppression.address_hash == person.address_hash))


def _changes(session: Session, person: Subscriber) -> list[Shape]:
    chosen = select(
        AddressChange.address, AddressChange.asked_at, AddressChange.old_agreed_at, AddressChange.new_agreed_at
    )
    return _shapes(session, chosen.where(AddressChange.subscriber_id == person.id).order_by(AddressChange.id.desc()))


def _scores(session: Session, person: Subscriber) -> list[Shape]:
    chosen = select(BounceScore.score, BounceScore.at)
    return _shapes(session, chosen.where(BounceScore.address_hash == person.address_hash))


def _shapes(session: Session, chosen: Any) -> list[Shape]:
    return [_shape(row) for row in session.execute(chosen).mappings()]


def _first(shapes: Sequence[Shape]) -> Shape | None:
    return shapes[0] if shapes else None


def _shape(row: Mapping[Any, Any]) -> Shape:
    return {str(key): _at(value) if isinstance(value, datetime) else value for key, value in row.items()}


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
