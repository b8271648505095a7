"""How many connections one process may use, after its relay has said that there are too many."""

import time
from typing import Literal


class Crowd:
    """The limit is `most` at first, and half as many after each crowd; for each `quiet` seconds without one it is one
    more. Seconds are of the monotonic clock. Not safe between threads: whoever holds it keeps a lock."""

    def __init__(self, most: int, quiet: float) -> None:
        self._most = most
        self._quiet = quiet
        self._base, self._since = most, float("-inf")

    @property
    def limit(self) -> int:
        """How many connections may be used now; at least one."""
        grown = self._base
        if grown < self._most:
            grown += int((time.monotonic() - self._since) / self._quiet)
        return min(grown, self._most)

    def met(self, began: float) -> Literal["fewer", "alone", "known"]:
        """The relay ended or refused a line begun at this second because there are too many. Fewer are used from now
        on, or there is only one, or that was known and the line was begun before there were fewer."""
        if began < self._since:
            return "known"
        if self.limit <= 1:
            return "alone"
        self._base, self._since = self.limit // 2, time.monotonic()
        return "fewer"
