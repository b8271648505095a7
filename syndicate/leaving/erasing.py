"""Erasing a person everywhere in the house: their rows, and the address in every delivery and letter."""

from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from subscribers import erasing
from subscribers.stoplist import Stops
from syndicate.models import Delivery, Letter


def erase(session: Session, subscriber_id: int, stops: Stops, now: datetime) -> None:
    """Take this person's address, and what servers said of it, out of the database; only the keyed hash stays, so that
    nobody mails them again. The accounts keep their counts. Raises UnknownSubscriber and StopListFault; the caller
    commits. What is on the wire at this moment arrives."""
    subscriber = erasing.erase(session, subscriber_id, stops=stops, now=now)
    session.execute(update(Delivery).where(Delivery.subscriber_id == subscriber_id).values(address="", reply=None))
    theirs = or_(Letter.address_hash == subscriber.address_hash, Letter.subscriber_id == subscriber_id)
    session.execute(update(Letter).where(theirs).values(address="", reply=None, params={}))
