"""Who owns what: sender processes with a lease, and what becomes of the work of one that died."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Select, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from syndicate.database import Bare
from syndicate.models import Batch, Delivery, Edition, Letter, Owner, Slot
from syndicate.outbox import guard
from syndicate.outbox.ledger import lock_editions, release
from syndicate.outbox.prepared import Prepared

Doubt = Literal["hold", "resend"]

_FENCE: Final = Prepared(lambda _: update(Owner).where(Owner.id == bindparam("me")).values(beat=Owner.beat + 1))


@dataclass(frozen=True)
class Recovered:
    """What was found of a dead owner. `held` is the reason if that stops the outbox."""

    owner: str
    uncertain: int
    batches: int
    held: str | None = None


def register(
    session: Session,
    clock: ColumnElement[float],
    owner: str,
    *,
    lease_seconds: float,
    host: str,
    version: str,
    connections: int,
) -> None:
    """Write the row of a new sender process. `clock` is the database's own (`Database.clock()`)."""
    session.execute(
        insert(Owner).values(
            id=owner,
            lease_until=clock + lease_seconds,
            seen=clock,
            rate=0.0,
            beat=0,
            host=host,
            version=version,
            connections=connections,
        )
    )


def renew(session: Session, clock: ColumnElement[float], owner: str, lease_seconds: float, rate: float = 0.0) -> bool:
    """Push the lease out, and say how many mails a second are settled. False: the owner is no owner any more (it was
    recovered) and must not send."""
    values = {"lease_until": clock + lease_seconds, "seen": clock, "rate": rate}
    done = session.execute(update(Owner).where(Owner.id == owner).values(values))
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def fence(work: Session | Bare, owner: str) -> bool:
    """First statement of every ledger transaction: touch the owner's row, which must still be there.

    It also locks the row on PostgreSQL, so that nobody can recover the owner until the commit."""
    return bool(_FENCE.run(work, me=owner).rowcount == 1)


def live(session: Session, clock: ColumnElement[float]) -> Sequence[Owner]:
    """The owners whose lease has not run out."""
    return session.scalars(select(Owner).where(Owner.lease_until > clock).order_by(Owner.id)).all()


def any_dead(session: Session, clock: ColumnElement[float], me: str) -> bool:
    """Whether the lease of some owner besides this one has run out; reads only."""
    return session.scalar(select(Owner.id).where(Owner.id != me, Owner.lease_until <= clock).limit(1)) is not None


def any_other(session: Session, me: str) -> bool:
    """Whether there is an owner row besides this one; reads only."""
    return session.scalar(select(Owner.id).where(Owner.id != me).limit(1)) is not None


def recover_dead(
    session: Session, clock: ColumnElement[float], me: str, *, alone: bool, doubt: Doubt, now: datetime
) -> list[Recovered]:
    """Take over from owners that are dead: those whose lease has run out, or, where an operating system lock proves
    that this is the only one (`alone`, SQLite), all others. Never from `me`, who is alive, however late its lease.

    What their slots name becomes `uncertain` (deliveries; queued again if `doubt` is `resend`) or is queued again
    (letters); their batches and letters are free. An owner with more occupied slots than connections stops the outbox
    (`guard.hold`): doubts of earlier deaths do not count. Two recoverers at once never take the same owner."""
    which = select(Owner.id, Owner.connections).where(Owner.id != me).with_for_update(skip_locked=True)
    if not alone:
        which = which.where(Owner.lease_until <= clock)
    dead = dict(session.execute(which).tuples().all())
    if not dead:
        return []
    overfull = _overfull(session, dead)
    _lock(session, dead, all_sending=bool(overfull))
    found = [retire(session, owner, doubt=doubt, now=now) for owner in dead]
    for reason in overfull.values():
        guard.hold(session, reason, now)
    return [replace(one, held=overfull.get(one.owner)) for one in found]


def _overfull(session: Session, dead: Mapping[str, int]) -> dict[str, str]:
    """The owners with more mails on the wire than they had connections, each with that in words: something wrote
    slots that this program does not write, so what the ledger says cannot be trusted until a person has looked."""
    counted = select(Slot.owner, func.count()).where(Slot.owner.in_(dead)).group_by(Slot.owner)
    return {
        owner: f"a sender that died had {slots} mails on the wire and only {dead[owner]} connections"
        for owner, slots in session.execute(counted.order_by(Slot.owner)).tuples()
        if slots > dead[owner]
    }


def _lock(session: Session, dead: Collection[str], *, all_sending: bool) -> None:
    """All editions that the recovery will change, at once and by id, before anything of them."""
    concerned: ColumnElement[bool] = Edition.id.in_(select(Batch.edition_id).where(Batch.owner.in_(dead)))
    if all_sending:
        concerned = or_(concerned, Edition.state == "sending")
    lock_editions(session, session.scalars(select(Edition.id).where(concerned)).all())


def any_orphans(session: Session) -> bool:
    """Whether a batch or a letter belongs to an owner that is not there; reads only."""
    batches, waiting = _orphans()
    return session.scalar(select(or_(batches.exists(), waiting.exists()))) is True


def free_orphans(session: Session, now: datetime) -> int:
    """Free the batches and letters of owners that are not there: somebody has removed the owner's row by hand, or has
    put the database together from parts. Returns how many batches."""
    batches, waiting = _orphans()
    lost = session.execute(batches.order_by(Batch.edition_id, Batch.batch)).tuples().all()
    lock_editions(session, {edition_id for edition_id, _, _ in lost})
    for edition_id, batch, owner in lost:
        release(session, owner or "", edition_id, batch, now)
    ids = session.scalars(waiting).all()
    session.execute(update(Letter).where(Letter.id.in_(ids)).values(owner=None))
    return len(lost)


def _orphans() -> tuple[Select[tuple[int, int, str | None]], Select[tuple[int]]]:
    there = select(Owner.id)
    batches = select(Batch.edition_id, Batch.batch, Batch.owner)
    batches = batches.where(Batch.owner.is_not(None), Batch.owner.not_in(there))
    waiting = select(Letter.id).where(Letter.state == "queued", Letter.owner.is_not(None), Letter.owner.not_in(there))
    return batches, waiting


def retire(session: Session, owner: str, *, doubt: Doubt, now: datetime) -> Recovered:
    """End an owner: settle its occupied slots as unknown, give back what it held, remove its row (the fence)."""
    slots = session.scalars(select(Slot).where(Slot.owner == owner).order_by(Slot.n)).all()
    held = session.execute(select(Batch.edition_id, Batch.batch).where(Batch.owner == owner)).tuples().all()
    lock_editions(session, {edition_id for edition_id, _ in held})
    uncertain = sum(_settle(session, slot, doubt, now) for slot in slots)
    session.execute(delete(Slot).where(Slot.owner == owner))
    for edition_id, batch in sorted(held):
        release(session, owner, edition_id, batch, now)
    session.execute(update(Letter).where(Letter.owner == owner).values(owner=None))
    guard.retire_counter(session, owner)
    session.execute(delete(Owner).where(Owner.id == owner))
    return Recovered(owner, uncertain, len(held))


def _settle(session: Session, slot: Slot, doubt: Doubt, now: datetime) -> int:
    """Record that nobody knows whether the mail of this slot was accepted."""
    why = "the sender ended while this mail was on the wire: accepted or not, nobody knows"
    if slot.letter_id is not None:
        # A lost confirmation is worse than a second one: letters go again.
        session.execute(
            update(Letter)
            .where(Letter.id == slot.letter_id, Letter.state == "queued")
            .values(attempt=slot.attempt, next_try_at=now, reply=why, at=now)
        )
        return 0
    done = session.execute(
        update(Delivery)
        .where(
            Delivery.edition_id == slot.edition_id,
            Delivery.batch == slot.batch,
            Delivery.seq == slot.seq,
            Delivery.state == "queued",
        )
        .values(
            state="uncertain" if doubt == "hold" else "queued",
            attempt=slot.attempt,
            next_try_at=None,
            code=None,
            reply=why,
            at=now,
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
