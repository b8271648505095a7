"""Where the connections of a sender lay down what they ask of the ledger, until so much lies there that it is worth a
commit."""

import threading
import time
from typing import Generic, TypeVar

T = TypeVar("T")


class Tray(Generic[T]):
    """Any number of threads put, one takes: all there is, once `enough` lies there, or `gap` seconds after it came to
    take. A relay whose answers trickle in would else cost a commit for each."""

    def __init__(self, *, enough: int, gap: float) -> None:
        self._enough = enough
        self._gap = gap
        self._lying: list[T] = []
        self._at_once = False
        self._changed = threading.Condition(threading.Lock())

    def put(self, one: T, *, at_once: bool = False) -> None:
        """Lay it down. `at_once`: neither it nor what lies there waits for more."""
        with self._changed:
            self._lying.append(one)
            self._at_once = self._at_once or at_once
            if self._at_once or len(self._lying) in (1, self._enough):
                self._changed.notify()

    def take(self) -> list[T]:
        """All that lies there, at least one."""
        end = time.monotonic() + self._gap
        with self._changed:
            while not self._lying:
                self._changed.wait()
            while not self._at_once and len(self._lying) < self._enough:
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            found, self._lying, self._at_once = self._lying, [], False
            return found

    def __len__(self) -> int:
        return len(self._lying)
