"""A sender process: its owner row and heartbeat, its connections, and the loop that claims work for them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from subscribers.ids import new_uid
from syndicate.database import Database, in_words
from syndicate.editions.sending import pause
from syndicate.errors import NotFound, Refused
from syndicate.outbox import leases
from syndicate.sender.carrier import Carrier, Shared
from syndicate.sender.claims import Claims
from syndicate.sender.countfile import CountFile
from syndicate.sender.errors import SenderEnded
from syndicate.sender.feed import Feed
from syndicate.sender.gate import RelayGate
from syndicate.sender.heart import Heart
from syndicate.sender.judge import Judge
from syndicate.sender.limits import Limits
from syndicate.sender.lock import SenderLock
from syndicate.sender.recovery import Recovery
from syndicate.sender.relay_row import RelayRow
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter

log = logging.getLogger(__name__)

_LAST_WORDS_SECONDS = 2.0


@dataclass(frozen=True)
class Times:
    """In seconds. `stop`: how long open final dots are waited for when told to stop. `slice`: how long one slice
    claims. Arguments rather than settings: tests use short ones."""

    lease: float = 30.0
    poll: float = 0.5
    stop: float = 10.0
    slice: float = 60.0


@dataclass(frozen=True)
class Identity:
    """What others see of this process in the ledger."""

    host: str
    version: str


class Sender:
    """Owns connections and slots from `open` to `close`. Not to be used again after it was closed.

    On SQLite `open` raises AnotherSender if another process sends; it then recovers what dead owners left, as it
    does on a timer while it works."""

    def __init__(
        self,
        database: Database,
        terms: Terms,
        *,
        connections: int,
        identity: Identity,
        count_file: CountFile,
        times: Times | None = None,
    ) -> None:
        self._database = database
        self._terms = terms
        self._connections = connections
        self._identity = identity
        self._times = times or Times()
        self.owner = new_uid()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock: SenderLock | None = None
        self.failure: Exception | None = None
        self._feed = Feed(self._wake.set, low=connections * 8)
        self._writer: LedgerWriter | None = None
        self._row = RelayRow(database, terms, self.owner, self._ledger)
        self._limits = Limits(database, terms, self._ledger)
        self._gate = RelayGate(self._row, connections=connections, changed=self._wake.set, quiet=terms.quiet_seconds)
        self._carriers: list[Carrier] = []
        self._claims = Claims(
            database, terms, self.owner, feed=self._feed, writer=self._ledger, letters_at_once=connections * 4
        )
        self._past = Recovery(database, terms, self.owner, count_file=count_file, writer=self._ledger)
        self._heart = Heart(
            database,
            self.owner,
            lease=self._times.lease,
            count=lambda: self._feed.count,
            failed=lambda error: self._ledger().fail(error),
            dead=lambda: self.failure is not None,
        )

    @property
    def last_error(self) -> str | None:
        """What is wrong with the relay, if anything."""
        return self._gate.error

    @property
    def relay_away(self) -> str | None:
        """The error, if the relay could not be used when it was tried again either and no session works."""
        if not self._gate.away or any(carrier.connected for carrier in self._carriers):
            return None
        return self.last_error

    @property
    def _alone(self) -> bool:
        """Whether a lock of the operating system proves that no other sender lives (SQLite)."""
        return self._lock is not None

    def wake(self) -> None:
        """Something new is to be sent: look at once. Safe from any thread."""
        self._wake.set()

    def open(self) -> None:
        """Take the lock (SQLite), write the owner row, recover the dead, start connections and heartbeat."""
        if self._database.path:
            self._lock = SenderLock(self._database.file)
        with self._database.write() as session:
            leases.register(
                session,
                self._database.clock(),
                self.owner,
                lease_seconds=self._times.lease,
                host=self._identity.host,
                version=self._identity.version,
                connections=self._connections,
            )
        self._writer = LedgerWriter(
            self._database,
            self.owner,
            clock=self._terms.clock,
            patience=self._times.lease,
            failed=self._failed,
            connections=self._connections,
        )
        self._past.suspect(alone=self._alone)
        self._past.recover(alone=self._alone)
        self._heart.start()
        self._row.see_login()
        self._limits.enrol()
        self._gate.learn(self._row.read)
        shared = Shared(
            terms=self._terms,
            feed=self._feed,
            writer=self._writer,
            gate=self._gate,
            judge=Judge(self._terms, self._gate, self._limits.paces, self._pause),
            allowance=self._limits.allowance,
            paces=self._limits.paces,
        )
        self._carriers = [Carrier(n, shared) for n in range(self._connections)]
        for carrier in self._carriers:
            carrier.start()

    def slice(self, until: Callable[[], bool]) -> None:
        """Claim and feed for one slice at most, or until `until()` says so. Raises SenderEnded when it may not go on.

        `until` is asked whenever something changed, at least each `poll` seconds."""
        end = time.monotonic() + self._times.slice
        recovered = time.monotonic()
        while time.monotonic() < end and not self._stopping.is_set() and not until():
            if self.failure:
                raise SenderEnded(in_words(self.failure))
            if time.monotonic() - recovered > self._times.lease / 2:
                self._past.recover(alone=self._alone)
                recovered = time.monotonic()
            self._past.note_count()
            self._gate.learn(self._row.read)
            did = self._claims.give_back()
            if not self._gate.resting:
                did = self._claims.claim() or did
            if not did:
                self._wake.wait(self._times.poll)
            self._wake.clear()

    def stop(self) -> None:
        """No new mail from now on; `slice` returns. Safe from any thread and from a signal handler."""
        self._stopping.set()
        self._wake.set()

    def close(self) -> None:
        """Wait for open final dots, settle what is still open as unknown, give everything back."""
        self._stopping.set()
        self._feed.close()
        self._gate.close()
        writer = self._writer
        if writer and not self.failure:
            self._drain(writer)
        self._heart.stop(wait=False)
        for carrier in self._carriers:
            carrier.abort()
        if self._lock:
            self._lock.release()

    def _drain(self, writer: LedgerWriter) -> None:
        end = time.monotonic() + self._times.stop
        if not all(carrier.settle(end - time.monotonic()) for carrier in self._carriers):
            # A carrier that is cut off still knows, and records, whether its final dot was out.
            for carrier in self._carriers:
                carrier.abort()
            end = time.monotonic() + _LAST_WORDS_SECONDS
            for carrier in self._carriers:
                carrier.settle(end - time.monotonic())
        self._heart.stop(wait=True)  # the lease was renewed until here; a beat after it would look like a lost lease
        doubt, now = self._terms.doubt, self._terms.clock()
        try:
            self._limits.give_back()
            settled = writer.do(lambda session: leases.retire(session, self.owner, doubt=doubt, now=now))
            if settled.uncertain:
                log.warning("%d mails were still on the wire: marked uncertain", settled.uncertain)
            self._past.note_count(at_once=True)
        except SenderEnded as error:
            log.error("could not settle at the end: %s", error)
        writer.stop()

    def _failed(self, error: Exception) -> None:
        """The ledger cannot be written: close every connection without another byte."""
        self.failure = error
        for carrier in self._carriers:
            carrier.abort()
        self._feed.close()
        self._gate.close()
        self._wake.set()

    def _pause(self, edition_id: int, reason: str) -> None:
        """Too many mails of an edition in a row were refused by a rule."""
        now = self._terms.clock()

        def work(session: Session) -> bool:
            try:
                pause(session, edition_id, now=now, reason=reason)
            except (Refused, NotFound):  # somebody else has stopped it meanwhile
                return False
            return True

        if self._ledger().do(work):
            log.warning("edition %d is paused: %s", edition_id, reason)

    def _ledger(self) -> LedgerWriter:
        if self._writer is None:
            raise SenderEnded("the sender was not opened")
        return self._writer
