"""Subscribers as people read them: the list, one person, and the history of a consent. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from subscribers.events import text_version
from subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression


@dataclass(frozen=True)
class Listed:
    """One subscriber in any state. `digests` are the active ones, `asked` those that wait for a confirmation;
    `since` is the moment of the confirmation, or of the first ask; `suppressed` says why no mail goes out, or None;
    until `paused_until` no newsletter comes (it may have passed)."""

    id: int
    uid: str
    address: str
    state: str
    language: str
    digests: tuple[str, ...]
    asked: tuple[str, ...]
    since: datetime
    suppressed: str | None
    paused_until: datetime | None


@dataclass(frozen=True)
class HistoryLine:
    """One consent event, as it was recorded; `version` names its words in short."""

    kind: str
    digest: str | None
    at: datetime
    way: str
    words: str | None
    version: str | None
    source: str | None
    form: str | None
    network: str | None


def listing(session: Session, limit: int | None = None) -> list[Listed]:
    """Everybody, in every state, in the order they came; the first `limit` if given."""
    return _listed(session, limit=limit)


def find(session: Session, address_hash: str) -> Listed | None:
    """The subscriber whose address has this keyed hash, or None."""
    found = _listed(session, Subscriber.address_hash == address_hash)
    return found[0] if found else None


def by_uid(session: Session, uid: str) -> Listed | None:
    """The subscriber whom a link in a mail names, or None."""
    found = _listed(session, Subscriber.uid == uid)
    return found[0] if found else None


def history(session: Session, subscriber_id: int) -> list[HistoryLine]:
    """Every consent event of one subscriber, oldest first."""
    chosen = select(ConsentEvent).where(ConsentEvent.subscriber_id == subscriber_id).order_by(ConsentEvent.id)
    return [
        HistoryLine(
            kind=event.kind,
            digest=event.digest,
            at=event.at,
            way=event.way,
            words=event.words,
            version=text_version(event.words),
            source=event.source,
            form=event.form,
            network=event.network,
        )
        for event in session.scalars(chosen)
    ]


def _listed(session: Session, *where: ColumnElement[bool], limit: int | None = None) -> list[Listed]:
    people = (
        select(
            Subscriber.id,
            Subscriber.uid,
            Subscriber.address,
            Subscriber.state,
            Subscriber.language,
            Subscriber.created_at,
            Subscriber.confirmed_at,
            Subscriber.paused_until,
            Suppression.reason,
        )
        .outerjoin(Suppression, Suppression.address_hash == Subscriber.address_hash)
        .where(*where)
        .order_by(Subscriber.id)
        .limit(limit)
    )
    rows = session.execute(people).all()
    wishes = _wishes(session, *where, last_id=rows[-1].id if rows else 0)
    return [
        Listed(
            id=row.id,
            uid=row.uid,
            address=row.address,
            state=row.state,
            language=row.language,
            digests=_in_state(wishes.get(row.id, ()), "active"),
            asked=_in_state(wishes.get(row.id, ()), "asked"),
            since=row.confirmed_at or row.created_at,
            suppressed=row.reason,
            paused_until=row.paused_until,
        )
        for row in rows
    ]


def _wishes(session: Session, *where: ColumnElement[bool], last_id: int) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    chosen = (
        select(Subscription.subscriber_id, Subscription.digest, Subscription.state)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(*where, Subscriber.id <= last_id)
        .order_by(Subscription.subscriber_id, Subscription.digest)
    )
    for subscriber_id, digest, state in session.execute(chosen):
        found.setdefault(subscriber_id, []).append((digest, state))
    return found


def _in_state(wishes: Sequence[tuple[str, str]], state: str) -> tuple[str, ...]:
    return tuple(digest for digest, found in wishes if found == state)
