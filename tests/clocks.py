"""Time in tests: a clock that begins at a fixed moment, so that no test gets old; and waiting for what must come."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


def ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that shows `start` now."""
    origin = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - origin)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return once the condition holds; fail if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
