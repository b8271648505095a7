"""What a sender process holds in hand: letters first, then the deliveries of the batches it has claimed."""

import threading
import time
from collections import deque
from collections.abc import Callable

from syndicate.outbox.jobs import DeliveryJob, Job, LetterJob
from syndicate.outbox.ledger import ClaimedBatch
from syndicate.sender.errors import SenderEnded


class Feed:
    """Hands jobs to the connections and notices when a batch is through. Safe for any number of threads.

    A domain that must wait is passed over: its deliveries lie aside until its time, and the others go on. `on_empty` is
    called whenever a batch is through or few jobs are left, to wake who claims more."""

    def __init__(self, on_empty: Callable[[], None], low: int) -> None:
        self._letters: deque[LetterJob] = deque()
        self._deliveries: deque[DeliveryJob] = deque()
        self._aside: dict[str, deque[DeliveryJob]] = {}
        self._due: dict[str, float] = {}
        self._room: dict[str, int] = {}
        self._outstanding: dict[tuple[int, int], int] = {}
        self._through: list[tuple[int, int]] = []
        self._closed = False
        self._low = low
        self._on_empty = on_empty
        self._changed = threading.Condition()
        self.count = 0
        """How many jobs were settled."""

    def add_letters(self, letters: list[LetterJob]) -> None:
        with self._changed:
            self._letters.extend(letters)
            self._changed.notify_all()

    def add_batch(self, batch: ClaimedBatch) -> None:
        with self._changed:
            key = (batch.edition_id, batch.batch)
            self._outstanding[key] = len(batch.jobs)
            self._deliveries.extend(batch.jobs)
            if not batch.jobs:
                self._finish(key)
            self._changed.notify_all()

    def await_work(self, timeout: float) -> bool:
        """Whether there is something to take, within `timeout` seconds (0: at once). Raises SenderEnded once closed."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                self._ensure_open()
                self._recall()
                if self._letters or self._deliveries:
                    return True
                now = time.monotonic()
                if now >= end:
                    return False
                self._changed.wait(min([end, *self._due.values()]) - now)

    def rest(self, seconds: float) -> None:
        """Do nothing for so long. Raises SenderEnded once the feed is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)
            self._ensure_open()

    def take(self) -> Job | None:
        """The next job, letters first; None if there is none. Raises SenderEnded once the feed is closed."""
        with self._changed:
            self._ensure_open()
            if self._letters:
                return self._letters.popleft()
            self._recall()
            while self._deliveries:
                job = self._deliveries.popleft()
                if len(self._deliveries) == self._low:
                    self._on_empty()
                if not self._due or not self._lay_aside(job):
                    return job
            return None

    def put_back(self, job: Job) -> None:
        """Return a job that could not be tried: it is the next to be taken."""
        with self._changed:
            if isinstance(job, LetterJob):
                self._letters.appendleft(job)
            else:
                self._deliveries.appendleft(job)
            self._changed.notify_all()

    def pass_over(self, job: DeliveryJob, seconds: float, room: int) -> bool:
        """Lay this job aside, and others to its domain that come up, until the domain may have mail again. False: there
        lie `room` already, and it is to wait in the ledger."""
        with self._changed:
            self._due[job.domain] = time.monotonic() + seconds
            self._room[job.domain] = room
            return self._lay_aside(job)

    def _lay_aside(self, job: DeliveryJob) -> bool:
        if job.domain not in self._due:
            return False
        aside = self._aside.setdefault(job.domain, deque())
        if len(aside) >= self._room[job.domain]:
            return False
        aside.append(job)
        return True

    def _recall(self) -> None:
        """Domains whose time has come are first again."""
        if not self._due:
            return
        now = time.monotonic()
        for domain in [domain for domain, due in self._due.items() if due <= now]:
            del self._due[domain]
            self._deliveries.extendleft(reversed(self._aside.pop(domain, deque())))

    def _ensure_open(self) -> None:
        if self._closed:
            raise SenderEnded("the sender stops")

    def settled(self, job: Job) -> None:
        """This job's fate is committed in the ledger (or it is left as it is)."""
        with self._changed:
            self.count += 1
            if isinstance(job, LetterJob):
                return  # letters are in no batch
            key = (job.edition_id, job.batch)
            self._outstanding[key] -= 1
            if not self._outstanding[key]:
                self._finish(key)

    def _finish(self, key: tuple[int, int]) -> None:
        del self._outstanding[key]
        self._through.append(key)
        self._on_empty()

    def through(self) -> list[tuple[int, int]]:
        """The batches (edition, batch) that are through since this was last asked."""
        with self._changed:
            done, self._through = self._through, []
            return done

    @property
    def closed(self) -> bool:
        """Whether no further job is handed out."""
        return self._closed

    @property
    def wants_letters(self) -> bool:
        """Whether all letters in hand are taken."""
        return not self._letters

    @property
    def wants_batch(self) -> bool:
        """Whether few enough deliveries are left that another batch should be claimed."""
        return len(self._deliveries) <= self._low

    def close(self) -> None:
        """No further job is handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
