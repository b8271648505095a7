"""When an address has refused too often: a score that grows with each refusal and decays with time.

One refusal proves little, even "no such user": whole providers have said so of everybody for an hour. So it takes two
such refusals within weeks, or a mailbox that stays full for months."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import events, suppression
from subscribers.events import Proof
from subscribers.models import BounceScore, Subscriber
from subscribers.stoplist import Stops

Kind = Literal["hard", "soft"]
"""`hard`: there is no such mailbox. `soft`: it takes no mail now."""


@dataclass(frozen=True)
class Rules:
    """What a refusal weighs, at which score an address is suppressed, in which time a score halves, and how far two
    refusals must lie apart to count as two: the mails of one day say one thing."""

    hard: float = 3.0
    soft: float = 1.0
    limit: float = 5.0
    half_life: timedelta = timedelta(days=30)
    apart: timedelta = timedelta(hours=20)


RULES = Rules()


@dataclass(frozen=True)
class Score:
    """The score of an address as it was at the moment of its last counted refusal."""

    value: float
    at: datetime


def decayed(score: Score, now: datetime, rules: Rules = RULES) -> float:
    """What is left of a score now. A moment before its own changes nothing."""
    age = max(now - score.at, timedelta())
    return float(score.value * 0.5 ** (age / rules.half_life))


def weigh(before: Score | None, kind: Kind, at: datetime, rules: Rules = RULES) -> Score | None:
    """The score after a refusal at this moment; None if it is not counted: too near to the one before, or older."""
    if before is not None and at < before.at + rules.apart:
        return None
    weight = rules.hard if kind == "hard" else rules.soft
    return Score((decayed(before, at, rules) if before else 0.0) + weight, at)


def refused(
    session: Session,
    address_hash: str,
    *,
    kind: Kind,
    at: datetime,
    way: str,
    status: str | None = None,
    stops: Stops,
    rules: Rules = RULES,
) -> bool:
    """Count a refusal; True if the address is suppressed by it (`hard-bounce`). Harmless to repeat for the same moment.

    `way` says how it was learned (`smtp`, `mail`), `status` is the code, kept as the event's source; a hard one that is
    counted leaves an event `bounced`. Raises StopListFault; the caller commits."""
    row = session.get(BounceScore, address_hash, with_for_update=True, populate_existing=True)
    after = weigh(Score(row.score, row.at) if row else None, kind, at, rules)
    if after is None:
        return False
    if row is None:
        session.add(BounceScore(address_hash=address_hash, score=after.value, at=at))
    else:
        row.score, row.at = after.value, at
    session.flush()
    if after.value >= rules.limit:
        return suppression.suppress(
            session, address_hash, address=None, reason="hard-bounce", note=status, stops=stops, now=at
        )
    subscriber_id = session.scalar(select(Subscriber.id).where(Subscriber.address_hash == address_hash))
    if kind == "hard" and subscriber_id is not None:
        events.record(session, subscriber_id, kind="bounced", proof=Proof(way=way, source=status), now=at)
    return False
