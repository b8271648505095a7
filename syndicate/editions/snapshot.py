"""An edition and its items as they stand, in one frozen value: what is composed from it must still be true when it is
stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from syndicate.calendar import appeals
from syndicate.editions.plan import Chosen
from syndicate.errors import NotFound
from syndicate.models import Clipping, Edition, EditionItem


@dataclass(frozen=True)
class Item:
    """A clipping in an edition, as it stands now."""

    clipping_id: str
    section: str
    state: str
    headline: str
    link: str | None
    publication: str | None
    place: str | None
    dateline: str | None
    byline: str | None
    deck: str | None
    summary: str | None
    rights: str
    correction: str | None = None


@dataclass(frozen=True)
class Corrected:
    """The edition that a correction is of: its number, if it has one, and the instant of its mails."""

    number: int | None
    at: datetime


@dataclass(frozen=True)
class Snapshot:
    """An edition with its items in order. `appeal` is the text and the link of the one that runs at its moment."""

    id: int
    uid: str
    digest: str
    kind: str
    state: str
    number: int | None
    slot_at: datetime | None
    note: str | None
    appeal: tuple[str, str] | None
    items: tuple[Item, ...]
    subject: str | None = None
    corrects: Corrected | None = None


_SAID = (
    Clipping.state,
    Clipping.headline,
    Clipping.link,
    Clipping.publication,
    Clipping.place,
    Clipping.dateline,
    Clipping.byline,
    Clipping.deck,
    Clipping.summary,
    Clipping.rights,
    Clipping.correction,
)  # in the order of Item's fields


def edition(session: Session, edition_id: int, *, lock: bool = False) -> Edition:
    """The edition of that id; with `lock` read anew and kept from others until the commit. Raises NotFound."""
    query = select(Edition).where(Edition.id == edition_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    # Ids beyond 63 bits would be an error of the driver's.
    found = session.scalars(query).one_or_none() if 0 < edition_id < 2**63 else None
    if found is None:
        raise NotFound(f"there is no edition {edition_id}")
    return found


def take(session: Session, edition_id: int) -> Snapshot:
    """The edition as it stands. Raises NotFound."""
    found = edition(session, edition_id)
    items = session.execute(
        select(EditionItem.clipping_id, EditionItem.section, *_SAID)
        .join(Clipping, Clipping.id == EditionItem.clipping_id)
        .where(EditionItem.edition_id == edition_id)
        .order_by(EditionItem.position)
    )
    return Snapshot(
        id=found.id,
        uid=found.uid,
        digest=found.digest,
        kind=found.kind,
        state=found.state,
        number=found.number,
        slot_at=found.slot_at,
        note=found.note,
        appeal=_appeal(session, found.mail_date or found.slot_at or found.created_at),
        subject=found.subject,
        items=tuple(Item(*item) for item in items),
        corrects=_corrected(session, found),
    )


def foreseen(session: Session, digest: str, chosen: Sequence[Chosen], *, at: datetime) -> Snapshot:
    """What an edition of the moment `at` with these items would be; it has no id yet."""
    rows = session.execute(select(Clipping.id, *_SAID).where(Clipping.id.in_([item.clipping_id for item in chosen])))
    said = {clipping_id: facts for clipping_id, *facts in rows.tuples()}
    return Snapshot(
        id=0,
        uid="",
        digest=digest,
        kind="manual",
        state="draft",
        number=None,
        slot_at=None,
        note=None,
        appeal=_appeal(session, at),
        items=tuple(Item(item.clipping_id, item.section, *said[item.clipping_id]) for item in chosen),
    )


def _corrected(session: Session, found: Edition) -> Corrected | None:
    if found.corrects is None:
        return None
    first = edition(session, found.corrects)
    return Corrected(first.number, first.mail_date or first.created_at)


def _appeal(session: Session, at: datetime) -> tuple[str, str] | None:
    appeal = appeals.current(session, at)
    return (appeal.text, appeal.link) if appeal else None
