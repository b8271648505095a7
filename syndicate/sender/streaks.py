"""What happens many times in a row says something that one time does not."""

import threading


class Streaks:
    """Counts refusals without any acceptance between them. Safe for any number of threads.

    `refused` is about one edition, and each counts; `doubted` is about us, and each recipient counts once."""

    def __init__(self, *, refusals: int = 5, doubts: int = 10) -> None:
        self._refusals = refusals
        self._doubts = doubts
        self._lock = threading.Lock()
        self._refused: dict[int, int] = {}
        self._doubting: set[str] = set()

    def accepted(self, edition_id: int | None) -> None:
        """A mail of this edition (None: a letter) was accepted."""
        if self._doubting or self._refused:
            with self._lock:
                self._doubting.clear()
                if edition_id is not None:
                    self._refused.pop(edition_id, None)

    def refused(self, edition_id: int) -> bool:
        """A rule refused a mail of this edition; whether that is enough. It is said once, and counted anew."""
        with self._lock:
            count = self._refused.pop(edition_id, 0) + 1
            if count < self._refusals:
                self._refused[edition_id] = count
            return count >= self._refusals

    def doubted(self, recipient: str) -> bool:
        """A rule put a mail to this recipient off; whether that is enough, as it then stays until one is accepted."""
        with self._lock:
            if len(self._doubting) < self._doubts:
                self._doubting.add(recipient)
            return len(self._doubting) >= self._doubts
