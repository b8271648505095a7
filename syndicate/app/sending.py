"""How a command sends: by itself where nobody else does, else it only watches who does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from syndicate.app.parts import App
from syndicate.errors import SyndicateError
from syndicate.leaving.catching_up import catch_up
from syndicate.outbox import guard, leases, relays
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
            SenderLock(app.database.file, tries=1).release()
        except AnotherSender:
            return True
        return False
    with app.database.read() as session:
        return bool(leases.live(session, app.database.clock()))


def ensure_free(app: App) -> None:
    """Raise Refused, with the reason and the remedy, while the outbox is held, and NobodyKnowsWhoLeft. Who has left by
    the stop list has left in the database then."""
    catch_up(app.database, (app.stops,), now=app.clock())
    with app.database.read() as session:
        guard.require_free(session)


def release_outbox(app: App) -> list[int]:
    """Let a held outbox go on, with all that this machine knows of it, and let the relay be tried again whatever is
    known against it. Returns the editions that are sending again.

    Raises Refused if the outbox is not held, and nothing is known against the relay either."""
    catch_up(app.database, (app.stops,), now=app.clock())
    file, name = app.count_file(), app.relay().name
    with app.database.write() as session:
        if guard.held(session) is None and relays.release(session, name, now=app.clock()):
            return []
        back = guard.release(session, app.clock(), seen=file.last())
        total = guard.total(session)
        relays.release(session, name, now=app.clock())
    file.write(total)
    return back


def ensure_relay(app: App) -> None:
    """Where this process would send by itself: open one session with the relay and end it. What was known against the
    relay is then forgotten: a person has asked, and it answered.

    Raises RelayDown, one line, before anything was changed."""
    if somebody_sends(app):
        return
    app.mail_maker()
    relay = app.relay()
    relay.connect().close()
    with app.database.read() as session:
        fine = relays.standing(session, app.database.clock(), relay.name, "").fine
    if not fine:
        with app.database.write() as session:
            relays.reached(session, relay.name, now=app.clock())


def drive(app: App, done: Callable[[], bool], stop: threading.Event, *, progress: Callable[[], None]) -> Drive:
    """Stay until `done()`. Sends what is in the outbox if nobody else does; else only watches, and takes over when
    whoever sent has gone.

    `progress` is called about three times a second. `stop` (set by a signal handler) ends it early: what is on the
    wire is settled first. Raises RelayAway when this process sends and the relay is away."""
    while True:
        ended = _watch(app, done, stop, progress) or _send(app, done, stop, progress)
        if ended:
            return ended


def _watch(app: App, done: Callable[[], bool], stop: threading.Event, progress: Callable[[], None]) -> Drive | None:
    """Look on while another process sends; None when there is none, and something is left."""
    while somebody_sends(app):
        progress()
        if done():
            return Drive("watched", stopped=False)
        if stop.wait(_WATCH_SECONDS):
            return Drive("watched", stopped=not done())
    return None


def _send(app: App, done: Callable[[], bool], stop: threading.Event, progress: Callable[[], None]) -> Drive | None:
    """Send until `done()`; None when another process has just begun to."""
    sender = app.sender()

    def over() -> bool:
        progress()
        return stop.is_set() or sender.relay_away is not None or done()

    try:
        sender.open()
        while not over():
            sender.slice(over)
    except AnotherSender:
        return None
    finally:
        sender.close()
    if stop.is_set():
        return Drive("sent", stopped=not done())
    if sender.relay_away and not done():
        raise RelayAway(f"{sender.relay_away}; nothing is lost: it goes on when `syndicate serve` runs")
    return Drive("sent", stopped=False)
