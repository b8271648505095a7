"""The outbox as `syndicate outbox` shows it, read from the tables in the shapes of its JSON. Reads only."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from subscribers.models import Subscriber
from syndicate.cli.json_shapes import Shape, instant
from syndicate.config import Config
from syndicate.editions.decisions import Decided
from syndicate.editions.snapshot import edition as edition_of
from syndicate.keys import SiteKeys
from syndicate.mail.personal import MailSite, delivery_message_id, letter_message_id
from syndicate.models import Batch, Delivery, Edition, Letter, Owner, RelayRecord, Slot
from syndicate.outbox import guard, ledger
from syndicate.outbox.pace import Pace, last_trouble


def status(session: Session, pace: Pace, *, relay: str) -> Shape:
    """What waits and is uncertain, how fast it goes, whether it is held, who sends, what is on the wire (a dead
    process's slots too) and how `relay` (`host:port`) did last."""
    waiting, state, reason = ledger.waiting(session), _relay(session, relay), guard.held(session)
    return {
        "queued": waiting.queued + letters_waiting(session),
        "uncertain": waiting.uncertain + _letters(session, "uncertain"),
        "held": reason is not None,
        "held_reason": reason,
        "rate": pace.rate,
        "seconds_left": pace.seconds_left,
        "last_error": state["last_error"] or last_trouble(session),
        "owners": [_owner(owner) for owner in session.scalars(select(Owner).order_by(Owner.id))],
        "slots": _slots(session),
        "relay": state,
    }


def uncertain(session: Session, config: Config, keys: SiteKeys, *, edition: int | None) -> list[Shape]:
    """The mails of which nobody knows whether they were accepted; of one edition, or all of them, letters included.
    Raises NotFound for an edition that does not exist."""
    found = _mails().where(Delivery.state == "uncertain", or_(Batch.uncertain > 0, Batch.owner.is_not(None)))
    if edition is not None:
        found = found.where(Edition.id == edition_of(session, edition).id)
    shapes = [_since(shape, at) for _, shape, at, _ in _deliveries(session, config, keys, found)]
    if edition is None:
        letters = select(Letter).where(Letter.state == "uncertain").order_by(Letter.id)
        shapes += [_since(_letter(one, config, keys), one.at) for one in session.scalars(letters)]
    return shapes


def decided(session: Session, config: Config, keys: SiteKeys, about: Decided) -> list[Shape]:
    """The mails that a decision was about, each with the state that it has now."""
    wanted = set(about.deliveries)
    batches = {(edition, batch) for edition, batch, _ in wanted}
    found = _mails().where(tuple_(Delivery.edition_id, Delivery.batch).in_(batches))
    rows = _deliveries(session, config, keys, found)
    shapes = [shape | {"state": state} for key, shape, _, state in rows if key in wanted]
    letters = select(Letter).where(Letter.id.in_(about.letters)).order_by(Letter.id)
    return shapes + [_letter(one, config, keys) | {"state": one.state} for one in session.scalars(letters)]


def letters_as_they_stand(session: Session, config: Config, keys: SiteKeys, ids: Sequence[int]) -> list[Shape]:
    """These letters, each with its state."""
    found = session.scalars(select(Letter).where(Letter.id.in_(ids)).order_by(Letter.id))
    return [_letter(one, config, keys) | {"state": one.state} for one in found]


def letters_waiting(session: Session) -> int:
    """How many letters are queued."""
    return _letters(session, "queued")


_Mails = Select[tuple[int, int, int, str, str, str, datetime | None, str]]


def _mails() -> _Mails:
    return (
        select(
            Delivery.edition_id,
            Delivery.batch,
            Delivery.seq,
            Edition.uid,
            Subscriber.uid,
            Delivery.address,
            Delivery.at,
            Delivery.state,
        )
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(Batch, (Batch.edition_id == Delivery.edition_id) & (Batch.batch == Delivery.batch))
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .order_by(Delivery.edition_id, Delivery.batch, Delivery.seq)
    )


def _deliveries(
    session: Session, config: Config, keys: SiteKeys, found: _Mails
) -> Iterator[tuple[tuple[int, int, int], Shape, datetime | None, str]]:
    site = MailSite.of(config)
    for edition, batch, seq, edition_uid, subscriber_uid, address, at, state in session.execute(found):
        message_id = delivery_message_id(site, keys, edition_uid=edition_uid, subscriber_uid=subscriber_uid)
        shape = {"edition": edition, "letter": None, "address": address, "message_id": message_id}
        yield (edition, batch, seq), shape, at, state


def _letter(letter: Letter, config: Config, keys: SiteKeys) -> Shape:
    message_id = letter_message_id(MailSite.of(config), keys, letter_uid=letter.uid)
    return {"edition": None, "letter": letter.kind, "address": letter.address, "message_id": message_id}


def _since(shape: Shape, at: datetime | None) -> Shape:
    return shape | {"since": instant(at)}


def _letters(session: Session, state: str) -> int:
    return session.scalar(select(func.count()).select_from(Letter).where(Letter.state == state)) or 0


def _owner(owner: Owner) -> Shape:
    lease = datetime.fromtimestamp(owner.lease_until, UTC)
    seen = datetime.fromtimestamp(owner.seen, UTC)
    return {"owner": owner.id, "host": owner.host, "lease_until": instant(lease), "seen": instant(seen)}


def _slots(session: Session) -> list[Shape]:
    rows = session.execute(
        select(Slot.owner, Slot.n, Slot.edition_id, func.coalesce(Delivery.address, Letter.address), Slot.since)
        .outerjoin(
            Delivery,
            (Delivery.edition_id == Slot.edition_id) & (Delivery.batch == Slot.batch) & (Delivery.seq == Slot.seq),
        )
        .outerjoin(Letter, Letter.id == Slot.letter_id)
        .order_by(Slot.owner, Slot.n)
    )
    return [
        {"owner": owner, "n": n, "edition": edition, "address": address, "since": instant(since)}
        for owner, n, edition, address, since in rows
    ]


def _relay(session: Session, name: str) -> Shape:
    record = session.get(RelayRecord, name)
    return {"state": record.state if record else "unknown", "last_error": record.last_error if record else None}
