"""Editions that should have started by themselves and did not, because nothing ran: the late policy is for them too."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.editions import snapshot as snapshots
from syndicate.editions.freezing import give_number_back
from syndicate.editions.records import hold
from syndicate.editions.schedule import lateness
from syndicate.models import Edition, EditionItem, Variant
from syndicate.outbox import ranges


def overdue(session: Session, config: Config, *, now: datetime) -> Sequence[int]:
    """The editions that should have gone out by themselves more than `late_after` ago, and did not.

    Measured from the last step that was taken, and never from before the slot: a draft from when it was made, an
    approved one from its approval, one sent by hand from that wish, each with its hold period. What waits for a person
    is not overdue, and an edition of `each` has no slot to miss."""
    if config.sending.late == "send":
        return ()
    return session.scalars(select(Edition.id).where(_overdue(config, now)).order_by(Edition.id)).all()


def set_aside(session: Session, config: Config, edition_id: int, *, now: datetime) -> bool:
    """Hold or skip an overdue edition, as the policy says. False if it is not overdue (any more).

    Its clippings are free: the next edition has them, or this one again, as it was arranged, when a person approves it
    before that. One sent by hand stays as it is, draft or approved, until somebody sends it again or cancels it."""
    hold(session, snapshots.edition(session, edition_id).digest, now=now)
    edition = snapshots.edition(session, edition_id, lock=True)
    if session.scalar(select(Edition.id).where(Edition.id == edition_id, _overdue(config, now))) is None:
        return False
    ranges.abandon(edition)
    if edition.kind == "manual" and edition.started_at:
        _, edition.reason = lateness(now - edition.started_at, "hold", config.sending.late_after)
        edition.started_at = None
        return True
    since = max(edition.approved_at or edition.created_at, edition.slot_at or edition.created_at)
    fate, reason = lateness(now - since, config.sending.late, config.sending.late_after)
    held = select(EditionItem.clipping_id).where(EditionItem.edition_id == edition_id).order_by(EditionItem.position)
    edition.set_aside = list(session.scalars(held)) if fate == "hold" else None
    session.execute(delete(Variant).where(Variant.edition_id == edition_id))
    session.execute(delete(EditionItem).where(EditionItem.edition_id == edition_id))
    edition.approved_at = edition.mail_date = edition.expires_at = edition.started_at = edition.hash = None
    edition.approved_by = None
    edition.state, edition.reason = ("skipped", reason) if fate == "skip" else ("held", reason)
    edition.finished_at = now if fate == "skip" else None
    session.flush()
    give_number_back(session, edition)
    return True


def _overdue(config: Config, now: datetime) -> ColumnElement[bool]:
    in_time = now - config.sending.late_after
    latest = in_time - config.sending.hold_period
    slot = and_(Edition.kind == "scheduled", Edition.slot_at.is_not(None))
    ways = [
        and_(slot, Edition.state == "approved", Edition.approved_at < latest, Edition.slot_at < in_time),
        and_(Edition.kind == "manual", Edition.state.in_(("draft", "approved")), Edition.started_at < latest),
    ]
    if not config.desk.approval:
        draft = and_(Edition.state == "draft", Edition.withdrawn.is_(False))
        ways.append(and_(slot, draft, Edition.created_at < latest, Edition.slot_at < latest))
    return and_(Edition.digest.in_(config.digest_slugs), or_(*ways))
