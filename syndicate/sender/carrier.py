"""One connection of a sender: takes a job, composes its mail, asks the ledger for the slot, hands the mail over."""

import logging
import threading
import time

from syndicate.errors import SyndicateError
from syndicate.mail.personal import Outgoing
from syndicate.mail.session import one_line
from syndicate.mail.smtp import Connection, ConnectionLost, RelayDown, Reply
from syndicate.outbox.jobs import Exchange, Grant, Job, Result
from syndicate.sender import outcome
from syndicate.sender.errors import SenderEnded
from syndicate.sender.feed import Feed
from syndicate.sender.gate import RelayGate
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter

log = logging.getLogger(__name__)

_IDLE_SECONDS = 5.0


class Carrier:
    """Runs in a thread of its own until the feed is closed or the ledger cannot be written."""

    def __init__(self, n: int, *, terms: Terms, feed: Feed, writer: LedgerWriter, gate: RelayGate) -> None:
        self.n = n
        self._terms = terms
        self._feed = feed
        self._writer = writer
        self._gate = gate
        self._connection: Connection | None = None
        self._proven = False
        self._aborted = False
        self._wire_free = threading.Event()
        self._wire_free.set()
        self._thread = threading.Thread(target=self._run, name=f"carrier-{n}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def settle(self, timeout: float) -> bool:
        """Wait until nothing of this connection is on the wire or unrecorded; whether that is so."""
        return self._wire_free.wait(max(timeout, 0))

    def abort(self) -> None:
        """Close the connection without another byte, whatever is on it."""
        self._aborted = True
        connection = self._connection
        if connection:
            connection.abort()

    @property
    def connected(self) -> bool:
        """Whether it has a session in which the relay has answered to a mail."""
        connection = self._connection
        return self._proven and connection is not None and connection.usable

    def _run(self) -> None:
        try:
            self._work()
        except SenderEnded as end:
            if not self._feed.closed:
                log.debug("carrier %d ends: %s", self.n, end)
            if self._writer.failed:
                self.abort()
        except Exception as error:
            # What one mail can break is caught where it is handed over; this is the machinery: the whole sender ends.
            log.exception("carrier %d is broken", self.n)
            self._writer.fail(error)
            self.abort()
        finally:
            self._wire_free.set()
            if self._connection:
                self._connection.close()

    def _work(self) -> None:
        result: Result | None = None
        while True:
            job = self._next(result)
            mail = self._composed(job) if job else None
            if job is None or isinstance(mail, Result):
                self._ask(result, None)
                result = mail if isinstance(mail, Result) else None
                continue
            if not self._ready():
                self._ask(result, None)  # it must not wait for a relay that is down
                result = None
                if not self._connect(job):
                    continue
            if self._feed.closed:
                self._ask(result, None)
                raise SenderEnded("the sender stops")
            grant = self._ask(result, job)
            result = None
            if grant is Grant.SEND and isinstance(mail, Outgoing):
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
        if job is None and result is None:
            self._end_session()  # idle: servers cut such lines anyhow
        return job

    def _ask(self, result: Result | None, job: Job | None) -> Grant:
        if result is None and job is None:
            return Grant.NOTHING
        self._wire_free.clear()
        grant = self._writer.exchange(Exchange(self.n, result, job))
        if grant is not Grant.SEND:
            self._wire_free.set()
        if result:
            self._feed.settled(result.job)
        return grant

    def _composed(self, job: Job) -> Outgoing | Result:
        """The mail, or why there is none. What cannot be composed waits as if the relay had put it off: the fault is
        ours and may be mended, and it must cost neither this person their mail nor the others theirs."""
        terms, now = self._terms, self._terms.clock()
        if now >= job.expires_at:
            return Result(job, "expired", job.attempt, now, None, "its time was over before it could be sent")
        try:
            return terms.compose(job)
        except Exception as error:
            log.error("a mail could not be composed: %s", error, exc_info=not isinstance(error, SyndicateError))
            words = one_line(f"could not be composed: {error}")
            return outcome.later(job, job.attempt + 1, now, terms.chance(), code=None, words=words)

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
        self._end_session()
        return False

    def _end_session(self) -> None:
        if self._connection:
            unused = self._connection.usable and not self._proven
            self._connection.close()
            if unused:
                self._gate.up()  # the trial was not needed, and is over
        self._connection, self._proven = None, False

    def _connect(self, job: Job) -> bool:
        """Open a session for this job. False: not now; the job is somebody else's to take, and the way may be free."""
        error = None
        if self._gate.enter():
            try:
                self._connection, self._proven = self._terms.relay.connect(), False
            except RelayDown as down:
                error = str(down)
            else:
                return True
        self._feed.put_back(job)
        if error:
            self._gate.down(error)
        self._gate.wait()
        return False

    def _hand_over(self, job: Job, mail: Outgoing) -> Result:
        terms = self._terms
        try:
            reply = self._deliver(mail)
        except ConnectionLost as lost:
            return self._lost(job, lost)
        except RelayDown as down:
            self._gate.down(str(down))
            return outcome.again(job, terms.clock(), str(down))
        except ValueError as error:  # nothing of it was sent
            words = one_line(f"could not be handed over: {error}")
            log.error("a mail %s", words)
            return outcome.later(job, job.attempt + 1, terms.clock(), terms.chance(), code=None, words=words)
        except Exception as error:
            # A fault of our own in the middle of this mail: how far it came, nobody knows.
            log.exception("handing over a mail is broken")
            if self._connection:
                self._connection.abort()
            words = one_line(f"the program failed while this mail was handed over: {error}")
            return outcome.of_doubt(job, words, terms.clock(), terms.chance(), terms.doubt)
        if outcome.concerns_the_sender(reply):
            return self._refused(job, reply)
        if not self._proven:
            self._proven = True
            self._gate.up()
        return outcome.of_reply(job, reply, terms.clock(), terms.chance())

    def _refused(self, job: Job, reply: Reply) -> Result:
        """The relay takes no mail of ours now: nobody's mail may be lost by that, so the way is closed for a while."""
        words = f"the relay {self._terms.relay.name} takes no mail from us ({reply.code} {reply.text})"
        if self._connection:
            self._connection.close()
        self._connection, self._proven = None, False
        self._gate.down(f"{words}: check mail.from, mail.bounce_domain and the login, or ask its keeper")
        return outcome.again(job, self._terms.clock(), words)

    def _lost(self, job: Job, lost: ConnectionLost) -> Result:
        terms, words = self._terms, str(lost)
        if self._aborted and not lost.after_dot:
            return outcome.again(job, terms.clock(), words)
        if not self._aborted:
            self._gate.down(words)
        if lost.after_dot:
            return outcome.of_doubt(job, words, terms.clock(), terms.chance(), terms.doubt)
        return outcome.later(job, job.attempt + 1, terms.clock(), terms.chance(), code=None, words=words)

    def _deliver(self, mail: Outgoing) -> Reply:
        """Hand the mail over; a line that had gone stale while it waited is replaced once, at no cost."""
        connection = self._connection
        if connection is None:
            raise ConnectionLost("no session", stage="mail", after_dot=False)
        try:
            return connection.deliver(mail.envelope_from, mail.to, mail.data)
        except ConnectionLost as lost:
            if lost.after_dot or not connection.sent or self._aborted:
                raise
            self._connection = self._terms.relay.connect()
            if self._aborted:  # meanwhile; and the abort may have met the old session only
                self._connection.abort()
                raise
        return self._connection.deliver(mail.envelope_from, mail.to, mail.data)
