"""Batches of a size for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from syndicate.outbox import ranges


@contextmanager
def small_batches() -> Iterator[None]:
    """Recipients are frozen into batches so small that each process has some, and gives many back."""
    usual = ranges.BATCH_SIZE
    ranges.BATCH_SIZE = 20
    try:
        yield
    finally:
        ranges.BATCH_SIZE = usual
