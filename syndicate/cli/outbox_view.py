"""The outbox as `syndicate outbox` shows it, read from the tables in the shapes of its JSON. Reads only."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber
from syndicate.cli.json_shapes import Shape, instant
from syndicate.config import Config
from syndicate.editions.snapshot import edition as edition_of
from syndicate.keys import SiteKeys
from syndicate.mail.personal import MailSite, delivery_message_id, letter_message_id
from syndicate.models import Delivery, Edition, Letter, Owner, RelayRecord, Slot
from syndicate.outbox import guard, ledger


def status(session: Session, *, relay: str) -> Shape:
    """What waits and is uncertain, who sends, what is on the wire (a dead process's slots too) and how `relay`
    (`host:port`) did last."""
    deliveries = ledger.waiting(session)
    return {
        "queued": deliveries.queued + _letters(session, "queued"),
        "uncertain": deliveries.uncertain + _letters(session, "uncertain"),
        "held": guard.held(session) is not None,
        "owners": [_owner(owner) for owner in session.scalars(select(Owner).order_by(Owner.id))],
        "slots": _slots(session),
        "relay": _relay(session, relay),
    }


def uncertain(session: Session, config: Config, keys: SiteKeys, *, edition: int | None) -> list[Shape]:
    """The mails of which nobody knows whether they were accepted; of one edition, or all of them, letters included.
    Raises NotFound for an edition that does not exist."""
    site = MailSite.of(config)
    found = select(Edition.id, Edition.uid, Subscriber.uid, Delivery.address, Delivery.at)
    found = found.join(Delivery, Delivery.edition_id == Edition.id)
    found = found.join(Subscriber, Subscriber.id == Delivery.subscriber_id).where(Delivery.state == "uncertain")
    if edition is None:
        found = found.where(Edition.state.in_(ledger.UNFINISHED))
    else:
        found = found.where(Edition.id == edition_of(session, edition).id)
    order = (Delivery.edition_id, Delivery.batch, Delivery.seq)
    shapes = [
        _uncertain(
            address,
            at,
            delivery_message_id(site, keys, edition_uid=edition_uid, subscriber_uid=subscriber_uid),
            edition=edition_id,
        )
        for edition_id, edition_uid, subscriber_uid, address, at in session.execute(found.order_by(*order))
    ]
    if edition is None:
        letters = select(Letter).where(Letter.state == "uncertain").order_by(Letter.id)
        shapes += [
            _uncertain(one.address, one.at, letter_message_id(site, keys, letter_uid=one.uid), letter=one.kind)
            for one in session.scalars(letters)
        ]
    return shapes


def _uncertain(
    address: str, at: datetime | None, message_id: str, *, edition: int | None = None, letter: str | None = None
) -> Shape:
    return {
        "edition": edition,
        "letter": letter,
        "address": address,
        "message_id": message_id,
        "since": instant(at),
    }


def _letters(session: Session, state: str) -> int:
    return session.scalar(select(func.count()).select_from(Letter).where(Letter.state == state)) or 0


def _owner(owner: Owner) -> Shape:
    lease = datetime.fromtimestamp(owner.lease_until, UTC)
    return {"owner": owner.id, "host": owner.host, "lease_until": instant(lease)}


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
