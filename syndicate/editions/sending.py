"""What is done to an edition once its content is frozen: pause, resume, cancel, withdraw. Every step is one
transaction. Its start is in `starting`."""

from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.editions import snapshot as snapshots
from syndicate.editions.expiry import expires_at
from syndicate.editions.freezing import drop_unpublished, give_number_back, has_items, intact
from syndicate.editions.records import hold
from syndicate.errors import Refused
from syndicate.models import Batch, Delivery, Edition, EditionItem, Slot, Variant
from syndicate.outbox import guard, ranges
from syndicate.outbox.ledger import close_if_done, counts, tally_all
from syndicate.timetable import parse

_WITHDRAWN = "withdrawn: approve it again, or cancel it"


def pause(session: Session, edition_id: int, *, now: datetime, reason: str | None = None) -> int:
    """Stop a sending edition; mails already on the wire are finished. Returns how many mails had gone or may have
    gone. Raises NotFound, Refused."""
    edition = locked(session, edition_id, now=now)
    if edition.state != "sending":
        raise Refused(f"edition {edition_id} is {edition.state}: only one that is sending can be paused")
    edition.state, edition.reason = "paused", reason
    session.flush()
    return _gone(session, edition_id)


def resume(session: Session, config: Config, edition_id: int, *, now: datetime) -> str:
    """Let a paused edition go on. Returns its state: `sending`, or the end if nothing was left. Raises NotFound,
    Refused (also while the outbox is held)."""
    edition = locked(session, edition_id, now=now)
    guard.require_free(session)
    if edition.state != "paused":
        raise Refused(f"edition {edition_id} is {edition.state}: only a paused one can be resumed")
    if not intact(session, edition):
        raise Refused(
            f"what is stored of edition {edition_id} is not what was approved: cancel it, or restore a backup"
        )
    edition.state, edition.reason = "sending", None
    extend(config, edition, now=now)
    session.flush()
    close_if_done(session, edition_id, now)  # its last batch may have ended while it was paused
    session.flush()
    return edition.state


def cancel(session: Session, edition_id: int, *, now: datetime) -> int:
    """Call an edition off; what waits of it is skipped. Returns how many mails had gone or may have gone.

    Only if none had does it give its clippings (and the newest its number) back to the digest; otherwise they stay
    with it, and nobody gets them twice. So they do while the outbox is held: nobody knows then what had gone. One that
    had ended before, and was taken up again, ends again as what it is: it was mailed, and stays in the lists. Raises
    NotFound, Refused for an edition that has ended."""
    edition = locked(session, edition_id, now=now)
    if edition.state not in ("draft", "approved", "held", "sending", "paused"):
        raise Refused(f"edition {edition_id} is {edition.state}: there is nothing left to cancel")
    gone = _gone(session, edition_id)
    ranges.abandon(edition)
    if edition.chosen is not None:
        _skip_what_waits(session, edition_id, now=now)
    if edition.finished_at is not None:
        # What is on the wire is finished; if it is put off, its time is over.
        edition.state, edition.reason, edition.expires_at = "sending", None, now
        session.flush()
        close_if_done(session, edition_id, now)
        return gone
    edition.state, edition.finished_at = "cancelled", now
    if guard.held(session):
        edition.reason = edition.reason or "called off while the outbox was held"
    elif not gone:
        session.execute(update(EditionItem).where(EditionItem.edition_id == edition_id).values(claims=False))
        session.flush()
        give_number_back(session, edition)
    session.flush()
    return gone


def withdraw(session: Session, edition_id: int, *, now: datetime) -> None:
    """Take back the approval of an edition before its first mail: it is a draft that waits for a person, and that the
    tick leaves alone. Raises NotFound, Refused."""
    edition = locked(session, edition_id, now=now)
    if edition.state != "approved":
        more = f": `syndicate edition cancel {edition_id}` stops it" if edition.state in ("sending", "paused") else ""
        raise Refused(f"edition {edition_id} is {edition.state}: only an approved one can be withdrawn{more}")
    withdraw_approval(session, edition, reason=_WITHDRAWN)
    edition.withdrawn = True
    session.flush()


def withdraw_approval(session: Session, edition: Edition, *, reason: str) -> None:
    """An approved edition is a draft again, without the items that are not published any more; with none left the next
    freeze skips it. Whoever wanted it sent must say so again. Its number waits for that freeze, if it is to come."""
    session.execute(delete(Variant).where(Variant.edition_id == edition.id))
    edition.state, edition.reason = "draft", reason
    edition.approved_at = edition.mail_date = edition.expires_at = edition.started_at = None
    edition.hash = edition.approved_by = None
    ranges.abandon(edition)
    drop_unpublished(session, edition)
    session.flush()
    if not has_items(session, edition):
        give_number_back(session, edition)  # nothing of it will appear: the next edition may have the number at once
    session.flush()


def locked(session: Session, edition_id: int, *, now: datetime) -> Edition:
    """The edition, kept from everybody else who decides about it; the digest's record is always taken first. Raises
    NotFound."""
    hold(session, snapshots.edition(session, edition_id).digest, now=now)
    return snapshots.edition(session, edition_id, lock=True)


def extend(config: Config, edition: Edition, *, now: datetime) -> None:
    """Let what waits of it be tried as long as if it were started now: it must not expire unseen."""
    known = edition.digest in config.digest_slugs
    again = _expires(config, edition, now) if known else now + config.sending.give_up
    edition.expires_at = max(edition.expires_at or again, again)


def _gone(session: Session, edition_id: int) -> int:
    """How many of its mails were taken, may have been taken, or are on the wire."""
    on_the_wire = session.scalar(select(func.count()).select_from(Slot).where(Slot.edition_id == edition_id)) or 0
    return counts(session, edition_id).gone + on_the_wire


def _expires(config: Config, edition: Edition, now: datetime) -> datetime:
    schedule = parse(config.digest(edition.digest).schedule)
    begin = max(edition.mail_date or now, now)
    return expires_at(schedule, zone=config.zone, start=begin, give_up=config.sending.give_up)


def _skip_what_waits(session: Session, edition_id: int, *, now: datetime) -> None:
    """Deliveries on the wire stay as they are: their connection will say what became of them."""
    wire = exists().where(
        Slot.edition_id == Delivery.edition_id, Slot.batch == Delivery.batch, Slot.seq == Delivery.seq
    )
    session.execute(
        update(Delivery)
        .where(Delivery.edition_id == edition_id, Delivery.state == "queued", ~wire)
        .values(state="skipped", next_try_at=None, reply="the edition was cancelled", at=now),
        execution_options={"synchronize_session": False},
    )
    session.execute(update(Batch).where(Batch.edition_id == edition_id, Batch.owner.is_(None)).values(done=True))
    tally_all(session, edition_id)
