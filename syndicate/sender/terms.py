"""What a sender is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from subscribers.stoplist import Stops
from syndicate.mail.personal import Outgoing
from syndicate.mail.smtp import Relay
from syndicate.outbox.jobs import Job
from syndicate.outbox.leases import Doubt
from syndicate.outbox.limits import NO_LIMIT, Limit


@dataclass(frozen=True)
class Terms:
    """How mail is handed over. `chance()` gives a number from 0 to 1; `compose` makes the mail of a job.

    `stops` is told of addresses that have refused too often. `login` is a keyed hash of the login, by which a changed
    one is known. `limit` holds for the relay, `domain_rate` (mails a second, 0: none) for each receiving domain. After
    `quiet_seconds` without a crowd one more connection is used, up to all."""

    relay: Relay
    compose: Callable[[Job], Outgoing]
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    doubt: Doubt
    stops: Stops
    messages_per_connection: int = 100
    seconds_per_connection: float = 300.0
    login: str | None = None
    limit: Limit = NO_LIMIT
    domain_rate: float = 0.0
    quiet_seconds: float = 300.0
