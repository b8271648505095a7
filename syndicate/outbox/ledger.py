"""Deliveries in their batches: freezing the recipients of an edition, claiming work, closing the accounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription
from subscribers.recipients import recipients
from syndicate.models import Batch, Delivery, Edition
from syndicate.outbox import guard
from syndicate.outbox.jobs import DeliveryJob

BATCH_SIZE = 500


@dataclass(frozen=True)
class Counts:
    """How the deliveries of an edition stand; their sum is everybody who was chosen."""

    accepted: int = 0
    rejected: int = 0
    skipped: int = 0
    expired: int = 0
    unknown: int = 0
    uncertain: int = 0
    queued: int = 0

    @property
    def chosen(self) -> int:
        return self.accepted + self.rejected + self.skipped + self.expired + self.unknown + self.uncertain + self.queued


@dataclass(frozen=True)
class ClaimedBatch:
    """A batch that an owner now holds, with the deliveries in it that are due."""

    edition_id: int
    batch: int
    jobs: tuple[DeliveryJob, ...]


def freeze_recipients(session: Session, edition_id: int, digest: str, now: datetime) -> int:
    """Write a queued delivery for everybody who may get this digest now, in batches. Returns how many."""
    who = recipients(digest).subquery()
    place = func.row_number().over(order_by=who.c.subscriber_id) - 1
    rows = select(
        literal(edition_id),
        place // BATCH_SIZE,
        place % BATCH_SIZE,
        who.c.subscriber_id,
        who.c.address,
        who.c.language,
        literal("queued"),
        literal(0),
    )
    columns = ["edition_id", "batch", "seq", "subscriber_id", "address", "language", "state", "attempt"]
    session.execute(insert(Delivery).from_select(columns, rows, include_defaults=False))
    chosen = session.scalar(select(func.count()).where(Delivery.edition_id == edition_id)) or 0
    batches = [
        {"edition_id": edition_id, "batch": batch, "done": False, "next_try_at": now, "size": size, "queued": size}
        for batch, size in enumerate(_sizes(chosen))
    ]
    if batches:
        session.execute(insert(Batch), batches)
    return chosen


def _sizes(chosen: int) -> list[int]:
    return [min(BATCH_SIZE, chosen - first) for first in range(0, chosen, BATCH_SIZE)]


def counts(session: Session, edition_id: int) -> Counts:
    """How the deliveries of this edition stand now."""
    rows = session.execute(
        select(Delivery.state, func.count()).where(Delivery.edition_id == edition_id).group_by(Delivery.state)
    )
    return Counts(**dict(rows.tuples().all()))


def has_claimable(session: Session, now: datetime) -> bool:
    """Whether a batch waits to be claimed; reads only, so that an idle sender writes nothing."""
    return session.scalar(_claimable(now).limit(1)) is not None


def claim(session: Session, owner: str, now: datetime) -> ClaimedBatch | None:
    """Give the next due batch of a sending edition to this owner. None if there is none, or while the outbox is held.

    Concurrent owners never get the same batch: the row is locked (PostgreSQL) or the transaction is (SQLite).
    """
    batch = session.scalars(
        _claimable(now).order_by(Batch.edition_id, Batch.batch).limit(1).with_for_update(skip_locked=True, of=Batch)
    ).one_or_none()
    if batch is None:
        return None
    batch.owner = owner
    return ClaimedBatch(batch.edition_id, batch.batch, tuple(_due(session, batch.edition_id, batch.batch, now)))


def _claimable(now: datetime) -> Select[tuple[Batch]]:
    return (
        select(Batch)
        .join(Edition, Edition.id == Batch.edition_id)
        .where(Batch.owner.is_(None), Batch.done.is_(False), Batch.next_try_at <= now, Edition.state == "sending")
        .where(guard.not_held())
    )


def _due(session: Session, edition_id: int, batch: int, now: datetime) -> Sequence[DeliveryJob]:
    edition = session.get_one(Edition, edition_id)
    if edition.mail_date is None or edition.expires_at is None:
        raise ValueError(f"edition {edition_id} is sending but was never frozen")
    rows = session.execute(
        select(
            Delivery.seq,
            Delivery.attempt,
            Delivery.subscriber_id,
            Subscriber.uid,
            Delivery.address,
            Delivery.language,
            func.coalesce(Subscription.since, Subscriber.created_at),
        )
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .outerjoin(
            Subscription,
            (Subscription.subscriber_id == Delivery.subscriber_id) & (Subscription.digest == edition.digest),
        )
        .where(Delivery.edition_id == edition_id, Delivery.batch == batch, Delivery.state == "queued")
        .where(or_(Delivery.next_try_at.is_(None), Delivery.next_try_at <= now))
        .order_by(Delivery.seq)
    )
    return [
        DeliveryJob(
            edition_id=edition_id,
            batch=batch,
            seq=seq,
            attempt=attempt,
            subscriber_id=subscriber_id,
            subscriber_uid=uid,
            address=address,
            language=language,
            since=since,
            edition_uid=edition.uid,
            digest=edition.digest,
            mail_date=edition.mail_date,
            expires_at=edition.expires_at,
        )
        for seq, attempt, subscriber_id, uid, address, language, since in rows
    ]


def lock_editions(session: Session, edition_ids: Collection[int]) -> None:
    """Keep everybody else who decides about these editions waiting until the commit (PostgreSQL).

    Whoever changes deliveries locks their edition first, several of them by id: so nobody waits in a circle."""
    session.execute(select(Edition.id).where(Edition.id.in_(edition_ids)).order_by(Edition.id).with_for_update()).all()


def release(session: Session, owner: str, edition_id: int, batch: int, now: datetime) -> None:
    """Take a batch back from its owner: done if nothing in it waits any more, else due at its earliest retry.

    What still waits of an edition that was cancelled meanwhile is skipped. Closes the edition's accounts if this was
    the last of its batches."""
    edition = session.get_one(Edition, edition_id, populate_existing=True, with_for_update=True)
    here = (Delivery.edition_id == edition_id) & (Delivery.batch == batch) & (Delivery.state == "queued")
    if edition.state == "cancelled":
        skipped = {"state": "skipped", "next_try_at": None, "reply": "the edition was cancelled", "at": now}
        session.execute(update(Delivery).where(here).values(skipped), execution_options={"synchronize_session": False})
    waiting, earliest = session.execute(
        select(func.count(), func.min(func.coalesce(Delivery.next_try_at, now))).where(here)
    ).one()
    session.execute(
        update(Batch)
        .where(Batch.edition_id == edition_id, Batch.batch == batch, Batch.owner == owner)
        .values(owner=None, done=waiting == 0, **({"next_try_at": earliest} if waiting else {}))
    )
    if waiting == 0:
        close_if_done(session, edition_id, now)


def close_if_done(session: Session, edition_id: int, now: datetime) -> bool:
    """End a sending edition of which nothing waits any more: `sent`, or `incomplete` while some are uncertain.

    Finished means that every batch is done and that the counts add up to everybody who was chosen."""
    edition = session.get_one(Edition, edition_id, populate_existing=True, with_for_update=True)
    open_batches = session.scalar(
        select(func.count()).select_from(Batch).where(Batch.edition_id == edition_id, Batch.done.is_(False))
    )
    if edition.state != "sending" or open_batches:
        return False
    stand = counts(session, edition_id)
    if stand.queued or stand.chosen != edition.chosen:
        return False
    edition.state = "incomplete" if stand.uncertain else "sent"
    edition.finished_at = now
    return True
