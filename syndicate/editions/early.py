"""The draft of a digest's coming slot, made by a person up to a day before it. The tick meets it at its slot."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from syndicate.config import Config, Digest
from syndicate.editions.choosing import planned, store, there
from syndicate.editions.deciding import due_slots
from syndicate.editions.records import Record, hold
from syndicate.errors import Refused
from syndicate.models import Edition
from syndicate.timetable import SlotTime, on_the_clock, parse

_DAY = timedelta(days=1)


def draft(session: Session, config: Config, digest: Digest, *, now: datetime, by: str | None = None) -> int:
    """Make the draft of the digest's coming slot with what that would take now, by this person. Returns its id.

    It is the edition of that slot: the tick makes no second, and what is published later waits for the next. Raises
    Refused if the slot has its edition already, is more than a day away or there is nothing for it yet (then the tick
    decides as ever); if the slot before it is due now; and for a digest without slots."""
    if parse(digest.schedule).each:
        raise Refused(f"{digest.slug} sends each clipping by itself: it has no slot to draft for")
    record = hold(session, digest.slug, now=now)
    slot = _coming(config, digest, record, now)
    made = there(session, digest.slug, kind="scheduled", key=slot.local)
    if made is not None:
        raise Refused(f"edition {made.id} is there for the slot of {slot_words(slot.local)}: it is {made.state}")
    since = opens(slot, config)
    if now < since.at:
        day, its = slot_words(since.local), slot_words(slot.local)
        raise Refused(f"the slot of {its} can be drafted from {day} on ({config.site.timezone})")
    chosen = planned(session, config, digest, record=record, at=slot.at, slot=True)
    if chosen.empty:
        raise Refused(f"{chosen.empty}: there is nothing to draft yet for the slot of {slot_words(slot.local)}")
    new = store(session, digest.slug, kind="scheduled", key=slot.local, chosen=chosen, slot=slot, now=now, by=by)
    if new is None:
        raise LookupError(f"edition {slot.local} of {digest.slug} was not there and is")
    return new


def opens(slot: SlotTime, config: Config) -> SlotTime:
    """From when the draft of a slot may be made: when the clock on the wall showed the same minute the day before."""
    return on_the_clock(config.zone, datetime.fromisoformat(slot.local) - _DAY)


def is_early(edition: Edition, now: datetime) -> bool:
    """Whether the slot of a draft or approved edition is still to come. Pure."""
    return edition.state in ("draft", "approved") and edition.slot_at is not None and edition.slot_at > now


def off_schedule(config: Config, edition: Edition) -> bool:
    """Whether the digest's schedule has no slot (any more) where this edition has its own; it goes then all the same.
    Pure."""
    if edition.slot_at is None or edition.digest not in config.digest_slugs:
        return False
    schedule = parse(config.digest(edition.digest).schedule)
    before = edition.slot_at - timedelta(seconds=1)
    return not any(slot.at == edition.slot_at for slot in schedule.between(config.zone, before, edition.slot_at))


def slot_words(local: str) -> str:
    """A local minute for people: `2026-11-26 09:00`."""
    return local.replace("T", " ")


def _coming(config: Config, digest: Digest, record: Record, now: datetime) -> SlotTime:
    """The first slot that is neither decided nor due. Raises Refused if one is due now, or none will come."""
    due = due_slots(config, digest, record, now)
    if due:
        raise Refused(
            f"the slot of {slot_words(due[-1].slot.local)} is due: `syndicate serve` decides it within a minute"
        )
    after = max(now, record.first_seen_at, record.last_slot_at or now)
    coming = parse(digest.schedule).coming(config.zone, after, 1)
    if not coming:
        raise Refused(f"no slot of {digest.slug} is to come: see its schedule in config.toml")
    return coming[0]
