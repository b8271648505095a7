"""Erasing a person (GDPR art. 17): what stays is the keyed hash, so that nobody mails them again by mistake."""

from datetime import datetime

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from subscribers import suppression
from subscribers.models import AddressChange, BounceScore, Confirmation, ConsentEvent, Subscriber, Subscription
from subscribers.people import hold
from subscribers.stoplist import Stops


def erase(session: Session, subscriber_id: int, *, stops: Stops, now: datetime) -> Subscriber:
    """Take the address and all that was said out of this subscriber's rows and suppress the keyed hash. The steps of
    the consent stay, without words, source and network. Harmless to repeat. Raises UnknownSubscriber.

    What the house keeps of them elsewhere (deliveries, letters) is not known here: see the caller."""
    subscriber = hold(session, subscriber_id)
    suppression.suppress(session, subscriber.address_hash, address=None, reason="erased", stops=stops, now=now)
    session.flush()
    subscriber.address, subscriber.state = "", "unsubscribed"
    subscriber.confirmed_at = subscriber.paused_until = None
    session.execute(
        update(ConsentEvent)
        .where(ConsentEvent.subscriber_id == subscriber_id)
        .values(words=None, source=None, network=None)
    )
    session.execute(delete(Subscription).where(Subscription.subscriber_id == subscriber_id))
    theirs = or_(AddressChange.subscriber_id == subscriber_id, AddressChange.address_hash == subscriber.address_hash)
    session.execute(delete(AddressChange).where(theirs))
    session.execute(delete(BounceScore).where(BounceScore.address_hash == subscriber.address_hash))
    session.execute(
        update(Confirmation)
        .where(Confirmation.address_hash == subscriber.address_hash)
        .values(domain=None, network=None)
    )
    session.flush()
    return subscriber
