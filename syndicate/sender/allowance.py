"""What a process may send by the limits that all share: it draws a few mails at a time and hands them out."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from syndicate.outbox.limits import Drawn

_MOST = 50
_ASK_AGAIN_SECONDS = 60.0
_MANY_DOMAINS = 2000


@dataclass(frozen=True)
class Wait:
    """No mail may go for this many seconds (0: one may, now), at `rate` mails a second; `spent`: the day's quota."""

    seconds: float
    rate: float = 0.0
    spent: bool = False


class Allowance:
    """Safe for any number of threads. `draw(want)` asks the limit that all processes share. What was drawn and not
    used within the time it stands for is forgotten: the limit has it again."""

    def __init__(self, draw: Callable[[int], Drawn]) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._stock = 0
        self._good_until = 0.0
        self._wait = Wait(0.0)
        self._ask_at = 0.0
        self._want = 1

    def take(self) -> Wait:
        """Take one mail's leave, or say how long to wait for it. Raises SenderEnded."""
        with self._lock:
            now = time.monotonic()
            if self._stock and now < self._good_until:
                self._stock -= 1
                return Wait(0.0)
            if now < self._ask_at:
                return Wait(self._ask_at - now, self._wait.rate, self._wait.spent)
            drawn = self._draw(self._want)
            now = time.monotonic()
            # About four times a second, so that nobody keeps long what another could use.
            self._want = min(max(int(drawn.rate / 4), 1), _MOST) if drawn.rate else _MOST
            if drawn.granted:
                self._stock = drawn.granted - 1
                self._good_until = now + (max(drawn.granted / drawn.rate, 1.0) if drawn.rate else _ASK_AGAIN_SECONDS)
                return Wait(0.0)
            self._stock = 0
            self._wait = Wait(drawn.wait, drawn.rate, drawn.spent)
            self._ask_at = now + min(drawn.wait, _ASK_AGAIN_SECONDS)
            return self._wait

    def restore(self) -> None:
        """One that was taken is not needed."""
        with self._lock:
            self._stock += 1

    def rest(self) -> int:
        """All that is left, taken to be given back."""
        with self._lock:
            left, self._stock = self._stock, 0
            return left


class Paces:
    """The pace of each receiving domain. `draw(domain, want)` asks what all processes share; `slow(domain)` tells that
    it asked for less."""

    def __init__(self, draw: Callable[[str, int], Drawn], slow: Callable[[str], object]) -> None:
        self._draw = draw
        self._slow = slow
        self._lock = threading.Lock()
        self._domains: dict[str, Allowance] = {}
        self._booked: dict[str, float] = {}

    def take(self, domain: str) -> Wait:
        """Take leave for one mail to the domain, or say how long to wait for it. Raises SenderEnded."""
        with self._lock:
            if len(self._domains) > _MANY_DOMAINS:
                self._domains.clear()  # what was drawn is lost, which only slows
                self._booked.clear()
            allowance = self._domains.setdefault(domain, Allowance(lambda want: self._draw(domain, want)))
        return allowance.take()

    def restore(self, domain: str) -> None:
        """One that was taken is not needed."""
        with self._lock:
            allowance = self._domains.get(domain)
        if allowance:
            allowance.restore()

    def slow_down(self, domain: str) -> None:
        """The domain asked for less."""
        self._slow(domain)
        with self._lock:
            self._domains.pop(domain, None)

    def book(self, domain: str, wait: Wait, least: float) -> float:
        """In how many seconds (at least `least`) one more mail to a slow domain will find its turn."""
        with self._lock:
            now = time.monotonic()
            at = max(self._booked.get(domain, 0.0), now + least) + (1 / wait.rate if wait.rate else 0.0)
            self._booked[domain] = at
            return at - now
