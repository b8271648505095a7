"""Brings a database up to the stop list: after a restore it knows less than the list does.

A line never makes anybody a recipient. Who came back stays as the database has them; what was left since then ends."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import events, suppression
from subscribers.events import Proof
from subscribers.ids import new_uid
from subscribers.models import ConsentEvent, StopMark, Subscriber
from subscribers.people import hold
from subscribers.stoplist import EVERYTHING, Lines, Stop, StopList, Stops, merged
from subscribers.subscriptions import Wishes, state_after_leaving

WAY = "stop-list"
_AT_ONCE = 500

Erase = Callable[[Session, int, Stops, datetime], None]
"""Takes a subscriber (id) out of everything the house keeps."""


@dataclass(frozen=True)
class Replayed:
    """How many lines were read, how many people changed by them, and how many lines could not be read."""

    lines: int = 0
    changed: int = 0
    broken: int = 0


@dataclass
class Standing:
    """What the lines say of one person in the end: when each digest (EVERYTHING among them) was last left, when each
    came back, when they were erased, and the last word on whether the address may be mailed."""

    left: dict[str, datetime] = field(default_factory=dict)
    back: dict[str, datetime] = field(default_factory=dict)
    erased: datetime | None = None
    suppressed: Stop | None = None

    def take(self, stop: Stop) -> None:
        """The next line of this person."""
        if stop.word == "left":
            self.left[stop.about] = stop.at
        elif stop.word == "back":
            self.back[stop.about] = stop.at
        else:
            self.suppressed = stop if stop.word == "suppressed" else None
            if stop.about == "erased":
                self.erased = stop.at  # for good: to be allowed again brings nothing of it back

    def ended(self, digest: str, since: datetime | None) -> bool:
        """Whether a wish for `digest` that stands since then (None: for ever) was left, and is left still."""
        left = [self.left[about] for about in (digest, EVERYTHING) if about in self.left]
        if not left:
            return False
        last, back = max(left), self.back.get(digest)
        return (since is None or last >= since) and (back is None or back < last)

    @property
    def gone(self) -> bool:
        """Whether everything was left, and nothing has come back since."""
        everything = self.left.get(EVERYTHING)
        return everything is not None and all(back < everything for back in self.back.values())


class _Written:
    """What is replayed stands in a list already."""

    def add(self, *stops: Stop) -> None:
        del stops


def replay(session: Session, lists: Iterable[StopList], *, erase: Erase, now: datetime) -> Replayed:
    """End what was left, suppress what was suppressed and `erase` who was erased, as these lists say, from where this
    database has last taken them in. People that it does not know get a row without an address, so that no import
    brings them back. Harmless to repeat. Raises StopListFault; the caller commits.

    Must be a writing transaction: what other processes add meanwhile is taken in the next time."""
    found = unread(session, lists)
    standing: dict[str, Standing] = {}
    for stop in merged(lines.stops for lines in found):
        standing.setdefault(stop.address_hash, Standing()).take(stop)
    hashes, changed = list(standing), 0
    for begin in range(0, len(hashes), _AT_ONCE):
        changed += _apply(session, {one: standing[one] for one in hashes[begin : begin + _AT_ONCE]}, erase, now)
    for lines in found:
        session.merge(StopMark(list_uid=lines.uid, bytes=lines.end))
    session.flush()
    return Replayed(sum(len(lines.stops) for lines in found), changed, sum(lines.broken for lines in found))


def unread(session: Session, lists: Iterable[StopList]) -> list[Lines]:
    """What these lists say that the database has not taken in yet; nothing for a list without news. Reads only."""
    found = []
    for one in lists:
        uid = one.uid()
        mark = session.get(StopMark, uid) if uid else None
        lines = one.read(after=mark.bytes if mark else 0)
        if lines is not None and (mark is None or lines.end != mark.bytes):
            found.append(lines)
    return found


def _apply(session: Session, standing: Mapping[str, Standing], erase: Erase, now: datetime) -> int:
    rows = session.execute(select(Subscriber.address_hash, Subscriber.id).where(Subscriber.address_hash.in_(standing)))
    known = dict(rows.tuples().all())
    changed = 0
    for address_hash, one in standing.items():
        subscriber_id = known.get(address_hash)
        if subscriber_id is None:
            ended = _unknown(session, address_hash, one, now)
        else:
            ended = _leave(session, subscriber_id, one, now)
        erased = subscriber_id is not None and _erase(session, subscriber_id, one, erase, now)
        suppressed = _suppress(session, one.suppressed, now)
        changed += ended or erased or suppressed
    return changed


def _leave(session: Session, subscriber_id: int, one: Standing, now: datetime) -> bool:
    subscriber = hold(session, subscriber_id)
    wishes = Wishes(session, subscriber)
    ended = [digest for digest, since in wishes.standing() if one.ended(digest, since)]
    for digest in ended:
        wishes.put(digest, "ended", now)
        _note(session, subscriber_id, digest, now)
    if ended:
        subscriber.state = state_after_leaving(subscriber.state, wishes.states())
    gone = one.gone and not wishes.standing() and (bool(ended) or subscriber.state != "unsubscribed")
    if gone:
        subscriber.state = "unsubscribed"
        _note(session, subscriber_id, None, now)
    return bool(ended) or gone


def _unknown(session: Session, address_hash: str, one: Standing, now: datetime) -> bool:
    """Somebody who came and left after the copy was made: only that they left is known."""
    left = [digest for digest in one.left if digest != EVERYTHING and one.ended(digest, None)]
    if not left and not one.gone:
        return False
    subscriber = Subscriber(
        uid=new_uid(), address="", address_hash=address_hash, state="unsubscribed", language="", created_at=now
    )
    session.add(subscriber)
    session.flush()
    wishes = Wishes(session, subscriber)
    for digest in left:
        wishes.put(digest, "ended", now)
        _note(session, subscriber.id, digest, now)
    if one.gone:
        _note(session, subscriber.id, None, now)
    return True


def _erase(session: Session, subscriber_id: int, one: Standing, erase: Erase, now: datetime) -> bool:
    """Erase who was erased after this copy was made. Whoever was allowed again since is not suppressed by it."""
    if one.erased is None:
        return False
    known = select(ConsentEvent.id).where(
        ConsentEvent.subscriber_id == subscriber_id, ConsentEvent.kind == "erased", ConsentEvent.at >= one.erased
    )
    if session.scalar(known.limit(1)) is not None:
        return False
    erase(session, subscriber_id, _Written(), now)
    if one.suppressed is None:
        address_hash = session.scalars(select(Subscriber.address_hash).where(Subscriber.id == subscriber_id)).one()
        suppression.lift(session, address_hash, way=WAY, stops=_Written(), now=now)
    return True


def _suppress(session: Session, stop: Stop | None, now: datetime) -> bool:
    if stop is None or stop.about not in suppression.REASONS:
        return False
    return suppression.suppress(session, stop.address_hash, address=None, reason=stop.about, stops=_Written(), now=now)


def _note(session: Session, subscriber_id: int, digest: str | None, now: datetime) -> None:
    events.record(session, subscriber_id, kind="unsubscribed", digest=digest, proof=Proof(way=WAY), now=now)
