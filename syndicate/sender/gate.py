"""The way to the relay: open, or closed for a while after it was found down."""

import threading
import time
from collections.abc import Callable

from syndicate.sender.errors import SenderEnded

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
_AWAY_AFTER = 2


class RelayGate:
    """Shared by the connections of one process. After a failure it is closed, 1 s and then doubling to a minute; then
    one connection goes through on trial, and only the relay's answer to a mail on it opens the gate for all. So a
    relay that takes connections and loses every mail is not fed the whole edition.

    `changed(error)` hears of every failure, `changed(None)` of the first success and of each recovery."""

    def __init__(self, changed: Callable[[str | None], None]) -> None:
        self._changed = changed
        self._lock = threading.Condition()
        self._open_at = 0.0
        self._delay = 0.0
        self._trial = False
        self._closed = False
        self._known_up = False
        self._failures = 0

    def enter(self) -> bool:
        """Whether this thread may connect now. While the gate is closed at most one may, on trial: it must then call
        `up` or `down`."""
        with self._lock:
            if not self._may_enter():
                return False
            self._trial = bool(self._delay)
            return True

    def wait(self) -> None:
        """Return when it is worth calling `enter`. Raises SenderEnded when the sender stops."""
        with self._lock:
            while not (self._closed or self._may_enter()):
                left = self._open_at - time.monotonic()
                self._lock.wait(left if left > 0 else None)  # None: whoever is on trial will tell
            if self._closed:
                raise SenderEnded("the sender stops")

    def up(self) -> None:
        """The relay answered to a mail on a connection that was let through."""
        with self._lock:
            news = not self._known_up or bool(self._delay)
            self._known_up, self._delay, self._failures, self._trial = True, 0.0, 0, False
            self._lock.notify_all()
        if news:
            self._changed(None)

    def down(self, error: str) -> None:
        """No session could be had, or one was lost in the middle of a mail."""
        with self._lock:
            self._trial = False
            known = time.monotonic() < self._open_at  # what was tried at the same moment fails together
            if not known:
                self._failures += 1
                self._delay = min(self._delay * 2, _LONGEST_SECONDS) if self._delay else _FIRST_SECONDS
                self._open_at = time.monotonic() + self._delay
            self._lock.notify_all()
        if not known:
            self._changed(error)

    @property
    def away(self) -> bool:
        """Whether the relay failed again when it was tried again."""
        return self._failures >= _AWAY_AFTER

    def close(self) -> None:
        """Nobody waits any more, and nobody enters."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def _may_enter(self) -> bool:
        if self._closed or self._trial:
            return False
        return not self._delay or time.monotonic() >= self._open_at
