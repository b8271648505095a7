"""Keeps a sender running in a thread of this process, and starts a new one with back-off when one ends."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from syndicate.database import in_words
from syndicate.errors import SyndicateError
from syndicate.sender.errors import AnotherSender
from syndicate.sender.process import Sender

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """Whether mail can go now, through us or another process; and the last thing that was wrong, if any."""

    running: bool
    error: str | None


class EmbeddedSender:
    """`make` gives a new Sender each time one is needed; waits between two are `first` seconds, doubling to `longest`
    while none works for as long as that. While another process sends (SQLite) it is asked again every `first` seconds,
    for that is mostly a command that ends soon."""

    def __init__(self, make: Callable[[], Sender], *, first: float = 1.0, longest: float = 60.0) -> None:
        self._make = make
        self._first = first
        self._longest = longest
        self._stop = threading.Event()
        self._sender: Sender | None = None
        self._error: str | None = None
        self._elsewhere = False
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
            return Health(self._elsewhere, self._error or "the sender is starting")
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
            began = time.monotonic()
            busy = self._once()
            if busy or time.monotonic() - began > self._longest:
                wait = self._first
            if self._stop.wait(wait):
                return
            wait = min(wait * 2, self._longest)

    def _once(self) -> bool:
        """Run one sender to its end; whether there was none because another process sends."""
        sender: Sender | None = None
        try:
            sender = self._make()
            sender.open()
            self._sender, self._error, self._elsewhere = sender, None, False
            while not self._stop.is_set():
                sender.slice(self._stop.is_set)
        except AnotherSender as error:
            self._elsewhere = True
            self._note(error)
            return True
        except (SyndicateError, SQLAlchemyError, OSError) as error:
            self._fail(error)
        except Exception as error:
            log.exception("the sender is broken")
            self._fail(error)
        finally:
            self._sender = None
            if sender:
                sender.close()
        return False

    def _fail(self, error: Exception) -> None:
        self._elsewhere = False
        self._note(error)

    def _note(self, error: Exception) -> None:
        words = in_words(error)
        if words != self._error:
            log.error("the sender does not run: %s", words)
        self._error = words
