"""The heartbeat of a sender: its lease is renewed as long as anything of it is open; and how fast mail goes."""

import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from syndicate.database import Database
from syndicate.outbox import leases
from syndicate.sender.errors import Fenced

_NEWEST_SHARE = 0.5


class Speed:
    """Mails a second, smoothed: each look counts as much as all before it. `began` is in seconds, of any clock that
    never goes back."""

    def __init__(self, began: float) -> None:
        self._seen = began
        self._count = 0
        self._rate: float | None = None

    def at(self, moment: float, count: int) -> float:
        """The speed, now that `count` mails have been settled in all."""
        seconds, mails = moment - self._seen, count - self._count
        if seconds > 0:
            newest = mails / seconds
            before = newest if self._rate is None else self._rate
            self._rate = before + _NEWEST_SHARE * (newest - before)
            self._seen, self._count = moment, count
        return self._rate or 0.0


class Heart:
    """Beats three times a lease, in a thread of its own, from `start` to `stop`.

    `count` tells how many mails were settled. `failed` is called, once and then no more beats, if the owner is none any
    more (with Fenced) or its lease could not be renewed in time; `dead` tells that the sender has failed otherwise."""

    def __init__(
        self,
        database: Database,
        owner: str,
        *,
        lease: float,
        count: Callable[[], int],
        failed: Callable[[Exception], object],
        dead: Callable[[], bool],
    ) -> None:
        self._database = database
        self._owner = owner
        self._lease = lease
        self._count = count
        self._failed = failed
        self._dead = dead
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, wait: bool) -> None:
        """No further beat; with `wait` none is on its way either."""
        self._over.set()
        if wait and self._thread.is_alive():
            self._thread.join(self._lease)

    def _run(self) -> None:
        clock, last = self._database.clock(), time.monotonic()
        speed = Speed(last)
        while not self._over.wait(self._lease / 3):
            if self._dead():
                return
            rate = speed.at(time.monotonic(), self._count())
            try:
                with self._database.write() as session:
                    if not leases.renew(session, clock, self._owner, self._lease, rate):
                        self._failed(Fenced())
                        return
                last = time.monotonic()
            except SQLAlchemyError as error:
                if time.monotonic() - last > self._lease:
                    self._failed(error)
                    return
