"""A clock for what runs: it begins at a fixed moment and goes on as real time does, so that a test never gets old."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


def ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that shows `start` now."""
    origin = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - origin)
