"""Letters: single mails outside any edition. They go before newsletters."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from subscribers.ids import new_uid
from syndicate.models import Letter
from syndicate.outbox import guard
from syndicate.outbox.jobs import LetterJob

GIVE_UP = timedelta(hours=72)
"""How long a letter is tried; a confirmation that comes later than that surprises more than it helps."""


def ask(
    session: Session,
    *,
    kind: str,
    address: str,
    address_hash: str,
    subscriber_id: int | None,
    language: str,
    params: Mapping[str, object],
    now: datetime,
) -> Letter:
    """File a letter to be sent. `kind` names its template; `params` go to it and must hold no secret."""
    letter = Letter(
        uid=new_uid(),
        kind=kind,
        address=address,
        address_hash=address_hash,
        subscriber_id=subscriber_id,
        language=language,
        params=dict(params),
        state="queued",
        attempt=0,
        next_try_at=now,
        asked_at=now,
    )
    session.add(letter)
    session.flush()
    return letter


def by_uid(session: Session, uid: str) -> Letter | None:
    """The letter of this uid, or None."""
    return session.scalars(select(Letter).where(Letter.uid == uid)).one_or_none()


def has_due(session: Session, now: datetime) -> bool:
    """Whether a letter waits to be claimed; reads only."""
    return session.scalar(_due(now).limit(1)) is not None


def claim(session: Session, owner: str, limit: int, now: datetime) -> list[LetterJob]:
    """Give up to `limit` due letters, oldest first, to this owner; none while the outbox is held. No letter is ever
    given to two owners."""
    letters = session.scalars(
        _due(now).order_by(Letter.next_try_at, Letter.id).limit(limit).with_for_update(skip_locked=True)
    ).all()
    for letter in letters:
        letter.owner = owner
    return [
        LetterJob(
            letter_id=letter.id,
            uid=letter.uid,
            kind=letter.kind,
            attempt=letter.attempt,
            address=letter.address,
            address_hash=letter.address_hash,
            language=letter.language,
            params=letter.params,
            asked_at=letter.asked_at,
            expires_at=letter.asked_at + GIVE_UP,
        )
        for letter in letters
    ]


def _due(now: datetime) -> Select[tuple[Letter]]:
    return select(Letter).where(
        Letter.state == "queued",
        Letter.owner.is_(None),
        or_(Letter.next_try_at.is_(None), Letter.next_try_at <= now),
        guard.not_held(),
    )
