"""The freeze: what an edition says is composed once, outside any transaction, and stored only if it is still true."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions import snapshot as snapshots
from syndicate.editions.choosing import chosen_again, planned, remember_left_out, take
from syndicate.editions.composing import Composer, Made, MailTooLarge
from syndicate.editions.expiry import expires_at
from syndicate.editions.preflight.examination import Unfit, require_fit
from syndicate.editions.records import hold
from syndicate.editions.snapshot import Snapshot
from syndicate.errors import Refused
from syndicate.models import Clipping, Edition, EditionItem, Variant
from syndicate.timetable import parse

_TRIES = 5


@dataclass(frozen=True)
class _Prepared:
    """A draft to be composed, and the number it would get. Compared whole: any difference means: again."""

    snapshot: Snapshot
    number: int | None


def freeze(
    database: Database, config: Config, composer: Composer, edition_id: int, *, now: datetime, by: str | None = None
) -> str:
    """Freeze the content of a draft (of a held edition, whose items are chosen first). Returns the edition's state
    then: `approved` (`by` whom, if a person did); `skipped` if nothing was left to say; or, if it was no draft, the
    state it is in, untouched.

    Items that are not published any more are dropped first. If anything changed while it was composed it is composed
    again; Refused if that never ends. Raises NotFound, TemplateFault, MailTooLarge, and Unfit when
    a mail has a fault that must not go out."""
    for _ in range(_TRIES):
        with database.write() as session:
            prepared = _prepare(session, config, edition_id, now=now)
        if isinstance(prepared, str):
            return prepared
        snapshot = prepared.snapshot
        digest = config.digest(snapshot.digest)
        at = snapshot.slot_at or now
        made = composer.variants(digest, snapshot, number=prepared.number, at=at)
        require_fit(config, digest, [one.composition for one in made])
        with database.write() as session:
            if _store(session, config, prepared, made, at=at, now=now, by=by):
                return "approved"
    raise Refused(f"edition {edition_id} kept changing while it was composed: try again")


def hold_unfit(database: Database, edition_id: int, fault: Unfit | MailTooLarge) -> None:
    """A person must look at a draft whose mail must not go out so; approving it tries again."""
    with database.write() as session:
        edition = snapshots.edition(session, edition_id, lock=True)
        if edition.state == "draft":
            edition.state, edition.reason = "held", f"{fault}; then `syndicate edition approve {edition_id}`"


def give_number_back(session: Session, edition: Edition) -> None:
    """Let the next edition have the number of one that will not appear; only the newest, or others would move."""
    if edition.number is not None and edition.number + 1 == _next_number(session, edition.digest):
        edition.number = None
        session.flush()


def drop_unpublished(session: Session, edition: Edition) -> None:
    """Remove the items whose clipping is not published any more, and with them their claim; but a correction is about
    them."""
    if edition.kind == "correction":
        return
    public = exists().where(Clipping.id == EditionItem.clipping_id, Clipping.state == "published")
    session.execute(
        delete(EditionItem).where(EditionItem.edition_id == edition.id, ~public),
        execution_options={"synchronize_session": "fetch"},
    )


def has_items(session: Session, edition: Edition) -> bool:
    """Whether anything is left in it."""
    return (
        session.scalar(select(EditionItem.clipping_id).where(EditionItem.edition_id == edition.id).limit(1)) is not None
    )


def end_if_empty(
    session: Session, edition: Edition, *, now: datetime, reason: str = "every clipping in it was retracted"
) -> None:
    """A draft without items has nothing to say: it is skipped, and decided."""
    session.flush()
    if edition.state == "draft" and not has_items(session, edition):
        edition.state, edition.finished_at = "skipped", now
        edition.reason = reason
        give_number_back(session, edition)


def _prepare(session: Session, config: Config, edition_id: int, *, now: datetime) -> _Prepared | str:
    hold(session, snapshots.edition(session, edition_id).digest, now=now)
    edition = snapshots.edition(session, edition_id, lock=True)
    if edition.state == "held":
        _choose_late(session, config, edition, now=now)
    if edition.state != "draft":
        return edition.state
    drop_unpublished(session, edition)
    end_if_empty(session, edition, now=now)
    return _prepared(session, edition) if edition.state == "draft" else edition.state


def _prepared(session: Session, edition: Edition) -> _Prepared:
    session.flush()
    number = edition.number
    if number is None and edition.kind != "correction":
        number = _next_number(session, edition.digest)
    return _Prepared(snapshots.take(session, edition.id), number)


def _choose_late(session: Session, config: Config, edition: Edition, *, now: datetime) -> None:
    """An edition that was held without items gets them now: those it had when it was set aside, or those its slot would
    have had, if nothing took them meanwhile."""
    if edition.chosen is None and edition.approved_at is None and has_items(session, edition):
        edition.state, edition.reason = "draft", None  # it was held for a fault of its mail, and is looked at again
        session.flush()
        return
    if edition.slot_at is None or edition.chosen is not None or edition.approved_at is not None:
        raise Refused(f"edition {edition.id} was held while it was sent: let the outbox go on first")
    record = hold(session, edition.digest, now=now)
    digest = config.digest(edition.digest)
    if edition.set_aside:
        chosen = chosen_again(session, edition.digest, edition.set_aside)
        edition.set_aside = None
    else:
        chosen = planned(session, config, digest, record=record, at=edition.slot_at, slot=True)
    remember_left_out(session, edition.id, chosen.left_out)
    if chosen.empty:
        edition.state, edition.reason, edition.finished_at = "skipped", chosen.empty, now
    else:
        edition.state, edition.reason = "draft", None
        if edition.lead not in {item.clipping_id for item in chosen.items}:
            edition.lead = None
        take(session, edition, chosen.items)
    session.flush()


def _store(
    session: Session,
    config: Config,
    prepared: _Prepared,
    made: Sequence[Made],
    *,
    at: datetime,
    now: datetime,
    by: str | None,
) -> bool:
    """Store the mails if the edition is still what they were made from. False: it changed, nothing is stored."""
    was = prepared.snapshot
    hold(session, was.digest, now=now)
    edition = snapshots.edition(session, was.id, lock=True)
    if edition.state != "draft" or _prepared(session, edition) != prepared:
        return False
    session.execute(delete(Variant).where(Variant.edition_id == edition.id))
    session.add_all(_variant(edition.id, one) for one in made)
    session.flush()
    schedule = parse(config.digest(was.digest).schedule)
    values = {
        "state": "approved",
        "reason": None,
        "number": prepared.number,
        "hash": hash_of(session, edition.id),
        "mail_date": at,
        "approved_at": now,
        "approved_by": by,
        "withdrawn": False,
        "expires_at": expires_at(schedule, zone=config.zone, start=max(at, now), give_up=config.sending.give_up),
    }
    guarded = update(Edition).where(Edition.id == edition.id, Edition.state == "draft").values(values)
    return session.connection().execute(guarded).rowcount == 1


def _variant(edition_id: int, made: Made) -> Variant:
    mail = made.composition
    return Variant(
        edition_id=edition_id,
        language=mail.language,
        composition=mail.to_bytes(),
        hash=mail.hash,
        fit=made.given_up.as_json() if made.given_up else None,
    )


def intact(session: Session, edition: Edition) -> bool:
    """Whether what is stored of an edition is, byte for byte, what was approved; of one without a hash that is nothing,
    and nothing can be sent. Reads only."""
    stored = session.execute(select(Variant.composition, Variant.hash).where(Variant.edition_id == edition.id)).all()
    alike = all(hashlib.sha256(composition).hexdigest() == hash_ for composition, hash_ in stored)
    return alike and edition.hash == (hash_of(session, edition.id) if stored else None)


def hash_of(session: Session, edition_id: int) -> str:
    """One hash over those of all variants, by language."""
    rows = session.execute(
        select(Variant.language, Variant.hash).where(Variant.edition_id == edition_id).order_by(Variant.language)
    )
    return hashlib.sha256("".join(f"{language} {hash_}\n" for language, hash_ in rows).encode()).hexdigest()


def _next_number(session: Session, digest: str) -> int:
    return (session.scalar(select(func.max(Edition.number)).where(Edition.digest == digest)) or 0) + 1
