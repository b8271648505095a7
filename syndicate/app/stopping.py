"""Ctrl-C and SIGTERM while a command works: a wish to stop that the work sees, instead of an exception anywhere."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# An endless wait would keep Python from running a signal's handler on some systems.
_LOOK_SECONDS = 1.0


def rest(stop: threading.Event) -> None:
    """Do nothing until `stop` is set."""
    while not stop.wait(_LOOK_SECONDS):
        pass


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Within the block the first signal sets the event; a second one interrupts at once. Main thread only."""
    stop = threading.Event()

    def wish(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
