"""The tick: APScheduler with a memory store, once a minute. It only ticks; what is due is computed from the database.

The scheduler runs in UTC: APScheduler's own triggers fire twice or not at all in the nights when clocks change, and a
grace time of one second, its default, would silently skip a run.
"""

import logging
from collections.abc import Callable
from datetime import UTC

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from syndicate.errors import SyndicateError

log = logging.getLogger(__name__)


class Tick:
    """Calls `work` at once and then at the beginning of every minute, never twice at the same time.

    What `work` raises is logged and the next minute tries again: each step of the work is repeatable."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})

    def start(self) -> None:
        rules = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler.add_job(self._run, "cron", second=0, id="tick", **rules)
        self._scheduler.add_job(self._run, id="first", **rules)
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for a tick in progress, then end."""
        self._scheduler.shutdown(wait=True)

    def _run(self) -> None:
        try:
            self._work()
        except SyndicateError as error:
            log.error("the tick failed, and is tried again in a minute: %s", error)
        except Exception:
            log.exception("the tick failed, and is tried again in a minute")
