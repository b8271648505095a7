"""What passes between the ledger and the sender: a mail to send, its outcome, and the ledger's answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

Cause = Literal["address", "mailbox", "content", "policy", "other"]
"""What a mail was refused for: no such address (5.1.x), the mailbox (5.2.x), the mail itself, a rule of the relay or
the receiver (5.7.x; not the reader's doing), or something else."""


@dataclass(frozen=True)
class DeliveryJob:
    """One delivery to be sent, with all that its mail needs. `since` is when the subscription began."""

    edition_id: int
    batch: int
    seq: int
    attempt: int
    subscriber_id: int
    subscriber_uid: str
    address: str
    language: str
    since: datetime
    edition_uid: str
    digest: str
    mail_date: datetime
    expires_at: datetime

    @property
    def domain(self) -> str:
        """The receiving domain."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class LetterJob:
    """One letter to be sent."""

    letter_id: int
    uid: str
    kind: str
    attempt: int
    address: str
    address_hash: str
    language: str
    params: Mapping[str, object]
    asked_at: datetime
    expires_at: datetime

    @property
    def domain(self) -> str:
        """The receiving domain."""
        return self.address.rpartition("@")[2]


Job = DeliveryJob | LetterJob


@dataclass(frozen=True)
class Result:
    """How one attempt ended. `state` is the row's new state; `queued` means again, at `next_try_at`; `cause` goes with
    `rejected`."""

    job: Job
    state: Literal["accepted", "rejected", "queued", "expired", "uncertain", "skipped"]
    attempt: int
    at: datetime
    code: int | None = None
    reply: str | None = None
    next_try_at: datetime | None = None
    cause: Cause | None = None


@dataclass(frozen=True)
class Exchange:
    """One connection's request to the ledger: the result of its last mail, and the next mail it wants to send."""

    n: int
    result: Result | None
    job: Job | None


class Grant(Enum):
    """The ledger's answer about the next mail."""

    SEND = "send"
    """The slot is committed: it may go."""
    SKIPPED = "skipped"
    """The person left meanwhile, or may not be mailed; the row says so."""
    NOT_NOW = "not now"
    """The edition is paused or over, or the row is not waiting any more: leave it as it is."""
    NOTHING = "nothing"
    """No mail was asked for; the slot is empty."""
