"""How a command sends: by itself where nobody else does, else it only watches who does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from syndicate.app.parts import App
from syndicate.errors import SyndicateError
from syndicate.outbox import leases
from syndicate.sender.errors import AnotherSender
from syndicate.sender.lock import SenderLock

_WATCH_SECONDS = 0.3


class RelayAway(SyndicateError):
    """The relay could not be reached while this process was sending; what is left waits in the outbox."""


@dataclass(frozen=True)
class Drive:
    """How a drive ended: `sent` by this process or `watched` while another did it; `stopped` before the end."""

    by: Literal["sent", "watched"]
    stopped: bool


def somebody_sends(app: App) -> bool:
    """Whether another process sends for this site now. Changes nothing."""
    if app.database.sqlite:
        try:
            SenderLock(app.database.file).release()
        except AnotherSender:
            return True
        return False
    with app.database.read() as session:
        return bool(leases.live(session, app.database.clock()))


def ensure_relay(app: App) -> None:
    """Where this process would send by itself: open one session with the relay and end it.

    Raises RelayDown, one line, before anything was changed."""
    if not somebody_sends(app):
        app.mail_maker()
        app.relay().connect().close()


def drive(app: App, done: Callable[[], bool], stop: threading.Event, *, progress: Callable[[], None]) -> Drive:
    """Stay until `done()`. Sends what is in the outbox if nobody else does; else only watches.

    `progress` is called about three times a second. `stop` (set by a signal handler) ends it early: what is on the
    wire is settled first. Raises RelayAway when this process sends and the relay is away."""
    if somebody_sends(app):
        return _watch(done, stop, progress)
    sender = app.sender()
    try:
        sender.open()
    except AnotherSender:
        sender.close()
        return _watch(done, stop, progress)

    def over() -> bool:
        progress()
        return stop.is_set() or sender.last_error is not None or done()

    try:
        while not over():
            sender.slice(over)
    finally:
        sender.close()
    if sender.last_error and not stop.is_set() and not done():
        raise RelayAway(f"{sender.last_error}; nothing is lost: it goes on when `syndicate serve` runs")
    return Drive("sent", stopped=stop.is_set() and not done())


def _watch(done: Callable[[], bool], stop: threading.Event, progress: Callable[[], None]) -> Drive:
    while not done():
        progress()
        if stop.wait(_WATCH_SECONDS):
            return Drive("watched", stopped=not done())
    progress()
    return Drive("watched", stopped=False)
