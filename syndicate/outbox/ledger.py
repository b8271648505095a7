"""Deliveries in their batches: freezing the recipients of an edition, claiming work, closing the accounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Label, Select, exists, func, or_, select, text, union_all, update
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from subscribers.models import Subscriber, Subscription
from syndicate.models import Batch, Delivery, Edition, EditionItem, Slot
from syndicate.outbox import guard
from syndicate.outbox.jobs import DeliveryJob

UNFINISHED = ("sending", "paused", "incomplete", "cancelled", "held")
"""Editions that may still have deliveries of which something is to be said."""

STATES: Final = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
"""All that can become of a delivery, in the order in which accounts are told."""

# In the very words of the partial indexes of `batch`: with others SQLite does not use them.
_UNCLAIMED = text("batch.owner IS NULL AND NOT batch.done")
_OWNED = text("batch.owner IS NOT NULL")


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
    def gone(self) -> int:
        """How many were taken, or may have been."""
        return self.accepted + self.unknown + self.uncertain

    @property
    def chosen(self) -> int:
        return self.accepted + self.rejected + self.skipped + self.expired + self.unknown + self.uncertain + self.queued


@dataclass(frozen=True)
class ClaimedBatch:
    """A batch that an owner now holds, with the deliveries in it that are due."""

    edition_id: int
    batch: int
    jobs: tuple[DeliveryJob, ...]


def counts(session: Session, edition_id: int) -> Counts:
    """How the deliveries of this edition stand now."""
    return counts_by_edition(session, Batch.edition_id == edition_id).get(edition_id, Counts())


def waiting(session: Session) -> Counts:
    """How the deliveries of all editions stand that may still have some of which something is to be said; those of
    all others were counted to the end."""
    unfinished = select(Edition.id).where(Edition.state.in_(UNFINISHED), Edition.chosen.is_not(None))
    found = counts_by_edition(session, Batch.edition_id.in_(unfinished)).values()
    return Counts(**{state: sum(getattr(one, state) for one in found) for state in STATES})


def counts_by_edition(session: Session, which: ColumnElement[bool]) -> dict[int, Counts]:
    """How the deliveries stand now, by edition; `which` is a condition on `Batch`.

    Batches that nobody owns have it written down; only in the few others are deliveries looked at. One statement, so
    that no batch is counted in both ways or in neither while it changes hands."""
    written = select(Batch.edition_id, *(getattr(Batch, state) for state in STATES)).where(which, Batch.owner.is_(None))
    owned = select(Batch.edition_id, *_counted()).where(which, _OWNED)
    both = union_all(written, owned).subquery()
    sums = [func.sum(both.c[state]).label(state) for state in STATES]
    rows = session.execute(select(both.c.edition_id, *sums).group_by(both.c.edition_id))
    return {row[0]: Counts(*map(int, row[1:])) for row in rows}


def tally(session: Session, edition_id: int, batch: int) -> None:
    """Write down how the deliveries of one batch stand. For whoever changes some of a batch that nobody owns, in the
    same transaction."""
    _write_tallies(session, (Batch.edition_id == edition_id) & (Batch.batch == batch))


def tally_all(session: Session, edition_id: int) -> None:
    """As `tally`, for every batch of an edition."""
    _write_tallies(session, Batch.edition_id == edition_id)


def _write_tallies(session: Session, which: ColumnElement[bool]) -> None:
    counted = {count.key: count for count in _counted()}
    session.execute(update(Batch).where(which).values(counted), execution_options={"synchronize_session": False})


def _counted() -> list[Label[int]]:
    """For each state, how many deliveries of a batch are in it now; looked up by the key of each batch, so that no
    plan of a database can come to read all deliveries of an edition."""
    here = (Delivery.edition_id == Batch.edition_id) & (Delivery.batch == Batch.batch)
    return [
        select(func.count()).where(here, Delivery.state == state).correlate(Batch).scalar_subquery().label(state)
        for state in STATES
    ]


def has_claimable(session: Session, now: datetime) -> bool:
    """Whether a batch waits to be claimed; reads only, so that an idle sender writes nothing."""
    return session.scalar(_claimable(now)) is not None


def claim(session: Session, owner: str, now: datetime) -> ClaimedBatch | None:
    """Give the next due batch of a sending edition to this owner. None if there is none, or while the outbox is held.

    Concurrent owners never get the same batch: the row is locked (PostgreSQL) or the transaction is (SQLite).
    """
    batch = session.scalars(_claimable(now).with_for_update(skip_locked=True, of=Batch)).one_or_none()
    if batch is None:
        return None
    batch.owner = owner
    return ClaimedBatch(batch.edition_id, batch.batch, tuple(_due(session, batch.edition_id, batch.batch, now)))


def _claimable(now: datetime) -> Select[tuple[Batch]]:
    """In the order of their index, so that the first one is found without sorting the others."""
    sending = exists().where(Edition.id == Batch.edition_id, Edition.state == "sending")
    return (
        select(Batch)
        .where(_UNCLAIMED, Batch.next_try_at <= now, sending, guard.not_held())
        .order_by(Batch.edition_id, Batch.batch)
        .limit(1)
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

    What still waits of an edition that was cancelled meanwhile is skipped, and if it turns out that none of its mails
    went, its clippings are free. Closes the edition's accounts if this was the last of its batches."""
    edition = session.get_one(Edition, edition_id, populate_existing=True, with_for_update=True)
    here = (Delivery.edition_id == edition_id) & (Delivery.batch == batch) & (Delivery.state == "queued")
    if edition.state == "cancelled":
        skipped = {"state": "skipped", "next_try_at": None, "reply": "the edition was cancelled", "at": now}
        session.execute(update(Delivery).where(here).values(skipped), execution_options={"synchronize_session": False})
    earliest = session.scalar(select(func.min(func.coalesce(Delivery.next_try_at, now))).where(here))
    session.execute(
        update(Batch)
        .where(Batch.edition_id == edition_id, Batch.batch == batch, Batch.owner == owner)
        .values(owner=None, done=earliest is None, **({"next_try_at": earliest} if earliest else {}))
    )
    tally(session, edition_id, batch)
    if edition.state == "cancelled" and edition.reason is None:  # one that was held has a reason, and keeps them
        _free_items_if_none_went(session, edition_id)
    elif earliest is None:
        close_if_done(session, edition_id, now)


def _free_items_if_none_went(session: Session, edition_id: int) -> None:
    """What was on the wire when the edition was called off counted as gone until its connection told; now it has."""
    stand = counts(session, edition_id)
    on_the_wire = session.scalar(select(exists().where(Slot.edition_id == edition_id)))
    if on_the_wire or stand.accepted + stand.uncertain + stand.unknown:
        return
    session.execute(update(EditionItem).where(EditionItem.edition_id == edition_id).values(claims=False))


def close_if_done(session: Session, edition_id: int, now: datetime) -> bool:
    """End a sending edition of which nothing waits any more: `sent`, or `incomplete` while some are uncertain.

    Finished means that every batch is done and that the counts add up to everybody who was chosen."""
    edition = session.get_one(Edition, edition_id, populate_existing=True, with_for_update=True)
    if edition.state != "sending" or session.scalar(select(_is_open(edition_id))):
        return False
    stand = counts(session, edition_id)
    if stand.queued or stand.chosen != edition.chosen:
        return False
    edition.state = "incomplete" if stand.uncertain else "sent"
    edition.finished_at = edition.finished_at or now
    return True


def unclosed(session: Session) -> Sequence[int]:
    """The editions that are `sending` though none of their batches is open; reads only. See `close_finished`."""
    return session.scalars(
        select(Edition.id).where(Edition.state == "sending", ~_is_open(Edition.id)).order_by(Edition.id)
    ).all()


def close_finished(session: Session, now: datetime) -> list[int]:
    """End every edition of `unclosed`, whatever kept whoever did its last batch from doing so. Returns those ended."""
    found = unclosed(session)
    lock_editions(session, found)
    return [edition_id for edition_id in found if close_if_done(session, edition_id, now)]


def _is_open(edition_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether a batch of this edition is not done: one that nobody owns, or one of the few that somebody does. Asked
    apart, as there is an index for each."""
    here = Batch.edition_id == edition_id
    return exists().where(here, _UNCLAIMED) | exists().where(here, _OWNED, ~Batch.done)
