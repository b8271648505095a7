"""Bringing in what saved pages held: archival clippings at their dateline, or drafts. The same page twice is one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from syndicate.clippings import fields
from syndicate.clippings.archive_pages.values import ArchivedClipping, fingerprint
from syndicate.clippings.revision import bump, hold
from syndicate.models import Clipping

_AT_ONCE = 500  # SQLite takes some thousand parameters in one statement


@dataclass(frozen=True)
class ImportReport:
    """The ids of what was stored, and of what had been stored before (a page found twice is named twice)."""

    added: tuple[str, ...]
    known: tuple[str, ...]


def import_archived(
    session: Session, items: Iterable[ArchivedClipping], *, section: str, as_drafts: bool, now: datetime
) -> ImportReport:
    """Store what is not there yet, in the caller's transaction: all of it or nothing.

    Archival clippings are published at once; they are never mailed and not in the main feeds. With `as_drafts` they
    are ordinary drafts instead. Raises BadClipping, naming the line, for what cannot be filed."""
    added: list[str] = []
    known: list[str] = []
    rest = iter(items)
    hold(session)  # two imports of one page at the same moment: the second waits and finds it
    while some := list(islice(rest, _AT_ONCE)):
        marks = [fingerprint(item) for item in some]
        there = _there(session, marks)
        for item, mark in zip(some, marks, strict=True):
            if mark in there:
                known.append(there[mark])
                continue
            clipping = _clipping(item, mark, section, None if as_drafts else now, now=now)
            session.add(clipping)
            there[mark] = clipping.id
            added.append(clipping.id)
        session.flush()
    if added and not as_drafts:
        bump(session)
    return ImportReport(tuple(added), tuple(known))


def _there(session: Session, marks: Sequence[str]) -> dict[str, str]:
    found = select(Clipping).where(Clipping.fingerprint.in_(marks))
    return {clipping.fingerprint: clipping.id for clipping in session.scalars(found) if clipping.fingerprint}


def _clipping(
    item: ArchivedClipping, mark: str, section: str, published_at: datetime | None, *, now: datetime
) -> Clipping:
    try:
        headline, link = fields.headline(item.headline), fields.link(item.link)
    except fields.BadClipping as error:
        raise fields.BadClipping(f"line {item.line}: {error}") from None
    return Clipping(
        id=fields.new_id(),
        state="published" if published_at else "draft",
        archival=published_at is not None,
        never_mail=False,
        section=section,
        headline=headline,
        deck=fields.line(item.deck),
        byline=fields.line(item.byline),
        publication=fields.line(item.publication),
        place=fields.line(item.place),
        dateline=item.dateline.text,
        link=link,
        summary=None,
        body=fields.body(item.body),
        rights="summary",
        rights_reason=None,
        fingerprint=mark,
        created_at=now,
        published_at=published_at,
        updated_at=published_at.replace(microsecond=0) if published_at else None,
        retracted_at=None,
    )
