"""The account of an edition person by person: who was chosen, and what became of each mail. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber
from syndicate.editions.snapshot import edition as edition_of
from syndicate.models import Batch, Delivery


@dataclass(frozen=True)
class Chosen:
    """One recipient of an edition and how their mail stands. `attempt` is how often it was tried, `at` the moment of
    the last outcome; `edition_uid` and `subscriber_uid` name the mail."""

    address: str
    state: str
    attempt: int
    code: int | None
    reply: str | None
    cause: str | None
    at: datetime | None
    edition_uid: str
    subscriber_uid: str


def everybody(session: Session, edition_id: int, *, state: str | None = None) -> Iterator[Chosen]:
    """Everybody who was chosen for an edition, or those in one state, in the order in which they are mailed.

    Read batch by batch, so that it takes no more memory for a million than for a thousand. Each person is there
    exactly once; while the edition is being sent, each as they stood when their batch was read. Raises NotFound."""
    uid = edition_of(session, edition_id).uid
    for batch in session.scalars(select(Batch.batch).where(Batch.edition_id == edition_id).order_by(Batch.batch)).all():
        rows = (
            select(
                Delivery.address,
                Delivery.state,
                Delivery.attempt,
                Delivery.code,
                Delivery.reply,
                Delivery.cause,
                Delivery.at,
                Subscriber.uid,
            )
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .where(Delivery.edition_id == edition_id, Delivery.batch == batch)
            .order_by(Delivery.seq)
        )
        if state is not None:
            rows = rows.where(Delivery.state == state)
        for address, stand, attempt, code, reply, cause, at, subscriber_uid in session.execute(rows).all():
            yield Chosen(address, stand, attempt, code, reply, cause, at, uid, subscriber_uid)
