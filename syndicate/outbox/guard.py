"""The guard of the outbox: while it is held nothing is claimed and nothing may go, until a person lets it go on."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import Session

from syndicate.errors import Refused
from syndicate.models import Delivery, Edition, Letter, Outbox, Owner, Slot

RELEASE_STEP = 10**9
"""What a release adds to the counter: more than the commits that any copy of this database can be ahead by, so that
no file that was written before the release makes the outbox held again."""


def held(session: Session) -> str | None:
    """Why the outbox is held; None if it is not. Reads only."""
    return session.scalar(select(Outbox.held_reason).where(Outbox.held_at.is_not(None)))


def not_held() -> ColumnElement[bool]:
    """The same as a condition for a query that looks for work."""
    return ~exists().where(Outbox.held_at.is_not(None))


def require_free(session: Session) -> None:
    """Raise Refused, with the reason and the remedy, while the outbox is held."""
    reason = held(session)
    if reason:
        raise Refused(f"the outbox is held: {reason}; `syndicate outbox release` lets it go on")


def total(session: Session) -> int:
    """The outbox's counter: how many transactions senders have made. Never goes down, except in an older copy."""
    retired = select(func.coalesce(func.sum(Outbox.commits), 0)).scalar_subquery()
    running = select(func.coalesce(func.sum(Owner.beat), 0)).scalar_subquery()
    return int(session.execute(select(retired + running)).scalar_one())


def was_used(session: Session) -> bool:
    """Whether any mail was ever handed over, tried, or is on the wire."""
    tried = or_(exists(select(Slot.n)), exists().where(Letter.attempt > 0), exists().where(Delivery.attempt > 0))
    return session.scalar(select(tried)) is True


def retire_counter(session: Session, owner: str) -> None:
    """Keep what an owner has counted before its row is deleted, in the same transaction."""
    beat = select(Owner.beat).where(Owner.id == owner).scalar_subquery()
    session.execute(update(Outbox).values(commits=Outbox.commits + func.coalesce(beat, 0)))


def hold(session: Session, reason: str, now: datetime) -> None:
    """Stop everything until a person decides: the outbox is held, and every sending edition is held with it.

    One that is held already keeps its first reason. Locks the editions first, by id, as whoever changes deliveries."""
    sending = select(Edition).where(Edition.state == "sending").order_by(Edition.id).with_for_update()
    editions = session.scalars(sending.execution_options(populate_existing=True)).all()
    mark = update(Outbox).where(Outbox.held_at.is_(None)).values(held_at=now, held_reason=reason)
    session.execute(mark, execution_options={"synchronize_session": False})
    why = held(session)
    for edition in editions:
        edition.state, edition.reason = "held", why
    session.flush()


def release(session: Session, now: datetime, *, seen: int = 0) -> list[int]:
    """Let a held outbox go on. Returns the editions that were held with it and are sending again, by id.

    Their mails are tried for as much longer as they were held. Editions that are held for another reason stay so.
    `seen` is what the counter file of this machine says: the counter goes beyond that too, or a second old copy, made
    before an earlier release, would be held again at once. Raises Refused if the outbox is not held."""
    waiting = select(Edition).where(Edition.state == "held", Edition.chosen.is_not(None)).order_by(Edition.id)
    candidates = session.scalars(waiting.with_for_update().execution_options(populate_existing=True)).all()
    outbox = session.scalars(select(Outbox).with_for_update().execution_options(populate_existing=True)).one()
    if outbox.held_at is None:
        raise Refused("the outbox is not held: there is nothing to release")
    back = [edition for edition in candidates if edition.reason == outbox.held_reason]
    for edition in back:
        edition.state, edition.reason = "sending", None
        if edition.expires_at:
            edition.expires_at += max(now, outbox.held_at) - outbox.held_at
    outbox.held_at = outbox.held_reason = None
    outbox.commits += max(0, seen - total(session)) + RELEASE_STEP
    session.flush()
    return [edition.id for edition in back]
