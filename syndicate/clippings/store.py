"""The clippings we keep: filed as drafts, published, retracted, never deleted."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from syndicate.clippings import fields
from syndicate.clippings.fields import BadClipping
from syndicate.clippings.importing import ImportReport, import_archived
from syndicate.clippings.paths import path, slug
from syndicate.clippings.revision import bump, hold
from syndicate.clippings.streams import ArchiveMonth, archive_months, in_month, listing, published
from syndicate.datelines import Dateline
from syndicate.errors import NotFound
from syndicate.models import Clipping

__all__ = [
    "ArchiveMonth",
    "BadClipping",
    "ImportReport",
    "NewClipping",
    "add",
    "archive_months",
    "bump",
    "changed_at",
    "for_change",
    "get",
    "import_archived",
    "in_month",
    "listing",
    "path",
    "publish",
    "published",
    "retract",
    "slug",
]

# Whatever else is asked for cannot be an id; PostgreSQL would refuse some of it with an error of its own.
_ID = re.compile(r"[a-z2-7]{1,16}")


@dataclass(frozen=True)
class NewClipping:
    """A clipping as it is filed, not cleaned yet. `rights` is `summary`, `link` or `full` (with the reason)."""

    headline: str
    section: str
    link: str | None = None
    publication: str | None = None
    place: str | None = None
    dateline: Dateline | None = None
    byline: str | None = None
    deck: str | None = None
    summary: str | None = None
    body: str | None = None
    rights: str = "summary"
    rights_reason: str | None = None


def add(session: Session, new: NewClipping, *, now: datetime) -> Clipping:
    """File a draft. Control characters are removed and white space is joined in every field.

    The section is taken as it is: whoever calls knows the configuration. Raises BadClipping (exit 2) for a headline
    with nothing left, a link that is no absolute http(s) address, unknown rights, or `full` without a reason."""
    rights, reason = fields.rights(new.rights, new.rights_reason)
    clipping = Clipping(
        id=fields.new_id(),
        state="draft",
        archival=False,
        never_mail=False,
        section=new.section,
        headline=fields.headline(new.headline),
        deck=fields.line(new.deck),
        byline=fields.line(new.byline),
        publication=fields.line(new.publication),
        place=fields.line(new.place),
        dateline=new.dateline.text if new.dateline else None,
        link=fields.link(new.link),
        summary=fields.line(new.summary),
        body=fields.body(new.body),
        rights=rights,
        rights_reason=reason,
        fingerprint=None,
        created_at=now,
        published_at=None,
        updated_at=None,
        retracted_at=None,
    )
    session.add(clipping)
    session.flush()
    return clipping


def get(session: Session, clipping_id: str) -> Clipping:
    """The clipping of that id. Raises NotFound."""
    return _found(session.get(Clipping, clipping_id) if _ID.fullmatch(clipping_id) else None, clipping_id)


def publish(session: Session, clipping_id: str, *, now: datetime) -> Clipping:
    """Make a draft public, or take a retraction back: it then keeps the moment at which it was first published, so
    that no reader and no digest takes it for news. What is public already stays as it is. Raises NotFound."""
    clipping = for_change(session, clipping_id)
    if clipping.state == "published":
        return clipping
    bump(session)
    clipping.state = "published"
    clipping.published_at = clipping.published_at or now
    clipping.updated_at = changed_at(session, clipping, now)
    clipping.retracted_at = None
    session.flush()
    return clipping


def retract(session: Session, clipping_id: str, *, now: datetime) -> Clipping:
    """Take a clipping down; its row stays. What is retracted already stays as it is. Raises NotFound.

    Call `editions.retractions.item_changed` in the same transaction: editions may hold it."""
    clipping = for_change(session, clipping_id)
    if clipping.state == "retracted":
        return clipping
    if clipping.state == "published":
        bump(session)
    clipping.state = "retracted"
    clipping.retracted_at = now
    session.flush()
    return clipping


def set_never_mail(session: Session, clipping_id: str, *, never: bool) -> Clipping:
    """Say whether a clipping is kept out of every digest; pages and feeds have it all the same. Raises NotFound.

    Call `editions.editing.never_mail`, which tells the editions too."""
    clipping = for_change(session, clipping_id)
    clipping.never_mail = never
    session.flush()
    return clipping


def for_change(session: Session, clipping_id: str) -> Clipping:
    """The clipping, read again and kept from other publishers until the commit; they all line up at the site's row
    first, so that two who change the same two clippings cannot wait for each other. A foreign key may look at it
    meanwhile (hence `key_share`): an edition that takes it would otherwise wait for us and we for it."""
    session.flush()
    hold(session)
    if not _ID.fullmatch(clipping_id):
        return _found(None, clipping_id)
    return _found(
        session.get(Clipping, clipping_id, populate_existing=True, with_for_update={"key_share": True}), clipping_id
    )


def changed_at(session: Session, clipping: Clipping, now: datetime) -> datetime:
    """What `updated_at` becomes by a change that readers should see. The caller has it from `for_change`."""
    return _whole(now) if clipping.archival else _own_second(session, now)


def _found(clipping: Clipping | None, clipping_id: str) -> Clipping:
    if clipping is None:
        raise NotFound(f"there is no clipping {clipping_id!r:.60}")
    return clipping


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _own_second(session: Session, now: datetime) -> datetime:
    """The first whole second from now on that comes after every other clipping's: feeds want them distinct. The
    site's row, which the caller holds, lets only one transaction at a time in here."""
    second = _whole(now)
    latest = session.scalar(
        select(func.max(Clipping.updated_at)).where(Clipping.archival.is_(False), Clipping.updated_at >= second)
    )
    return second if latest is None else latest + timedelta(seconds=1)
