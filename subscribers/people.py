"""Subscriber rows: found, made once, and held while they change."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from subscribers.addresses import Address
from subscribers.errors import NotConfirmed, UnknownSubscriber
from subscribers.ids import new_uid
from subscribers.models import Base, Subscriber

AddressHash = Callable[[str], str]


def meet(session: Session, address: Address, *, hash_of: AddressHash, language: str, now: datetime) -> Subscriber:
    """The subscriber of this address, held until the transaction ends; a new one is `unconfirmed`. One whose address
    was not kept has none still: whoever lets them come back fills it in.

    Two transactions that meet a new address at once make one subscriber: the second waits and finds the first's.
    """
    address_hash = hash_of(address.key)
    sought = select(Subscriber).where(Subscriber.address_hash == address_hash)
    found = session.scalar(_held(sought))
    if found is not None:
        return found
    new = Subscriber(
        uid=new_uid(),
        address=address.display,
        address_hash=address_hash,
        state="unconfirmed",
        language=language,
        created_at=now,
    )
    if insert(session, new):
        return new
    return session.scalars(_held(sought)).one()


def hold(session: Session, subscriber_id: int) -> Subscriber:
    """The subscriber of this id as it is now, held until the transaction ends. Raises UnknownSubscriber."""
    found = session.scalar(_held(select(Subscriber).where(Subscriber.id == subscriber_id)))
    if found is None:
        raise UnknownSubscriber(f"there is no subscriber {subscriber_id}")
    return found


def hold_confirmed(session: Session, subscriber_id: int) -> Subscriber:
    """The same of somebody who is confirmed. Raises NotConfirmed and UnknownSubscriber."""
    found = hold(session, subscriber_id)
    if found.state != "confirmed":
        raise NotConfirmed(found.state)
    return found


def insert(session: Session, row: Base) -> bool:
    """Insert a row that another transaction may insert too. False: it was there already, and nothing has changed."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


def _held(sought: Select[tuple[Subscriber]]) -> Select[tuple[Subscriber]]:
    # NO KEY UPDATE: freezing an edition refers to thousands of these rows and must not wait for a person's change,
    # nor the person for the freeze. SQLite has one writer at a time and needs no such words.
    return sought.with_for_update(key_share=True).execution_options(populate_existing=True)
