"""The one query that says who may get a mail. Nothing else decides it: who sends asks here, at the freeze and again
just before each mail."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription, Suppression

_Chosen = TypeVar("_Chosen", bound=Select[Any])


def recipients(digest: str) -> Select[tuple[int, str, str]]:
    """Everybody who may get a mail of this digest now: rows of (subscriber_id, address, language), by subscriber_id.

    A recipient is a confirmed subscriber with an active subscription to the digest whose address is not suppressed.
    """
    chosen = select(Subscriber.id.label("subscriber_id"), Subscriber.address, Subscriber.language)
    return _wanting(chosen, digest).order_by(Subscriber.id)


def still_wanted(
    digest: str | ColumnElement[str], subscriber_ids: Sequence[int] | ColumnElement[int]
) -> Select[tuple[int]]:
    """Those of `subscriber_ids` (some hundreds at once) who are still recipients: rows of (subscriber_id,).

    With columns of another statement in place of values, `still_wanted(…).exists()` is a condition there."""
    column = isinstance(subscriber_ids, ColumnElement)
    which = Subscriber.id == subscriber_ids if column else Subscriber.id.in_(subscriber_ids)
    return _wanting(select(Subscriber.id.label("subscriber_id")).where(which), digest).order_by(Subscriber.id)


def count(session: Session, digest: str) -> int:
    """How many recipients the digest has now."""
    return session.scalar(_wanting(select(func.count(Subscriber.id)), digest)) or 0


def _wanting(chosen: _Chosen, digest: str | ColumnElement[str]) -> _Chosen:
    suppressed = exists().where(Suppression.address_hash == Subscriber.address_hash)
    return (
        chosen.join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.digest == digest, Subscription.state == "active")
        .where(Subscriber.state == "confirmed", ~suppressed)
    )
