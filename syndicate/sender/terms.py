"""What a sender is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syndicate.mail.personal import Outgoing
from syndicate.mail.smtp import Relay
from syndicate.outbox.jobs import Job
from syndicate.outbox.leases import Doubt


@dataclass(frozen=True)
class Terms:
    """How mail is handed over. `chance()` gives a number from 0 to 1; `compose` makes the mail of a job."""

    relay: Relay
    compose: Callable[[Job], Outgoing]
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    doubt: Doubt
    messages_per_connection: int = 100
    seconds_per_connection: float = 300.0
