"""What a sender process holds in hand: letters first, then the deliveries of the batches it has claimed."""

import threading
from collections import deque
from collections.abc import Callable

from syndicate.outbox.jobs import DeliveryJob, Job, LetterJob
from syndicate.outbox.ledger import ClaimedBatch
from syndicate.sender.errors import SenderEnded


class Feed:
    """Hands jobs to the connections and notices when a batch is through. Safe for any number of threads.

    `on_empty` is called whenever a batch is through or few jobs are left, to wake who claims more."""

    def __init__(self, on_empty: Callable[[], None], low: int) -> None:
        self._letters: deque[LetterJob] = deque()
        self._deliveries: deque[DeliveryJob] = deque()
        self._outstanding: dict[tuple[int, int], int] = {}
        self._through: list[tuple[int, int]] = []
        self._closed = False
        self._low = low
        self._on_empty = on_empty
        self._changed = threading.Condition()

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

    def take(self, timeout: float) -> Job | None:
        """The next job, letters first; None if there is none within `timeout` seconds (0: at once).

        Raises SenderEnded once the feed is closed."""
        with self._changed:
            if timeout:
                self._changed.wait_for(lambda: self._closed or self._letters or self._deliveries, timeout)
            if self._closed:
                raise SenderEnded("the sender stops")
            if self._letters:
                return self._letters.popleft()
            if not self._deliveries:
                return None
            job = self._deliveries.popleft()
            if len(self._deliveries) == self._low:
                self._on_empty()
            return job

    def put_back(self, job: Job) -> None:
        """Return a job that could not be tried: it is the next to be taken."""
        with self._changed:
            if isinstance(job, LetterJob):
                self._letters.appendleft(job)
            else:
                self._deliveries.appendleft(job)
            self._changed.notify()

    def settled(self, job: Job) -> None:
        """This job's fate is committed in the ledger (or it is left as it is)."""
        with self._changed:
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
