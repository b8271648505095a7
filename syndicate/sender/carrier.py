"""One connection of a sender: takes a job, composes its mail, asks the ledger for the slot, hands the mail over."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syndicate.errors import SyndicateError
from syndicate.mail.personal import Outgoing
from syndicate.mail.smtp import Connection, ConnectionLost, Relay, RelayDown, Reply
from syndicate.outbox.jobs import Exchange, Grant, Job, Result
from syndicate.outbox.leases import Doubt
from syndicate.sender import outcome
from syndicate.sender.errors import SenderEnded
from syndicate.sender.feed import Feed
from syndicate.sender.gate import RelayGate
from syndicate.sender.writer import LedgerWriter

log = logging.getLogger(__name__)

_IDLE_SECONDS = 5.0


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


class Carrier:
    """Runs in a thread of its own until the feed is closed or the ledger cannot be written."""

    def __init__(self, n: int, *, terms: Terms, feed: Feed, writer: LedgerWriter, gate: RelayGate) -> None:
        self.n = n
        self._terms = terms
        self._feed = feed
        self._writer = writer
        self._gate = gate
        self._connection: Connection | None = None
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"carrier-{n}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the thread's end; whether it has ended."""
        self._thread.join(max(timeout, 0))
        return not self._thread.is_alive()

    def abort(self) -> None:
        """Close the connection without another byte, whatever is on it."""
        connection = self._connection
        if connection:
            connection.abort()

    def _run(self) -> None:
        try:
            self._work()
        except SenderEnded as end:
            if not self._feed.closed:
                log.debug("carrier %d ends: %s", self.n, end)
            if self._writer.failed:
                self.abort()
        except Exception as error:
            # Composing or handing over is broken: nothing may be guessed, so the whole sender ends and says why.
            log.exception("carrier %d is broken", self.n)
            self._writer.fail(error)
            self.abort()
        finally:
            if self._connection:
                self._connection.close()

    def _work(self) -> None:
        result: Result | None = None
        while True:
            job = self._next(result)
            mail = self._composed(job) if job else None
            if job and isinstance(mail, Result):
                self._ask(result, None)
                result = mail
                continue
            if job and not self._ready():
                # The last result must not wait for a relay that is down.
                self._ask(result, None)
                result = None
                self._connect(job)
            grant = self._ask(result, job)
            result = None
            if job and isinstance(mail, Outgoing):
                if grant is Grant.SEND:
                    result = self._hand_over(job, mail)
                else:
                    self._feed.settled(job)

    def _next(self, result: Result | None) -> Job | None:
        """The next job. With a result in hand do not wait for it: the ledger must hear of the result first."""
        try:
            job = self._feed.take(0 if result else _IDLE_SECONDS)
        except SenderEnded:
            self._ask(result, None)
            raise
        if job is None and result is None and self._connection:
            self._connection.close()  # idle: servers cut such lines anyhow
            self._connection = None
        return job

    def _ask(self, result: Result | None, job: Job | None) -> Grant:
        if result is None and job is None:
            return Grant.NOTHING
        grant = self._writer.exchange(Exchange(self.n, result, job))
        if result:
            self._feed.settled(result.job)
        return grant

    def _composed(self, job: Job) -> Outgoing | Result:
        try:
            return self._terms.compose(job)
        except SyndicateError as error:
            log.error("a mail could not be composed: %s", error)
            return Result(job, "rejected", job.attempt, self._terms.clock(), None, f"could not be composed: {error}")

    def _ready(self) -> bool:
        """Whether there is a session fit for one more mail; one that has served its time is ended."""
        connection = self._connection
        if connection is None:
            return False
        age = time.monotonic() - connection.opened
        if (
            connection.usable
            and connection.sent < self._terms.messages_per_connection
            and age < self._terms.seconds_per_connection
        ):
            return True
        connection.close()
        self._connection = None
        return False

    def _connect(self, job: Job) -> None:
        """Open a session, however long the relay is away; meanwhile the job is somebody else's to take."""
        while True:
            try:
                self._gate.wait()
                self._connection = self._terms.relay.connect()
            except RelayDown as error:
                self._gate.down(str(error))
            except SenderEnded:
                self._feed.put_back(job)
                raise
            else:
                self._gate.up()
                return

    def _hand_over(self, job: Job, mail: Outgoing) -> Result:
        terms = self._terms
        try:
            reply = self._deliver(mail)
        except ConnectionLost as lost:
            if lost.after_dot:
                return outcome.of_doubt(job, str(lost), terms.clock(), terms.chance(), terms.doubt)
            self._gate.down(str(lost))
            return outcome.later(job, job.attempt + 1, terms.clock(), terms.chance(), code=None, words=str(lost))
        except RelayDown as down:
            self._gate.down(str(down))
            return outcome.later(job, job.attempt, terms.clock(), terms.chance(), code=None, words=str(down))
        return outcome.of_reply(job, reply, terms.clock(), terms.chance())

    def _deliver(self, mail: Outgoing) -> Reply:
        """Hand the mail over; a line that had gone stale while it waited is replaced once, at no cost."""
        connection = self._connection
        if connection is None:
            raise ConnectionLost("no session", stage="mail", after_dot=False)
        try:
            return connection.deliver(mail.envelope_from, mail.to, mail.data)
        except ConnectionLost as lost:
            if lost.after_dot or not connection.sent or self._writer.failed:
                raise
        self._connection = self._terms.relay.connect()
        return self._connection.deliver(mail.envelope_from, mail.to, mail.data)
