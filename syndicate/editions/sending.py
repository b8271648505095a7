"""What is done to an edition once it is frozen: start, pause, resume, cancel. Every step is one transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.editions import snapshot as snapshots
from syndicate.editions.expiry import expires_at
from syndicate.editions.freezing import drop_unpublished, give_number_back, has_items
from syndicate.editions.records import hold
from syndicate.errors import Refused
from syndicate.models import Batch, Delivery, Edition, EditionItem, Slot, Variant
from syndicate.outbox import guard
from syndicate.outbox.ledger import close_if_done, counts, freeze_recipients, tally_all
from syndicate.timetable import parse


@dataclass(frozen=True)
class Start:
    """What starting an edition led to: its state now, and how many recipients were chosen. While the hold period
    runs the state is still `approved` and `not_before` says when it ends; the tick then starts it."""

    state: str
    chosen: int = 0
    not_before: datetime | None = None


def start(session: Session, config: Config, edition_id: int, *, now: datetime) -> Start:
    """Freeze the recipients of an approved edition and let the sender have it; `sent` at once if there are none.

    Raises NotFound, and Refused for an edition in any other state or while the outbox is held."""
    edition = locked(session, edition_id, now=now)
    guard.require_free(session)
    if edition.state != "approved" or edition.approved_at is None:
        raise Refused(f"edition {edition_id} is {edition.state}: only an approved one can be started")
    not_before = edition.approved_at + config.sending.hold_period
    if now < not_before:
        edition.started_at = now  # the wish, for the tick; the real moment is written below
        return Start("approved", not_before=not_before)
    if any(item.state != "published" for item in snapshots.take(session, edition_id).items):
        withdraw_approval(session, edition, reason="approval void: a clipping in it was retracted")
        return Start(edition.state)
    edition.expires_at = _expires(config, edition, now)
    edition.state, edition.reason, edition.started_at = "sending", None, now
    session.flush()
    edition.chosen = freeze_recipients(session, edition_id, edition.digest, now)
    if not edition.chosen:
        edition.state, edition.finished_at = "sent", now
    session.flush()
    return Start(edition.state, edition.chosen)


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


def withdraw_approval(session: Session, edition: Edition, *, reason: str) -> None:
    """An approved edition is a draft again, without the items that are not published any more; with none left the next
    freeze skips it. Whoever wanted it sent must say so again. Its number waits for that freeze, if it is to come."""
    session.execute(delete(Variant).where(Variant.edition_id == edition.id))
    edition.state, edition.reason = "draft", reason
    edition.approved_at = edition.mail_date = edition.expires_at = edition.started_at = None
    edition.hash = None
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
    stand = counts(session, edition_id)
    on_the_wire = session.scalar(select(func.count()).select_from(Slot).where(Slot.edition_id == edition_id)) or 0
    return stand.accepted + stand.uncertain + stand.unknown + on_the_wire


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
