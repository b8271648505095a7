"""The orders in which clippings are read: what was filed, what was published, and the archive by months."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from syndicate.datelines import Dateline
from syndicate.models import Clipping


@dataclass(frozen=True, order=True)
class ArchiveMonth:
    """A month of the archive that has something in it, and how many published clippings stand there."""

    year: int
    month: int
    clippings: int


def listing(
    session: Session, *, state: str | None = None, section: str | None = None, limit: int | None = None
) -> Sequence[Clipping]:
    """Everything filed, in every state unless one is named, newest first (published, else filed)."""
    query = select(Clipping).order_by(func.coalesce(Clipping.published_at, Clipping.created_at).desc(), Clipping.id)
    if state is not None:
        query = query.where(Clipping.state == state)
    return session.scalars(_cut(query, section, limit)).all()


def published(session: Session, *, section: str | None = None, limit: int | None = None) -> Sequence[Clipping]:
    """The main stream, or that of one section: published and not archival, newest first."""
    query = (
        select(Clipping)
        .where(Clipping.state == "published", Clipping.archival.is_(False))
        .order_by(Clipping.published_at.desc(), Clipping.id)
    )
    return session.scalars(_cut(query, section, limit)).all()


def archived(session: Session, *, section: str, limit: int | None = None) -> Sequence[Clipping]:
    """The archival clippings of a section, the newest dateline first."""
    query = (
        select(Clipping)
        .where(Clipping.state == "published", Clipping.archival.is_(True))
        .order_by(Clipping.dateline.desc(), Clipping.id)
    )
    return session.scalars(_cut(query, section, limit)).all()


def archive_months(session: Session, zone: ZoneInfo | None = None) -> tuple[ArchiveMonth, ...]:
    """The months that hold published clippings, newest first.

    Archival ones stand in the month of their dateline (January when only the year is known), the others in the month
    of `published_at` as a clock in `zone` (UTC if none is given) shows it."""
    counted: Counter[tuple[int, int]] = Counter()
    by_dateline = (
        select(Clipping.dateline, func.count())
        .where(Clipping.state == "published", Clipping.archival.is_(True), Clipping.dateline.is_not(None))
        .group_by(Clipping.dateline)
    )
    for text, count in session.execute(by_dateline):
        if text is not None:
            counted[int(text[:4]), int(text[5:7] or 1)] += count
    moments = select(Clipping.published_at).where(Clipping.state == "published", Clipping.archival.is_(False))
    for moment in session.scalars(moments):
        if moment is not None:
            local = moment.astimezone(zone or UTC)
            counted[local.year, local.month] += 1
    return tuple(ArchiveMonth(year, month, counted[year, month]) for year, month in sorted(counted, reverse=True))


def in_month(session: Session, year: int, month: int, zone: ZoneInfo) -> Sequence[Clipping]:
    """The published clippings of one month (see `archive_months`), newest first by dateline or publishing."""
    first = datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone).astimezone(UTC)
    ours: ColumnElement[bool] = and_(
        Clipping.archival.is_(False), Clipping.published_at >= first, Clipping.published_at < after
    )
    text = f"{year:04}-{month:02}"
    dated = Clipping.dateline.startswith(text)
    if month == 1:
        dated = or_(dated, Clipping.dateline == f"{year:04}")
    found = session.scalars(
        select(Clipping).where(Clipping.state == "published", or_(ours, and_(Clipping.archival.is_(True), dated)))
    ).all()
    return sorted(found, key=lambda clipping: (-_stands_at(clipping, zone).timestamp(), clipping.id))


def _stands_at(clipping: Clipping, zone: ZoneInfo) -> datetime:
    if clipping.archival and clipping.dateline:
        return Dateline.iso(clipping.dateline).first_instant(zone)
    return clipping.published_at or clipping.created_at


def _cut(query: Select[tuple[Clipping]], section: str | None, limit: int | None) -> Select[tuple[Clipping]]:
    if section is not None:
        query = query.where(Clipping.section == section)
    return query if limit is None else query.limit(limit)
