"""The way to the relay: open, or closed for a while after it was found down."""

import threading
import time
from collections.abc import Callable

from syndicate.sender.errors import SenderEnded

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0


class RelayGate:
    """Shared by the connections of one process. After a failure all wait, 1 s and then doubling to a minute; the
    first that gets through opens it for all. `changed(error)` hears of every failure, `changed(None)` of recovery."""

    def __init__(self, changed: Callable[[str | None], None]) -> None:
        self._changed = changed
        self._lock = threading.Condition()
        self._open_at = 0.0
        self._delay = 0.0
        self._probing = False
        self._closed = False

    def wait(self) -> None:
        """Return when this thread may try to connect; while the relay is down only one tries at a time.

        Raises SenderEnded when the sender stops."""
        with self._lock:
            while not self._closed:
                left = self._open_at - time.monotonic()
                if self._delay and (left > 0 or self._probing):
                    self._lock.wait(max(left, 0.05))
                    continue
                self._probing = bool(self._delay)
                return
        raise SenderEnded("the sender stops")

    def up(self) -> None:
        """A session was opened."""
        with self._lock:
            recovered, self._delay, self._probing = bool(self._delay), 0.0, False
            self._lock.notify_all()
        if recovered:
            self._changed(None)

    def down(self, error: str) -> None:
        """No session could be had."""
        with self._lock:
            self._probing = False
            if time.monotonic() < self._open_at:
                return  # known: connections that were tried at the same moment fail together
            self._delay = min(self._delay * 2, _LONGEST_SECONDS) if self._delay else _FIRST_SECONDS
            self._open_at = time.monotonic() + self._delay
            self._lock.notify_all()
        self._changed(error)

    def close(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
