"""The one query that says who may get a mail. Nothing else decides it: who sends asks here, at the freeze and again
just before each mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from subscribers.models import Subscriber, Subscription, Suppression

_Chosen = TypeVar("_Chosen", bound=Select[Any])

Moment = datetime | ColumnElement[datetime]


def recipients(digest: str, *, now: datetime, after: int = 0, up_to: int | None = None) -> Select[tuple[int, str, str]]:
    """Everybody who may get a mail of this digest now: rows of (subscriber_id, address, language), by subscriber_id.

    A recipient is a confirmed subscriber with an active subscription to the digest who does not pause, and whose
    address is not suppressed. With bounds only those whose id is greater than `after`, and at most `up_to`.
    """
    chosen = select(Subscriber.id.label("subscriber_id"), Subscriber.address, Subscriber.language)
    for column in (Subscriber.id, Subscription.subscriber_id):  # each database looks up the other by one of them
        if after:
            chosen = chosen.where(column > after)
        if up_to is not None:
            chosen = chosen.where(column <= up_to)
    return _wanting(chosen, digest, now).order_by(Subscriber.id)


def end_of_range(session: Session, digest: str, *, after: int, size: int) -> int | None:
    """The id up to which at most `size` recipients of the digest follow `after`; None if no more than that are left.

    Counted in active subscriptions, which an index holds in order: recipients are among them."""
    active = select(Subscription.subscriber_id).where(
        Subscription.digest == digest, Subscription.state == "active", Subscription.subscriber_id > after
    )
    found = session.scalars(active.order_by(Subscription.subscriber_id).offset(size - 1).limit(2)).all()
    return found[0] if len(found) == 2 else None


def still_wanted(
    digest: str | ColumnElement[str], subscriber_ids: Sequence[int] | ColumnElement[int], *, now: Moment
) -> Select[tuple[int]]:
    """Those of `subscriber_ids` (some hundreds at once) who are still recipients: rows of (subscriber_id,).

    With columns of another statement in place of values, `still_wanted(…).exists()` is a condition there."""
    column = isinstance(subscriber_ids, ColumnElement)
    which = Subscriber.id == subscriber_ids if column else Subscriber.id.in_(subscriber_ids)
    return _wanting(select(Subscriber.id.label("subscriber_id")).where(which), digest, now).order_by(Subscriber.id)


def count(session: Session, digest: str, *, now: datetime) -> int:
    """How many recipients the digest has now."""
    return session.scalar(_wanting(select(func.count(Subscriber.id)), digest, now)) or 0


def anybody_gets_both(session: Session, digest: str, other: str, *, now: datetime) -> bool:
    """Whether some recipient of the digest is one of the other too."""
    also = aliased(Subscription)
    both = exists().where(also.subscriber_id == Subscriber.id, also.digest == other, also.state == "active")
    return session.scalar(_wanting(select(Subscriber.id), digest, now).where(both).limit(1)) is not None


def _wanting(chosen: _Chosen, digest: str | ColumnElement[str], now: Moment) -> _Chosen:
    awake = or_(Subscriber.paused_until.is_(None), Subscriber.paused_until <= now)
    suppressed = exists().where(Suppression.address_hash == Subscriber.address_hash)
    return (
        chosen.join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.digest == digest, Subscription.state == "active")
        .where(Subscriber.state == "confirmed", awake, ~suppressed)
    )
