"""The way to the relay for the connections of one process: how many there may be, and whether any may be used now.

What closes it holds for every process, and stands in the relay's row (`outbox.relays`). Here is what this process last
read of it, and the place where its connections wait.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from syndicate.outbox.relays import SHORT_PAUSES, Standing, Trouble
from syndicate.sender.crowd import Crowd
from syndicate.sender.errors import SenderEnded

log = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 1.0


class Record(Protocol):
    """The relay's row as the gate writes it; each returns the row as it then is. May raise SenderEnded."""

    def failed(self, trouble: Trouble, error: str, rest: float | None = None) -> Standing: ...

    def stopped(self, error: str) -> Standing: ...

    def answered(self, seen: Standing) -> Standing: ...

    def claim_probe(self, seen: Standing) -> bool: ...


class RelayGate:
    """Shared by the connections of one process, numbered from 0; no more than `crowd.limit` of them go at a time.

    After a failure the way is closed for a rest; then one connection of one process goes through on trial, and only
    the relay's answer to a mail on it opens the way for all. So a relay that takes connections and loses every mail is
    not fed the whole edition. A session that works may go on while the rests are short. `changed` is called whenever
    something changed; `quiet` is after how many seconds without a crowd one more connection is tried."""

    def __init__(self, record: Record, *, connections: int, changed: Callable[[], None], quiet: float = 300.0) -> None:
        self._record, self._changed = record, changed
        self._lock, self._closed = threading.Condition(), False
        self._standing = Standing()
        self._edition = 0  # goes up with each standing that this process wrote
        self._open_at, self._failed_at = 0.0, float("-inf")
        self._trial: int | None = None
        self._within: set[int] = set()
        self._telling = 0  # how many connections are just recording that nobody may go
        self.crowd = Crowd(connections, quiet)
        self._said: str | None = None
        self._said_away = False

    # Asked before each mail.

    def enter(self, n: int, *, proven: bool = False) -> bool:
        """Whether connection `n` may take a mail now; `proven` if its session has had an answer to one. On trial it
        keeps the way until it calls `up`, `down` or `leave`. Raises SenderEnded when the sender stops."""
        with self._lock:
            if not self._room(n):
                self._within.discard(n)
            if not self._worth(n, proven):
                return False
            self._within.add(n)
            seen = self._standing
            if self._free(seen, proven) or self._trial == n:
                return True
            self._trial = n
        got = False
        try:
            got = self._record.claim_probe(seen)
        finally:
            with self._lock:
                if not got and self._trial == n:
                    self._trial = None
                    self._open_at = max(self._open_at, time.monotonic() + _ASK_AGAIN_SECONDS)
                    self._lock.notify_all()
        return got

    def free(self, n: int, *, proven: bool) -> bool:
        """Whether `enter` would say yes without asking anybody. Raises SenderEnded when the sender stops."""
        with self._lock:
            return self._worth(n, proven) and (self._free(self._standing, proven) or self._trial == n)

    def wait(self, n: int, seconds: float) -> bool:
        """Whether within this time it is worth calling `enter`. Raises SenderEnded when the sender stops."""
        end = time.monotonic() + seconds
        with self._lock:
            while not self._worth(n, proven=False):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                rest = self._open_at - time.monotonic()
                self._lock.wait(min(left, rest) if rest > 0 else left)
            return True

    def leave(self, n: int) -> None:
        """Connection `n` has nothing to do: the way is another's."""
        with self._lock:
            self._end(n)

    def within(self, n: int) -> bool:
        """Whether connection `n` counts among those that go: if not it is to end its session."""
        return n in self._within

    # Told after each mail.

    def up(self, n: int, *, began: float) -> None:
        """The relay answered to a mail on connection `n`, which entered at this monotonic second."""
        if self._standing.state == "ok" and self._trial is None:
            return  # as nearly always
        with self._lock:
            tried, seen = self._trial == n, self._standing
            known = began < self._failed_at and not tried  # it was on its way before the failure, and tells nothing
            if tried:
                self._trial = None
                self._lock.notify_all()
        if not known:
            self._write(lambda: self._record.answered(seen))

    def down(self, n: int, error: str, *, began: float, trouble: Trouble = "down", rest: float | None = None) -> None:
        """What connection `n` entered for at this monotonic second failed, and not because of one mail. `rest` is how
        many seconds nobody may go, where that is known."""
        with self._lock:
            tried = self._trial == n
            known = began < self._failed_at and not tried  # what was tried before that fails together with it
            if not known:
                self._failed_at = time.monotonic()
            self._end(n)
        if not known:
            self._shut(lambda: self._record.failed(trouble, error, rest))

    def stop(self, n: int, error: str) -> None:
        """The relay refuses our login."""
        self.leave(n)
        self._shut(lambda: self._record.stopped(error))

    def crowded(self, n: int, error: str, *, began: float) -> None:
        """The relay ended or refused a line that was begun at this monotonic second because there are too many: half
        as many are used from now on. With only one it counts as a failure."""
        with self._lock:
            found = self.crowd.met(began)
            if found == "fewer":
                log.warning("%s: %d connections from now on", error, self.crowd.limit)
            self._end(n)
        if found == "alone":
            self.down(n, error, began=began)

    def learn(self, read: Callable[[], Standing]) -> None:
        """Read the row, which another process may have changed."""
        edition = self._edition
        standing = read()
        with self._lock:
            news = edition == self._edition and self._take(standing)
        if news:
            self._tell()

    # How it stands.

    @property
    def resting(self) -> bool:
        """Whether there is no sense in claiming work now."""
        standing = self._standing
        if standing.fine or (standing.state == "down" and standing.failures <= SHORT_PAUSES):
            return False
        return standing.stopped or time.monotonic() < self._open_at

    @property
    def error(self) -> str | None:
        """What is wrong with the relay, if anything."""
        return None if self._standing.fine else self._standing.error

    @property
    def away(self) -> bool:
        """Whether it is so for long, or was found so again."""
        return self._standing.away

    def close(self) -> None:
        """Nobody waits any more, and nobody enters."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def _worth(self, n: int, proven: bool) -> bool:
        if self._closed:
            raise SenderEnded("the sender stops")
        standing = self._standing
        if self._telling or not self._room(n):
            return False
        if self._free(standing, proven) or self._trial == n:
            return True
        return self._trial is None and not standing.stopped and time.monotonic() >= self._open_at

    def _room(self, n: int) -> bool:
        return len(self._within - {n}) < self.crowd.limit

    def _end(self, n: int) -> None:
        self._within.discard(n)
        if self._trial == n:
            self._trial = None
        self._lock.notify_all()

    def _free(self, standing: Standing, proven: bool) -> bool:
        return standing.fine or (proven and standing.state == "down" and standing.failures <= SHORT_PAUSES)

    def _shut(self, change: Callable[[], Standing]) -> None:
        """Write that the way is closed; it is so here from now on."""
        with self._lock:
            self._telling += 1
        try:
            self._write(change)
        finally:
            with self._lock:
                self._telling -= 1
                self._lock.notify_all()

    def _write(self, change: Callable[[], Standing]) -> None:
        standing = change()
        with self._lock:
            self._edition += 1
            news = self._take(standing)
        if news:
            self._tell()

    def _take(self, standing: Standing) -> bool:
        """Believe this standing; whether it is another than before. A rest once begun is measured by our own clock."""
        old, self._standing = self._standing, standing
        now = time.monotonic()
        if standing.probed:
            self._open_at = max(self._open_at, now + _ASK_AGAIN_SECONDS)
        key = (standing.state, standing.failures, standing.open_until)
        if key == (old.state, old.failures, old.open_until):
            return False
        self._open_at = now + standing.rest
        if not standing.fine:
            self._failed_at = now
        self._lock.notify_all()
        return True

    def _tell(self) -> None:
        error = self.error
        if error is None and self._said_away:
            log.info("the relay answers again")
        if error is not None and error != self._said:
            log.warning("%s", error)
        if error is not None or self._said_away:  # one failure between two mails that went need not be told each time
            self._said = error
        self._said_away = self.away
        self._changed()
