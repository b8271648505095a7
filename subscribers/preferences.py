"""What a confirmed subscriber chooses on their own page: which digests come, and in which language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from subscribers import events
from subscribers.consent import come_back, leave
from subscribers.events import Proof
from subscribers.people import hold_confirmed
from subscribers.stoplist import Stops
from subscribers.subscriptions import Wishes, distinct


@dataclass(frozen=True)
class Change:
    """The digests that came and that ended by one choice; both empty if it was so already."""

    added: tuple[str, ...]
    ended: tuple[str, ...]


def choose(
    session: Session,
    subscriber_id: int,
    digests: Sequence[str],
    *,
    way: str,
    words: str | None = None,
    stops: Stops,
    now: datetime,
) -> Change:
    """Make `digests` the whole of what this subscriber wishes for. Only for who holds the subscriber's token: the
    token reached the address, so that what is chosen needs no other confirmation, whether it was asked for before,
    left before, or is new. To choose nothing is to unsubscribe.

    Raises NotConfirmed unless the subscriber is confirmed, and UnknownSubscriber.
    """
    subscriber = hold_confirmed(session, subscriber_id)
    wishes = Wishes(session, subscriber)
    proof = Proof(way=way, words=words)
    added = tuple(digest for digest in distinct(digests) if wishes.state(digest) != "active")
    ended = tuple(digest for digest in wishes.among("asked", "active") if digest not in digests)
    come_back(session, subscriber, added, stops=stops, now=now)
    for digest in added:
        wishes.put(digest, "active", now)
        events.record(session, subscriber.id, kind="changed", digest=digest, proof=proof, now=now)
    leave(session, subscriber, wishes, ended, proof=proof, stops=stops, now=now)
    session.flush()
    return Change(added, ended)


def speak(session: Session, subscriber_id: int, language: str, *, way: str, now: datetime) -> bool:
    """Write to this subscriber in `language` (a tag that the caller offers) from now on. False if it was so already.
    Raises NotConfirmed and UnknownSubscriber."""
    subscriber = hold_confirmed(session, subscriber_id)
    if subscriber.language == language:
        return False
    subscriber.language = language
    events.record(session, subscriber_id, kind="changed", proof=Proof(way=way, words=f"language {language}"), now=now)
    session.flush()
    return True
