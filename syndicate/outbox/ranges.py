"""Freezing the recipients of an edition: by ranges of subscriber ids, each in a transaction of its own, so that a list
of any length keeps nobody else waiting for longer than one of them takes."""

from datetime import datetime

from sqlalchemy import Integer, Select, Table, delete, exists, func, insert, literal, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber
from subscribers.recipients import end_of_range, recipients
from syndicate.models import Batch, Delivery, Edition

BATCH_SIZE = 500
RANGE_SIZE = 50_000

_ABANDONED = 0  # in `Edition.frozen_to`, where the id of a subscriber would stand: ids begin at 1
_CLEARED_AT_ONCE = 100


def freeze_range(session: Session, edition: Edition, now: datetime, *, size: int = RANGE_SIZE) -> bool:
    """Write a queued delivery, in batches, for the next `size` of those who may get this edition now. Returns whether
    more are to come; when not, `edition.chosen` says how many there are.

    The caller has locked the edition, which says how far this came: so it goes on after a crash at any point. Whoever
    may get the edition when its first range is frozen, and still when their own is, is in one range and in one only.
    What an abandoned freeze has left is removed first."""
    if edition.frozen_to == _ABANDONED and clear(session, edition):
        return True
    after = edition.frozen_to or 0
    last = end_of_range(session, edition.digest, after=after, size=size)
    _freeze(session, edition, after, last, now)
    edition.frozen_to = last
    if last is not None:
        return True
    everybody = select(func.coalesce(func.sum(Batch.size), 0)).where(Batch.edition_id == edition.id)
    edition.chosen = int(session.execute(everybody).scalar_one())
    return False


def reached(session: Session, edition: Edition, now: datetime) -> int:
    """How many would get this edition if its recipients were frozen now."""
    who = _who(edition, 0, None, now).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(who)) or 0


def abandon(edition: Edition) -> None:
    """Give up a freeze in the middle, if there is one: its deliveries are nobody's, and are removed in time."""
    if edition.frozen_to is not None:
        edition.frozen_to = _ABANDONED


def abandoned(session: Session) -> list[int]:
    """The editions with something left of a freeze that was given up; reads only."""
    return list(session.scalars(select(Edition.id).where(Edition.frozen_to == _ABANDONED).order_by(Edition.id)))


def clear(session: Session, edition: Edition) -> bool:
    """Remove some batches of what an abandoned freeze has left; whether there are more. Of any other edition nothing
    is removed."""
    if edition.frozen_to != _ABANDONED:
        return False
    here = select(Batch.batch).where(Batch.edition_id == edition.id).order_by(Batch.batch.desc())
    found = session.scalars(here.limit(_CLEARED_AT_ONCE)).all()
    for table in (Delivery, Batch):
        if found:
            session.execute(delete(table).where(table.edition_id == edition.id, table.batch >= found[-1]))
    if len(found) < _CLEARED_AT_ONCE:
        edition.frozen_to = None
    session.flush()
    return edition.frozen_to is not None


def _who(edition: Edition, after: int, up_to: int | None, now: datetime) -> Select[tuple[int, str, str]]:
    """Who gets this edition: the digest's recipients; of a correction those of them who have, or may have, what it
    corrects. Who left since, pauses or is suppressed, is no recipient."""
    who = recipients(edition.digest, now=now, after=after, up_to=up_to)
    if edition.corrects is None:
        return who
    had = exists().where(
        Delivery.edition_id == edition.corrects,
        Delivery.subscriber_id == Subscriber.id,
        Delivery.state.in_(("accepted", "unknown")),
    )
    return who.where(had)


def _freeze(session: Session, edition: Edition, after: int, up_to: int | None, now: datetime) -> None:
    first = session.scalar(select(func.max(Batch.batch) + 1).where(Batch.edition_id == edition.id)) or 0
    who = _who(edition, after, up_to, now).order_by(None).subquery()
    # Those who were imported one after the other are often readers of one provider: each batch gets its share of them.
    # 40503 / 65521 is nearly the golden ratio, so that the ids of any stretch are spread out evenly.
    mixed = (who.c.subscriber_id * 40503) % 65521
    place = (func.row_number().over(order_by=(mixed, who.c.subscriber_id)) - 1).label("place")
    placed = select(place, who).subquery()
    rows = select(
        literal(edition.id),
        first + placed.c.place.op("/", return_type=Integer())(BATCH_SIZE),  # of whole numbers; `//` is far slower
        placed.c.place % BATCH_SIZE,
        placed.c.subscriber_id,
        placed.c.address,
        placed.c.language,
        literal("queued"),
        literal(0),
    )
    columns = ["edition_id", "batch", "seq", "subscriber_id", "address", "language", "state", "attempt"]
    table = Delivery.__table__
    assert isinstance(table, Table)
    session.flush()
    insertion = insert(table).from_select(columns, rows, include_defaults=False)
    written = session.connection().execute(insertion, execution_options={"preserve_rowcount": True}).rowcount
    sizes = [min(BATCH_SIZE, written - begin) for begin in range(0, written, BATCH_SIZE)]
    common = {"edition_id": edition.id, "done": False, "next_try_at": now}
    batches = [common | {"batch": batch, "size": size, "queued": size} for batch, size in enumerate(sizes, first)]
    if batches:
        session.execute(insert(Batch), batches)
