"""What refusals say of their addresses: when a batch is given back, those of it are counted."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.bounces import policy
from subscribers.bounces.policy import Kind
from subscribers.models import Subscriber
from subscribers.stoplist import Stops
from syndicate.models import Delivery

WAY = "smtp"

_KINDS: Final[Mapping[str | None, Kind]] = MappingProxyType({"address": "hard", "mailbox": "soft"})
"""All other causes (spam, a rule, the mail itself) say nothing of the reader."""


def count_refusals(session: Session, edition_id: int, batch: int, *, stops: Stops) -> int:
    """Count what was refused in this batch against the addresses; returns how many are suppressed by it. A refusal that
    was counted already is not counted again. The caller commits; raises StopListFault."""
    rows = session.execute(
        select(Subscriber.address_hash, Delivery.cause, Delivery.code, Delivery.at)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.batch == batch,
            Delivery.state == "rejected",
            Delivery.cause.in_(_KINDS),
        )
        .order_by(Delivery.seq)
    )
    return sum(
        policy.refused(session, address_hash, kind=kind, at=at, way=WAY, status=_status(code, cause), stops=stops)
        for address_hash, cause, code, at in rows.tuples().all()
        if at is not None and (kind := _KINDS.get(cause)) is not None
    )


def _status(code: int | None, cause: str | None) -> str:
    """Never the server's own words: they hold the address."""
    return f"{code or 'no code'} ({cause})"
