"""Keeps a sender running in a thread of this process, and starts a new one with back-off when one ends."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from syndicate.errors import SyndicateError
from syndicate.sender.process import Sender

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """Whether mail can go now; if not, why."""

    running: bool
    error: str | None


class EmbeddedSender:
    """`make` gives a new Sender each time one is needed; waits between two are `first` seconds, doubling to `longest`."""

    def __init__(self, make: Callable[[], Sender], *, first: float = 1.0, longest: float = 60.0) -> None:
        self._make = make
        self._first = first
        self._longest = longest
        self._stop = threading.Event()
        self._sender: Sender | None = None
        self._error: str | None = None
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something new is to be sent. Safe from any thread."""
        sender = self._sender
        if sender:
            sender.wake()

    def health(self) -> Health:
        """How it stands at this moment."""
        sender = self._sender
        if sender is None:
            return Health(False, self._error or "the sender is not running")
        return Health(True, sender.last_error)

    def stop(self) -> None:
        """Send nothing new, wait for what is on the wire, end. May take the sender's stop time."""
        self._stop.set()
        sender = self._sender
        if sender:
            sender.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait = self._first
        while not self._stop.is_set():
            if self._once():
                wait = self._first
            if self._stop.wait(wait):
                return
            wait = min(wait * 2, self._longest)

    def _once(self) -> bool:
        """Run one sender to its end; whether it ever worked."""
        sender = self._make()
        try:
            sender.open()
        except (SyndicateError, SQLAlchemyError, OSError) as error:
            self._note(error)
            sender.close()
            return False
        self._sender, self._error = sender, None
        try:
            while not self._stop.is_set():
                sender.slice(self._stop.is_set)
        except (SyndicateError, SQLAlchemyError, OSError) as error:
            self._note(error)
        finally:
            self._sender = None
            sender.close()
        return True

    def _note(self, error: Exception) -> None:
        words = str(error).splitlines()[0]
        if words != self._error:
            log.error("the sender does not run: %s", words)
        self._error = words
