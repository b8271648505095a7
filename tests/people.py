"""A ready edition for tests of the outbox: people who subscribe, an edition that is sending, mails to hand over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription
from syndicate.database import Database
from syndicate.mail.personal import Outgoing
from syndicate.models import Delivery, Edition, Letter
from syndicate.outbox import letters, ranges
from syndicate.outbox.jobs import DeliveryJob, Job

DIGEST = "weekly"


def subscribe(database: Database, count: int, now: datetime, *, first: int = 0) -> None:
    """`count` confirmed subscribers of the digest, reader0@example.net and so on."""
    with database.write() as session:
        people = [
            Subscriber(
                uid=f"uid{number:013}",
                address=f"reader{number}@example.net",
                address_hash=f"hash{number:028}",
                state="confirmed",
                language="en",
                created_at=now,
                confirmed_at=now,
            )
            for number in range(first, first + count)
        ]
        session.add_all(people)
        session.flush()
        session.add_all(
            Subscription(subscriber_id=person.id, digest=DIGEST, state="active", since=now) for person in people
        )


def edition(database: Database, now: datetime, *, key: str = "one", state: str = "sending") -> int:
    """An edition with everybody who subscribes now frozen as its recipients. Returns its id."""
    with database.write() as session:
        made = Edition(
            uid=f"edition{key:0>9}",
            digest=DIGEST,
            kind="manual",
            key=key,
            state=state,
            created_at=now,
            mail_date=now,
            started_at=now,
            expires_at=now + timedelta(hours=72),
        )
        session.add(made)
        session.flush()
        assert not ranges.freeze_range(session, made, now)
        return made.id


def ask_letter(session: Session, address: str, now: datetime, params: dict[str, Any] | None = None) -> Letter:
    """A letter that asks this address to confirm, whose hash is what stands before the @, with zeros in front."""
    return letters.ask(
        session,
        kind="confirm",
        address=address,
        address_hash=f"{address.partition('@')[0]:0>32}",
        subscriber_id=None,
        language="en",
        params=params or {},
        now=now,
    )


def outgoing(job: Job) -> Outgoing:
    """A small mail that names its delivery; the same in every attempt."""
    name = f"{job.edition_uid}.{job.subscriber_uid}" if isinstance(job, DeliveryJob) else f"letter.{job.uid}"
    text = f"From: news@example.org\r\nTo: {job.address}\r\nMessage-ID: <{name}@example.org>\r\n\r\nHello.\r\n"
    return Outgoing("b+token@bounce.example.org", job.address, (text.encode(),))


def states(database: Database, edition_id: int) -> dict[str, str]:
    """Each recipient's address with the state of their delivery."""
    with database.read() as session:
        rows = session.execute(select(Delivery.address, Delivery.state).where(Delivery.edition_id == edition_id))
        return dict(rows.tuples().all())


def edition_state(database: Database, edition_id: int) -> str:
    with database.read() as session:
        return session.get_one(Edition, edition_id).state


@dataclass(frozen=True)
class Person:
    """Somebody of `subscribe`, by number."""

    number: int

    @property
    def address(self) -> str:
        return f"reader{self.number}@example.net"
