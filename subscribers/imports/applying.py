"""A batch of entries against the database: read how they stand, decide, write what changed. A handful of statements,
however many people there are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from subscribers import events
from subscribers.ids import new_uid
from subscribers.imports.deciding import NOBODY, Decision, Happened, Standing, judge
from subscribers.imports.entries import Entry
from subscribers.imports.seen import Before
from subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression
from subscribers.stoplist import EVERYTHING, Stop, Stops
from subscribers.subscriptions import Wish

WAY = "import"
# Below what a statement may have of parameters, on either database.
_AT_ONCE = 5_000

People = Mapping[str, Sequence[Entry]]
"""The entries of a batch by the keyed hash of their address, each in the order of the rows."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one person in a batch: every entry with its decision, and how they stood before."""

    address_hash: str
    decided: Sequence[tuple[Entry, Decision]]
    before: Standing
    seen: Before | None

    @property
    def after(self) -> Standing:
        return self.decided[-1][1].after

    @property
    def happened(self) -> Iterator[tuple[Entry, Happened]]:
        return ((entry, one) for entry, decision in self.decided for one in decision.happened)


class Marks:
    """Gives each thing that a row may say (a digest, a reason) a bit, so that rows can be compared."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}

    def of(self, entry: Entry) -> int:
        marks = 0
        for said in (*entry.active, *entry.asked, *entry.left, f"!{entry.suppress}" if entry.suppress else ""):
            marks |= self._bits.setdefault(said, 1 << len(self._bits)) if said else 0
        return marks


def settle(
    session: Session,
    people: People,
    seen: Mapping[str, Before],
    marks: Marks,
    *,
    consent: str,
    stops: Stops,
    now: datetime,
) -> list[Change]:
    """Take these people over, each as `judge` says, with consent events and lines of the stop list. The caller commits.

    Whoever signs up in another transaction at the same moment is looked at again as they stand then."""
    done: list[Change] = []
    waiting = people
    while waiting:
        changes = foresee(session, waiting, seen, marks, held=True)
        lost = _write(session, [one for one in changes if one.after != one.before], consent, stops, now)
        done += [one for one in changes if one.address_hash not in lost]
        waiting = {one: waiting[one] for one in lost}
    return done


def foresee(
    session: Session, people: People, seen: Mapping[str, Before], marks: Marks, *, held: bool = False
) -> list[Change]:
    """What would become of these people; nothing is written. `held`: they stay so until the transaction ends."""
    standing = _standing(session, people, held=held)
    return [_fold(one, entries, standing.get(one, NOBODY), seen.get(one), marks) for one, entries in people.items()]


def _fold(address_hash: str, entries: Sequence[Entry], before: Standing, seen: Before | None, marks: Marks) -> Change:
    standing, decided = before, []
    for entry in entries:
        mark = marks.of(entry)
        decision = judge(entry, seen, mark, standing)
        decided.append((entry, decision))
        standing = decision.after
        if entry.pending:
            continue
        if seen is None:
            seen = Before(entry.row, entry.leaves, mark)
        else:
            seen = Before(seen.row, seen.leaves or entry.leaves, seen.marks | mark)
    return Change(address_hash, decided, before, seen)


def _standing(session: Session, people: People, *, held: bool) -> dict[str, Standing]:
    """How those of these addresses stand of which anything is known."""
    hashes = list(people)
    found = select(Subscriber.address_hash, Subscriber.id, Subscriber.state).where(Subscriber.address_hash.in_(hashes))
    if held:
        found = found.order_by(Subscriber.id).with_for_update(key_share=True)
    rows = session.execute(found).tuples().all()
    barred = select(Suppression.address_hash, Suppression.reason).where(Suppression.address_hash.in_(hashes))
    suppressed = dict(session.execute(barred).tuples().all())
    ids = [subscriber_id for _, subscriber_id, _ in rows]
    wishes = _wishes(session, ids)
    leaving = [number for one, number, _ in rows if any(entry.leaves for entry in people[one])]
    own = _own(session, leaving)
    standing = {one: Standing(suppressed=reason) for one, reason in suppressed.items()}
    for one, number, state in rows:
        standing[one] = Standing(number, state, wishes.get(number, {}), suppressed.get(one), own.get(number, {}))
    return standing


def _wishes(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Wish]]:
    found: dict[int, dict[str, Wish]] = {}
    if ids:
        wishes = select(Subscription.subscriber_id, Subscription.digest, Subscription.state)
        for number, digest, state in session.execute(wishes.where(Subscription.subscriber_id.in_(ids))):
            found.setdefault(number, {})[digest] = state
    return found


def _own(session: Session, ids: Sequence[int]) -> dict[int, dict[str, datetime]]:
    """When these people last confirmed or chose each digest themselves."""
    found: dict[int, dict[str, datetime]] = {}
    if ids:
        steps = (
            select(ConsentEvent.subscriber_id, ConsentEvent.digest, func.max(ConsentEvent.at))
            .where(ConsentEvent.subscriber_id.in_(ids), ConsentEvent.kind.in_(("confirmed", "changed")))
            .where(ConsentEvent.digest.is_not(None))
            .group_by(ConsentEvent.subscriber_id, ConsentEvent.digest)
        )
        for number, digest, at in session.execute(steps):
            found.setdefault(number, {})[digest] = at
    return found


def _write(session: Session, changes: Sequence[Change], consent: str, stops: Stops, now: datetime) -> set[str]:
    """Store these changes. Returns the hashes of people whom somebody else made meanwhile: of those nothing is kept."""
    new = [one for one in changes if one.before.state is None and one.after.state is not None]
    ids = _insert_people(session, new, now)
    lost = {one.address_hash for one in new} - ids.keys()
    kept = [one for one in changes if one.address_hash not in lost] if lost else changes
    ids |= {one.address_hash: one.before.id for one in kept if one.before.id is not None}
    _update_people(session, kept, now)
    _put_wishes(session, kept, ids, now)
    _suppress(session, kept, consent, now)
    _append_events(session, kept, ids, consent, now)
    stops.add(*_stops(kept, now))
    return lost


def _insert_people(session: Session, changes: Sequence[Change], now: datetime) -> dict[str, int]:
    """The ids of the subscribers that were made, by their keyed hash."""
    if not changes:
        return {}
    values = [_person(one, now) for one in changes]
    session.execute(_insert_or_pass(session), values)
    uids = {row["address_hash"]: row["uid"] for row in values}
    made = select(Subscriber.address_hash, Subscriber.id, Subscriber.uid)
    rows = session.execute(made.where(Subscriber.address_hash.in_(list(uids)))).tuples()
    return {one: number for one, number, uid in rows if uids[one] == uid}


def _insert_or_pass(session: Session) -> Insert:
    name = session.get_bind().dialect.name
    makers: dict[str, Callable[[Any], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    made: Insert = makers[name](Subscriber.__table__).on_conflict_do_nothing(index_elements=["address_hash"])
    return made


def _person(change: Change, now: datetime) -> dict[str, object]:
    entry, after = change.decided[0][0], change.after
    since = entry.since or now
    confirmed = after.state == "confirmed" or (after.state == "unsubscribed" and entry.since is not None)
    return {
        "uid": new_uid(),
        "address": entry.address.display,
        "address_hash": change.address_hash,
        "state": after.state,
        "language": entry.language,
        "created_at": since,
        "confirmed_at": since if confirmed else None,
        "paused_until": entry.paused_until,
    }


def _update_people(session: Session, changes: Sequence[Change], now: datetime) -> None:
    moved = [one for one in changes if one.before.id is not None and one.after.state != one.before.state]
    for state, more in (("confirmed", {"confirmed_at": now}), ("unsubscribed", {})):
        ids = [one.before.id for one in moved if one.after.state == state]
        for begin in range(0, len(ids), _AT_ONCE):
            part = Subscriber.id.in_(ids[begin : begin + _AT_ONCE])
            session.execute(update(Subscriber).where(part).values(state=state, **more))


def _put_wishes(session: Session, changes: Sequence[Change], ids: Mapping[str, int], now: datetime) -> None:
    fresh: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for change in changes:
        before = change.before.wishes
        for digest, wish in change.after.wishes.items():
            if before.get(digest) == wish:
                continue
            number = ids[change.address_hash]
            if digest in before:
                moved.append({"person": number, "about": digest, "to": wish})
            else:
                by = change.decided[0][0].answer_by.get(digest)
                fresh.append({"subscriber_id": number, "digest": digest, "state": wish, "since": now, "answer_by": by})
    if fresh:
        session.execute(insert(Subscription.__table__), fresh)  # type: ignore[arg-type]
    if moved:
        table = Subscription.__table__
        which = (table.c.subscriber_id == bindparam("person")) & (table.c.digest == bindparam("about"))
        changed = update(table).where(which).values(state=bindparam("to"), since=now, answer_by=None)  # type: ignore[arg-type]
        session.connection().execute(changed, moved)


def _suppress(session: Session, changes: Sequence[Change], consent: str, now: datetime) -> None:
    fresh: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for change in changes:
        reason = change.after.suppressed
        if reason == change.before.suppressed:
            continue
        entry = next(one for one, decision in reversed(change.decided) if decision.after.suppressed == reason)
        row: dict[str, object] = {
            "address": entry.address.display,
            "reason": reason,
            "note": events.storable(_source(consent, entry)),
            "at": now,
        }
        if change.before.suppressed is None:
            fresh.append(row | {"address_hash": change.address_hash})
        else:
            moved.append(row | {"which": change.address_hash})
    table = Suppression.__table__
    if fresh:
        session.execute(insert(table), fresh)  # type: ignore[arg-type]
    if moved:
        stronger = update(table).where(table.c.address_hash == bindparam("which"))  # type: ignore[arg-type]
        session.connection().execute(stronger, moved)


def _append_events(
    session: Session, changes: Sequence[Change], ids: Mapping[str, int], consent: str, now: datetime
) -> None:
    rows = [
        events.row(
            ids[change.address_hash],
            kind=kind,
            digest=digest,
            proof=events.Proof(way=WAY, source=_source(consent, entry)),
            now=now,
        )
        for change in changes
        if change.after.state is not None
        for entry, (kind, digest) in change.happened
    ]
    if rows:
        session.execute(insert(ConsentEvent.__table__), rows)  # type: ignore[arg-type]


def _source(consent: str, entry: Entry) -> str:
    return f"{consent} ({entry.said})" if entry.said else consent


def _stops(changes: Sequence[Change], now: datetime) -> Iterator[Stop]:
    for change in changes:
        for _, (kind, digest) in change.happened:
            if kind == "unsubscribed":
                yield Stop(now, "left", change.address_hash, digest or EVERYTHING)
        reason = change.after.suppressed
        if reason is not None and reason != change.before.suppressed:
            yield Stop(now, "suppressed", change.address_hash, reason)
