"""How fast the outbox is worked off, and what a mail was last refused for. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from syndicate.models import Batch, Delivery, Edition, Letter, Owner


@dataclass(frozen=True)
class Pace:
    """`rate`: mails settled a second lately, by all senders that live. `seconds_left`: how long what is due will take
    at that rate; 0 if nothing is due, None if that cannot be told, as nobody sends."""

    rate: float
    seconds_left: int | None


def pace(session: Session, clock: ColumnElement[float], now: datetime, *, edition_id: int | None = None) -> Pace:
    """The pace of the outbox. With an edition, the time until its mails are through: editions go by their ids, so the
    earlier ones count. What waits for a later try is not due. `clock` is the database's own."""
    rate = session.scalar(select(func.coalesce(func.sum(Owner.rate), 0.0)).where(Owner.lease_until > clock)) or 0.0
    due = _deliveries_due(session, now, edition_id) + _letters_due(session, now)
    if not due:
        return Pace(round(rate, 1), 0)
    return Pace(round(rate, 1), max(1, round(due / rate)) if rate > 0 else None)


def last_trouble(session: Session, *, edition_id: int | None = None) -> str | None:
    """The newest answer that put a mail off or refused it: of one edition, or (None) in the batches that are being
    worked on now. None if there was none."""
    troubled = or_(Delivery.state.in_(("rejected", "expired")), (Delivery.state == "queued") & (Delivery.attempt > 0))
    found = select(Delivery.reply).where(troubled, Delivery.reply.is_not(None))
    if edition_id is None:
        found = found.join(Batch, (Batch.edition_id == Delivery.edition_id) & (Batch.batch == Delivery.batch))
        found = found.where(Batch.owner.is_not(None))
    else:
        found = found.where(Delivery.edition_id == edition_id)
    return session.scalar(found.order_by(Delivery.at.desc()).limit(1))


def _deliveries_due(session: Session, now: datetime, edition_id: int | None) -> int:
    """By the batches' tallies; only in those that somebody works on are deliveries looked at."""
    sending = [Edition.state == "sending", *([Edition.id <= edition_id] if edition_id is not None else [])]
    waits = [Batch.owner.is_(None), Batch.done.is_(False), Batch.next_try_at <= now]
    in_batches = select(func.sum(Batch.queued)).join(Edition, Edition.id == Batch.edition_id).where(*sending, *waits)
    in_hand = (
        select(func.count())
        .select_from(Batch)
        .join(Edition, Edition.id == Batch.edition_id)
        .join(Delivery, (Delivery.edition_id == Batch.edition_id) & (Delivery.batch == Batch.batch))
        .where(*sending, Batch.owner.is_not(None), Delivery.state == "queued")
        .where(or_(Delivery.next_try_at.is_(None), Delivery.next_try_at <= now))
    )
    return int(session.scalar(in_batches) or 0) + int(session.scalar(in_hand) or 0)


def _letters_due(session: Session, now: datetime) -> int:
    due = or_(Letter.next_try_at.is_(None), Letter.next_try_at <= now)
    return session.scalar(select(func.count()).select_from(Letter).where(Letter.state == "queued", due)) or 0
