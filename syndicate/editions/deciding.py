"""The slots of a digest become editions: each one due is made, held or skipped, once."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from syndicate.config import Config, Digest
from syndicate.database import Database
from syndicate.editions import records
from syndicate.editions.choosing import bare, planned, store, there
from syndicate.editions.plan import Plan
from syndicate.editions.schedule import DueSlot, due
from syndicate.errors import SyndicateError
from syndicate.timetable import parse

_CLOCK_AHEAD = timedelta(days=1)


class ClockWrong(SyndicateError):
    """A slot far ahead of the clock was decided already, so the digest would be silent until then."""


def decide(database: Database, config: Config, digest: Digest, now: datetime) -> None:
    """Make the editions of this digest that are due. Whoever repeats it finds them decided. Raises ClockWrong.

    Looks first without the lock: most minutes there is nothing to decide."""
    with database.read() as session:
        record = records.find(session, digest.slug)
        if record and record.last_slot_at and record.last_slot_at > now + _CLOCK_AHEAD:
            raise ClockWrong(
                f"the slot of {record.last_slot_at:%Y-%m-%d %H:%M} UTC is decided and the clock says "
                f"{now:%Y-%m-%d %H:%M}: the clock is wrong or was; no slot is due before then, send by hand"
            )
        if record is not None and not _anything(session, config, digest, record, now):
            return
    with database.write() as session:
        record = records.hold(session, digest.slug, now=now)
        if parse(digest.schedule).each:
            _make_each(session, config, digest, record, now)
            return
        for slot in due_slots(config, digest, record, now):
            _make_slot(session, config, digest, record=record, due_slot=slot, now=now)
            records.decided(session, record, slot.slot.at)


def _anything(session: Session, config: Config, digest: Digest, record: records.Record, now: datetime) -> bool:
    if parse(digest.schedule).each:
        return bool(planned(session, config, digest, record=record, at=now, slot=True).items)
    return bool(due_slots(config, digest, record, now))


def due_slots(config: Config, digest: Digest, record: records.Record, now: datetime) -> tuple[DueSlot, ...]:
    """The slots of this digest that are to be decided now, ascending."""
    rules = config.sending
    return due(
        parse(digest.schedule),
        first_seen_at=record.first_seen_at,
        last_slot_at=record.last_slot_at,
        zone=config.zone,
        now=now,
        late=rules.late,
        late_after=rules.late_after,
    ).slots


def _make_slot(
    session: Session, config: Config, digest: Digest, *, record: records.Record, due_slot: DueSlot, now: datetime
) -> None:
    """Whatever the fate: a slot that was drafted before it came has its edition."""
    slot, key = due_slot.slot, due_slot.slot.local
    if there(session, digest.slug, kind="scheduled", key=key) is not None:
        return
    if due_slot.fate == "make":
        chosen = planned(session, config, digest, record=record, at=slot.at, slot=True)
        store(session, digest.slug, kind="scheduled", key=key, chosen=chosen, slot=slot, now=now)
        return
    state = "held" if due_slot.fate == "hold" else "skipped"
    reason = due_slot.reason
    bare(session, digest.slug, kind="scheduled", key=key, slot=slot, now=now, state=state, reason=reason)


def _make_each(session: Session, config: Config, digest: Digest, record: records.Record, now: datetime) -> None:
    chosen = planned(session, config, digest, record=record, at=now, slot=True)
    for item in reversed(chosen.items):  # the oldest gets the lowest number
        one = Plan((item,), ())
        store(session, digest.slug, kind="scheduled", key=item.clipping_id, chosen=one, slot=None, now=now)
