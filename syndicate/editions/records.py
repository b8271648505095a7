"""The digests as the database knows them: when each was first seen, its last slot, and the lock that keeps two who
choose for one digest apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from syndicate.models import DigestRecord


@dataclass(frozen=True)
class Record:
    """What is remembered of a digest: when it was first seen, and the instant of the last slot decided."""

    slug: str
    first_seen_at: datetime
    last_slot_at: datetime | None


def first_seen(session: Session, slugs: Iterable[str], *, now: datetime) -> None:
    """Remember every digest not known yet as first seen now; the known keep their moment."""
    known = set(session.scalars(select(DigestRecord.slug)).all())
    for slug in sorted(set(slugs) - known):
        try:
            with session.begin_nested():
                session.add(DigestRecord(slug=slug, first_seen_at=now, last_slot_at=None))
        except IntegrityError:
            continue  # another process saw it at the same moment


def find(session: Session, slug: str) -> Record | None:
    """What is remembered of this digest, None if it was never seen."""
    return _one(session, slug, lock=False)


def hold(session: Session, slug: str, *, now: datetime) -> Record:
    """Keep everybody else who decides about this digest waiting until the commit (on SQLite every write does).

    What is read after this is what the others have committed. A digest never seen is seen now."""
    record = _one(session, slug, lock=True)
    if record is None:
        first_seen(session, [slug], now=now)
        record = _one(session, slug, lock=True)
    if record is None:
        raise LookupError(f"the digest {slug} was just written and is not there")
    return record


def hold_all(session: Session) -> None:
    """Keep everybody else who decides about any digest waiting until the commit."""
    session.execute(select(DigestRecord.slug).order_by(DigestRecord.slug).with_for_update()).all()


def decided(session: Session, record: Record, at: datetime) -> None:
    """Remember the slot of this instant as decided; the last decided one never goes back."""
    if record.last_slot_at is None or at > record.last_slot_at:
        session.execute(update(DigestRecord).where(DigestRecord.slug == record.slug).values(last_slot_at=at))


def _one(session: Session, slug: str, *, lock: bool) -> Record | None:
    query = select(DigestRecord.slug, DigestRecord.first_seen_at, DigestRecord.last_slot_at).where(
        DigestRecord.slug == slug
    )
    row = session.execute(query.with_for_update() if lock else query).one_or_none()
    return Record(*row) if row else None
