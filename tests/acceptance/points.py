"""Named points in the work of a sender process at which a test lets it die, as if the power had been cut to it."""

import os
import signal
import threading
from dataclasses import dataclass

POINTS = {
    "before-slot-commit": "committing slots",
    "after-slot-commit": "committed slots",
    "after-354": "data answered",
    "after-dot": "dot out",
    "after-250": "dot answered",
    "in-result-commit": "results written",
    "after-result-commit": "committed results",
    "in-recovery": "committing recovery",
    "after-recovery": "committed recovery",
    "in-freezing": "committing freezing",
    "after-freezing": "committed freezing",
}
"""Each point with the moment (see `taps`) at which it lies."""

FREEZING = ("in-freezing", "after-freezing")
"""Those that lie where the recipients of an edition are frozen, range by range."""

SENDING = tuple(point for point in POINTS if point not in FREEZING)
"""Those that lie on the way of a sender."""


@dataclass
class Mine:
    """Ends this process by SIGKILL the `left`-th time that its point is passed; None never. With `stop` it only stands
    still (SIGSTOP) until somebody lets it go on."""

    point: str | None = None
    left: int = 1
    stop: bool = False

    def __post_init__(self) -> None:
        self._moment = POINTS[self.point] if self.point else None
        self._lock = threading.Lock()

    def passed(self, moment: str) -> None:
        """Listens to the taps."""
        if moment != self._moment:
            return
        with self._lock:
            self.left -= 1
            if self.left:
                return
            os.kill(os.getpid(), signal.SIGSTOP if self.stop else signal.SIGKILL)
            if not self.stop:
                signal.pause()  # no thread of a killed process goes on; this one least of all
