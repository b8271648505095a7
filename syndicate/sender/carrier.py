"""One connection of a sender: takes a job, composes its mail, asks the ledger for the slot, hands the mail over."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from syndicate.errors import SyndicateError
from syndicate.mail.personal import Outgoing
from syndicate.mail.session import one_line
from syndicate.mail.smtp import ConnectionLost, RelayDown
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Job, Result
from syndicate.sender import outcome
from syndicate.sender.allowance import Allowance, Paces
from syndicate.sender.errors import SenderEnded
from syndicate.sender.feed import Feed
from syndicate.sender.gate import RelayGate
from syndicate.sender.judge import Judge
from syndicate.sender.line import Line
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter

log = logging.getLogger(__name__)

_IDLE_SECONDS = 5.0
_ASIDE_SECONDS = 30.0


@dataclass(frozen=True)
class Shared:
    """What the connections of one sender have in common. Without `allowance` and `paces` there is no such limit."""

    terms: Terms
    feed: Feed
    writer: LedgerWriter
    gate: RelayGate
    judge: Judge
    allowance: Allowance | None = None
    paces: Paces | None = None


class Carrier:
    """Runs in a thread of its own until the feed is closed or the ledger cannot be written."""

    def __init__(self, n: int, shared: Shared) -> None:
        self.n = n
        self._shared = shared
        self._terms = shared.terms
        self._feed = shared.feed
        self._writer = shared.writer
        self._gate = shared.gate
        self._line = Line(shared.terms)
        self._entered = 0.0  # the second at which the way was found open for the present mail
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
        self._line.abort()

    @property
    def connected(self) -> bool:
        """Whether it has a session in which the relay has answered to a mail."""
        return self._line.proven

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
            self._line.close()

    def _work(self) -> None:
        result: Result | None = None
        while True:
            job = self._next(result)
            mail = self._prepared(job) if job else None
            if job is None or not isinstance(mail, Outgoing):
                self._ask(result, None)
                result = mail if isinstance(mail, Result) else None
                continue
            if not self._line.fit():
                self._ask(result, None)  # it must not wait for a relay that is down
                result = None
                if not self._connect(job):
                    continue
            if self._feed.closed:
                self._ask(result, None)
                raise SenderEnded("the sender stops")
            grant = self._ask(result, job)
            result = None
            if grant is Grant.SEND:
                result = self._hand_over(job, mail)
            else:
                self._feed.settled(job)
                self._restore(job)

    def _next(self, result: Result | None) -> Job | None:
        """The next job, once it may go. With a result in hand do not wait: the ledger must hear of the result first."""
        try:
            if result is None:
                return self._awaited()
            self._entered = time.monotonic()
            if self._gate.free(self.n, proven=self._line.proven) and self._feed.await_work(0):
                return self._allowed(wait=False)
        except SenderEnded:
            self._ask(result, None)
            raise
        return None

    def _awaited(self) -> Job | None:
        """The next job; None if there was none for a while, or the way is closed."""
        if not self._feed.await_work(_IDLE_SECONDS):
            self._gate.leave(self.n)
            self._line.close()  # idle: servers cut such lines anyhow
            return None
        self._entered = time.monotonic()
        if not self._gate.enter(self.n, proven=self._line.proven):
            if not self._gate.within(self.n):
                self._line.close()
            if not self._gate.wait(self.n, _IDLE_SECONDS):
                self._line.close()
            return None
        return self._allowed(wait=True)

    def _allowed(self, *, wait: bool) -> Job | None:
        """The next job, if the relay's limits leave one mail's room: letters that come meanwhile are first."""
        allowance = self._shared.allowance
        pause = allowance.take() if allowance else None
        if pause is None or not pause.seconds:
            job = self._feed.take()
            if job is None and allowance:
                allowance.restore()
            return job
        if pause.spent:
            words = f"the daily quota of {self._terms.limit.quota} mails (mail.smtp.daily_quota) is used up"
            self._gate.down(self.n, words, began=time.monotonic(), trouble="spent", rest=pause.seconds)
        elif wait:
            if pause.seconds > _IDLE_SECONDS:
                self._line.close()
            self._feed.rest(min(pause.seconds, _IDLE_SECONDS))
        return None

    def _ask(self, result: Result | None, job: Job | None) -> Grant:
        if result is None and job is None:
            return Grant.NOTHING
        self._wire_free.clear()
        grant = self._writer.exchange(Exchange(self.n, result, job))
        if grant is not Grant.SEND:
            self._wire_free.set()
        if result:
            if isinstance(result.job, DeliveryJob) and outcome.at_once(result):
                self._feed.put_back(result.job)  # a letter is nobody's now, and is claimed anew
            else:
                self._feed.settled(result.job)
        return grant

    def _prepared(self, job: Job) -> Outgoing | Result | None:
        """The mail, or why there is none now; None if it was laid aside because its domain must wait."""
        paces = self._shared.paces
        if paces and isinstance(job, DeliveryJob):
            pause = paces.take(job.domain)
            if pause.seconds:
                self._restore(job, domain=False)
                if self._feed.pass_over(job, pause.seconds, room=int(pause.rate * _ASIDE_SECONDS) + 1):
                    return None
                turn = timedelta(seconds=paces.book(job.domain, pause, _ASIDE_SECONDS))
                words = f"waits for its turn: {job.domain} takes few mails at a time"
                return outcome.put_off(job, job.attempt, self._terms.clock(), turn, code=None, words=words)
        mail = self._composed(job)
        if isinstance(mail, Result):
            self._restore(job)
        return mail

    def _restore(self, job: Job, *, domain: bool = True) -> None:
        """This job used nothing of the limits."""
        if self._shared.allowance:
            self._shared.allowance.restore()
        if self._shared.paces and domain and isinstance(job, DeliveryJob):
            self._shared.paces.restore(job.domain)

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

    def _connect(self, job: Job) -> bool:
        """Open a session for this job. False: not now; the job is somebody else's to take, and the way may be free."""
        try:
            self._line.open()
        except RelayDown as down:
            self._feed.put_back(job)
            self._restore(job)
            self._shared.judge.no_session(self.n, down, began=self._entered)
            return False
        return True

    def _hand_over(self, job: Job, mail: Outgoing) -> Result:
        judge, line, began = self._shared.judge, self._line, self._entered
        try:
            reply = line.deliver(mail)
        except ConnectionLost as lost:
            return judge.lost(self.n, job, lost, began=began, aborted=line.aborted)
        except RelayDown as down:
            judge.no_session(self.n, down, began=began)
            return judge.unsent(job, str(down))
        except ValueError as error:  # nothing of it was sent
            words = one_line(f"could not be handed over: {error}")
            log.error("a mail %s", words)
            return self._later(job, words)
        except Exception as error:
            # A fault of our own in the middle of this mail: how far it came, nobody knows.
            log.exception("handing over a mail is broken")
            line.drop()
            words = one_line(f"the program failed while this mail was handed over: {error}")
            terms = self._terms
            return outcome.of_doubt(job, words, terms.clock(), terms.chance(), terms.doubt)
        return judge.replied(self.n, job, reply, began=began, opened=line.opened)

    def _later(self, job: Job, words: str) -> Result:
        terms = self._terms
        return outcome.later(job, job.attempt + 1, terms.clock(), terms.chance(), code=None, words=words)
