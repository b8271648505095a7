"""A subscriber's wishes, one a digest, and what their ends mean for the subscriber."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription

Wish = Literal["asked", "active", "ended"]


class Wishes:
    """What one subscriber wishes. The subscriber must be held (`people.hold`), or two changes could cross."""

    def __init__(self, session: Session, subscriber: Subscriber) -> None:
        self._session = session
        self._subscriber = subscriber
        self._rows = {row.digest: row for row in session.scalars(_of(subscriber.id))}

    def state(self, digest: str) -> Wish | None:
        """`asked`, `active`, `ended`, or None if this digest was never wished for."""
        row = self._rows.get(digest)
        return _wish(row.state) if row else None

    def among(self, *states: Wish) -> tuple[str, ...]:
        """The digests whose wish is in one of these states, in the order of their slugs."""
        return tuple(sorted(digest for digest, row in self._rows.items() if row.state in states))

    def ended_at(self, digest: str) -> datetime | None:
        """Since when the wish for this digest is ended; None if it is not, or never was."""
        row = self._rows.get(digest)
        return row.since if row and row.state == "ended" else None

    def standing(self) -> list[tuple[str, datetime]]:
        """The digests that are asked or active, each with since when."""
        return [(digest, row.since) for digest, row in self._rows.items() if row.state in ("asked", "active")]

    def states(self) -> list[Wish]:
        """The state of every wish there ever was."""
        return [_wish(row.state) for row in self._rows.values()]

    def put(self, digest: str, state: Wish, now: datetime) -> None:
        """Bring the wish for `digest` into `state`. One that is so already keeps its `since`."""
        row = self._rows.get(digest)
        if row is None:
            row = Subscription(subscriber_id=self._subscriber.id, digest=digest, state=state, since=now)
            self._session.add(row)
            self._rows[digest] = row
        elif row.state != state:
            row.state, row.since = state, now


def read_states(session: Session, subscriber_id: int) -> dict[str, Wish]:
    """Digest to state, read only: for pages that show and change nothing."""
    return {row.digest: _wish(row.state) for row in session.scalars(_of(subscriber_id))}


def distinct(digests: Iterable[str]) -> tuple[str, ...]:
    """Each digest once, in the order given."""
    return tuple(dict.fromkeys(digests))


def state_after_leaving(state: str, wishes: Collection[Wish]) -> str:
    """A subscriber's state once something ended: who has no digest left, active or still to be confirmed by a person
    who never confirmed any, is `unsubscribed`."""
    left: Wish = "active" if state == "confirmed" else "asked"
    return state if left in wishes else "unsubscribed"


def _of(subscriber_id: int) -> Select[tuple[Subscription]]:
    sought = select(Subscription).where(Subscription.subscriber_id == subscriber_id)
    return sought.execution_options(populate_existing=True)


def _wish(state: str) -> Wish:
    return cast(Wish, state)
