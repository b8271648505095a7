"""A sender process: its owner row and heartbeat, its connections, and the loop that claims work for them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from subscribers.ids import new_uid
from syndicate.database import Database, in_words
from syndicate.outbox import guard, leases, ledger, letters, relays
from syndicate.sender.carrier import Carrier
from syndicate.sender.countfile import CountFile
from syndicate.sender.errors import Fenced, SenderEnded
from syndicate.sender.feed import Feed
from syndicate.sender.gate import RelayGate
from syndicate.sender.lock import SenderLock
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter

log = logging.getLogger(__name__)

_LAST_WORDS_SECONDS = 2.0


@dataclass(frozen=True)
class Times:
    """In seconds. `stop`: how long open final dots are waited for when told to stop. `slice`: how long one slice
    claims. Arguments rather than settings: tests use short ones."""

    lease: float = 30.0
    poll: float = 1.0
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
        self._count_file = count_file
        self._connections = connections
        self._identity = identity
        self._times = times or Times()
        self.owner = new_uid()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._lock: SenderLock | None = None
        self.failure: Exception | None = None
        self.last_error: str | None = None
        self._feed = Feed(self._wake.set, low=connections * 8)
        self._gate = RelayGate(self._relay_changed)
        self._writer: LedgerWriter | None = None
        self._carriers: list[Carrier] = []
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def relay_away(self) -> str | None:
        """The error, if the relay could not be used when it was tried again either and no session works."""
        if not self._gate.away or any(carrier.connected for carrier in self._carriers):
            return None
        return self.last_error

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
            self._database, self.owner, clock=self._terms.clock, patience=self._times.lease, failed=self._failed
        )
        self._look_at_count()
        self._recover()
        self._heart.start()
        self._carriers = [
            Carrier(n, terms=self._terms, feed=self._feed, writer=self._writer, gate=self._gate)
            for n in range(self._connections)
        ]
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
                self._recover()
                recovered = time.monotonic()
            self._note_count()
            if not self._claim():
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
        self._over.set()
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
        self._over.set()  # the lease was renewed until here; a beat after the end would look like a lost lease
        if self._heart.is_alive():
            self._heart.join(self._times.lease)
        doubt, now = self._terms.doubt, self._terms.clock()
        try:
            settled = writer.do(lambda session: leases.retire(session, self.owner, doubt=doubt, now=now))
            if settled.uncertain:
                log.warning("%d mails were still on the wire: marked uncertain", settled.uncertain)
            self._note_count(at_once=True)
        except SenderEnded as error:
            log.error("could not settle at the end: %s", error)
        writer.stop()

    def _claim(self) -> bool:
        """Give back what is through and claim more; whether anything was done. Reads before it writes."""
        writer, now, did = self._ledger(), self._terms.clock(), False
        for edition_id, batch in self._feed.through():
            writer.do(lambda s, e=edition_id, b=batch: ledger.release(s, self.owner, e, b, now))  # type: ignore[misc]
            did = True
        with self._database.read() as session:
            letters_due = self._feed.wants_letters and letters.has_due(session, now)
            batch_due = self._feed.wants_batch and ledger.has_claimable(session, now)
        if letters_due:
            found = writer.do(lambda s: letters.claim(s, self.owner, self._connections * 4, now))
            self._feed.add_letters(found)
            did = did or bool(found)
        if batch_due:
            claimed = writer.do(lambda s: ledger.claim(s, self.owner, now))
            if claimed:
                self._feed.add_batch(claimed)
                did = True
        return did

    def _look_at_count(self) -> None:
        """Hold the outbox if the database is an older one; before anything is recovered or sent."""
        reason = self._count_file.suspicion(self._database, self.owner, alone=self._lock is not None)
        if reason:
            now = self._terms.clock()
            self._ledger().do(lambda session: guard.hold(session, reason, now))
        with self._database.read() as session:
            self._tell_held(guard.held(session))
        self._note_count(at_once=True)

    def _tell_held(self, reason: str | None) -> None:
        if reason:
            log.error("the outbox is held: %s; `syndicate outbox release` lets it go on", reason)

    def _note_count(self, *, at_once: bool = False) -> None:
        try:
            self._count_file.note(self._database, at_once=at_once)
        except SQLAlchemyError as error:
            log.warning("the outbox's counter was not read: %s", error)

    def _recover(self) -> None:
        """On SQLite the lock proves that every other owner is dead; on PostgreSQL their leases tell. Also ends editions
        that are through and that nobody has ended."""
        writer, clock, me, alone = self._ledger(), self._database.clock(), self.owner, self._lock is not None
        doubt, now = self._terms.doubt, self._terms.clock()
        with self._database.read() as session:
            needed = leases.any_other(session, me) if alone else leases.any_dead(session, clock, me)
            orphans = leases.any_orphans(session)
            unclosed = ledger.unclosed(session)
        if orphans:
            freed = writer.do(lambda s: leases.free_orphans(s, now))
            log.warning("freed the work of a sender that is not in the ledger: %d batches", freed)
        if unclosed:
            writer.do(lambda s: ledger.close_finished(s, now))
        if not needed:
            return
        found = writer.do(lambda s: leases.recover_dead(s, clock, me, alone=alone, doubt=doubt, now=now))
        for dead in found:
            log.warning(
                "recovered a sender that died: %d batches freed, %d mails uncertain", dead.batches, dead.uncertain
            )
            self._tell_held(dead.held)

    def _beat(self) -> None:
        """Renew the lease until the end; a lease that cannot be renewed in time ends the sender."""
        clock, last = self._database.clock(), time.monotonic()
        while not self._over.wait(self._times.lease / 3):
            if self.failure:
                return
            try:
                with self._database.write() as session:
                    if not leases.renew(session, clock, self.owner, self._times.lease):
                        self._ledger().fail(Fenced())
                        return
                last = time.monotonic()
            except SQLAlchemyError as error:
                if time.monotonic() - last > self._times.lease:
                    self._ledger().fail(error)
                    return

    def _failed(self, error: Exception) -> None:
        """The ledger cannot be written: close every connection without another byte."""
        self.failure = error
        for carrier in self._carriers:
            carrier.abort()
        self._feed.close()
        self._gate.close()
        self._wake.set()

    def _relay_changed(self, error: str | None) -> None:
        if error:
            log.warning("%s", error)
        self.last_error = error
        relay, now = self._terms.relay.name, self._terms.clock()
        try:
            self._ledger().do(lambda session: relays.note(session, relay, error=error, now=now))
        except SenderEnded:
            log.debug("the sender ended before it could record how the relay does")
        self._wake.set()

    def _ledger(self) -> LedgerWriter:
        if self._writer is None:
            raise SenderEnded("the sender was not opened")
        return self._writer
