"""Who writes to the address of List-Unsubscribe leaves that digest, by the same step as with one click (RFC 2369)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription
from subscribers.stoplist import Stops
from syndicate.keys import SiteKeys
from syndicate.leaving.goodbye import leave
from syndicate.mail.leave import is_leave_address, leaves, named_by_leave
from syndicate.returns.reading import Incoming

WAY = "mail"

Act = Literal["left", "had left", "forged", "not understood"]


@dataclass(frozen=True)
class Done:
    """What was done about a mail: somebody left `digest`, or had before; its token is `forged` or cut; or it is none of
    those that are understood. The last two change nothing."""

    act: Act
    subscriber_id: int | None = None
    digest: str | None = None


def take(
    session: Session, keys: SiteKeys, digests: Sequence[str], mail: Incoming, *, stops: Stops, now: datetime
) -> Done:
    """Act on one mail. `digests` are those of the site; one that it no longer has can be left as well. Harmless to
    repeat; the caller commits."""
    ours = [local for local in (address.rpartition("@")[0] for address in mail.recipients) if is_leave_address(local)]
    if mail.automatic or not ours:
        return Done("not understood")
    for local in ours:
        done = _leave(session, keys, digests, local, stops=stops, now=now)
        if done is not None:
            return done
    return Done("forged")


def _leave(
    session: Session, keys: SiteKeys, digests: Sequence[str], local: str, *, stops: Stops, now: datetime
) -> Done | None:
    subscriber_id = named_by_leave(local)
    uid = None
    if subscriber_id is not None:
        uid = session.scalar(select(Subscriber.uid).where(Subscriber.id == subscriber_id))
    if subscriber_id is None or uid is None:
        return None
    had = session.scalars(select(Subscription.digest).where(Subscription.subscriber_id == subscriber_id))
    for digest in dict.fromkeys([*digests, *had]):
        if leaves(local, keys, subscriber_id=subscriber_id, uid=uid, digest=digest):
            ended = leave(session, subscriber_id, digest, way=WAY, stops=stops, now=now)
            return Done("left" if ended else "had left", subscriber_id, digest)
    return None
