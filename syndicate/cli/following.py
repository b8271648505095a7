"""Stays with the outbox while it is worked off: sends where nobody else does, else watches, and shows how it goes."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syndicate.cli import obstacles, output
from syndicate.cli.failures import Interrupted
from syndicate.cli.pace_words import pace_of
from syndicate.cli.pace_words import words as pace_words

if TYPE_CHECKING:
    from datetime import datetime

    from syndicate.app.parts import App
    from syndicate.editions.report import Report
    from syndicate.models import Letter

_LINE_SECONDS = 10.0
_ENDS = ("sent", "incomplete", "skipped", "cancelled", "paused", "draft", "held")


@dataclass(frozen=True)
class Held:
    """Until when (RFC 3339) an approved edition waits before its first mail, and what for."""

    until: str
    for_what: str


class Progress:
    """One line that is written over on a terminal; elsewhere a plain line at most every ten seconds, if there is
    something new. On stderr."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()
        self._shown = ""

    def show(self, words: str) -> None:
        if self._live and words != self._shown:
            sys.stderr.write(f"\r\x1b[K{words}")
            sys.stderr.flush()
            self._shown = words
        elif not self._live and words != self._shown and time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            self._shown = words
            output.note(words)

    def end(self) -> None:
        """Leave an empty line for what is said next."""
        if self._live and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def edition_to_its_end(site: App, edition_id: int) -> Report:
    """Stay until the edition has ended, is paused, or is a draft again; returns how it stands then.

    Raises Interrupted when a person stops us (what is on the wire is settled first), RelayAway when the relay refuses
    our login, or when this process sends and the relay does not answer."""
    from syndicate.app.sending import RelayAway

    stand = stand_of(site, edition_id)
    began = site.clock()

    def done() -> bool:
        return stand_of(site, edition_id).state in _ENDS or _relay_stopped(site) is not None

    if held := held_until(site, edition_id):
        output.note(f"edition {edition_id} waits for {held.for_what}: its first mail goes at {held.until}")

    def words() -> str:
        _start_when_held_long_enough(site, edition_id)
        more = _relay_away(site, began) or pace_words(pace_of(site, edition_id))
        return summary(stand_of(site, edition_id)) + (f"; {more}" if more else "")

    stopped, by = _drive(site, done, words) if stand.state not in _ENDS else (False, "")
    stand = stand_of(site, edition_id)
    if stopped:
        raise Interrupted(_stopped_words(stand, by))
    if stand.state not in _ENDS and (error := _relay_stopped(site)):
        raise RelayAway(f"{summary(stand)}; {error}")
    return stand


def letters_out(site: App, ids: list[int]) -> list[Letter]:
    """Stay until each of these letters has been tried; returns them as they stand then.

    Raises RelayAway when whoever sends cannot reach the relay, and Refused while the outbox is held: the letters wait,
    and so need nobody else."""
    from sqlalchemy import select

    from syndicate.app.sending import RelayAway
    from syndicate.errors import Refused
    from syndicate.models import Letter
    from syndicate.outbox import guard

    began = site.clock()

    def read() -> list[Letter]:
        with site.database.read() as session:
            return list(session.scalars(select(Letter).where(Letter.id.in_(ids)).order_by(Letter.id)))

    def waiting() -> int:
        return sum(letter.state == "queued" and not letter.attempt for letter in read())

    def held() -> str | None:
        with site.database.read() as session:
            return guard.held(session)

    def over() -> bool:
        return not waiting() or _relay_away(site, began) is not None or held() is not None

    stopped, _ = _drive(site, over, lambda: f"{waiting()} of {len(ids)} letters to be sent")
    if stopped:
        raise Interrupted("stopped; the letters that are left go out when `syndicate serve` runs")
    if waiting() and (reason := held()):
        raise Refused(
            f"the outbox is held: {reason}; the letter is filed and goes out after `syndicate outbox release`"
        )
    if waiting() and (error := _relay_away(site, began)):
        raise RelayAway(f"{error}; the letter is filed and goes out when the relay answers")
    return read()


def troubles(letters: list[Letter]) -> list[str]:
    """In words, what became of those letters that were not accepted."""
    return [
        f"{letter.address}: the letter is {letter.state}"
        + (" and will be tried again" if letter.state == "queued" else "")
        + (f" ({letter.reply})" if letter.reply else "")
        for letter in letters
        if letter.state != "accepted"
    ]


def stand_of(site: App, edition_id: int) -> Report:
    """How an edition stands now. Raises NotFound."""
    from syndicate.editions.report import report

    with site.database.read() as session:
        return report(session, edition_id)


def held_until(site: App, edition_id: int) -> Held | None:
    """What an approved edition waits for, and how long; None if it is in another state or may go. Raises NotFound."""
    from feeds.dates import rfc3339
    from syndicate.editions.snapshot import edition as edition_of
    from syndicate.editions.starting import not_before

    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        until = not_before(site.config, edition) if edition.state == "approved" else None
    if until is None or until <= site.clock():
        return None
    return Held(rfc3339(until), "its slot" if until == edition.slot_at else "the end of its hold period")


def summary(report: Report) -> str:
    """How an edition stands, in a line: `edition 7 is sent: 200 chosen, 199 accepted, 1 rejected`."""
    from syndicate.outbox.ledger import STATES

    counts = report.counts
    parts = [f"{counts.chosen} chosen"]
    for name in STATES:
        if number := getattr(counts, name):
            parts.append(f"{number} {name}")
    return f"edition {report.edition} is {report.state}: {', '.join(parts)}"


def _stopped_words(stand: Report, by: str) -> str:
    if by == "watched":
        return f"no longer watching; it goes on without us: {summary(stand)}"
    step = "send" if stand.state == "approved" else "resume"
    again = f"`syndicate edition {step} {stand.edition}`"
    return f"stopped: {summary(stand)}; {again} goes on, so does `syndicate serve`"


def _drive(site: App, done: Callable[[], bool], words: Callable[[], str]) -> tuple[bool, str]:
    from syndicate.app.sending import drive
    from syndicate.app.stopping import stoppable

    progress = Progress()
    try:
        with stoppable() as stop:
            ended = drive(site, done, stop, progress=lambda: progress.show(words()))
    finally:
        progress.end()
    return ended.stopped, ended.by


def _relay_away(site: App, began: datetime) -> str | None:
    with site.database.read() as session:
        return obstacles.relay_stopped(session, site) or obstacles.relay_away(session, site, began)


def _relay_stopped(site: App) -> str | None:
    with site.database.read() as session:
        return obstacles.relay_stopped(session, site)


def _start_when_held_long_enough(site: App, edition_id: int) -> None:
    """An approved edition waits for its slot and the end of its hold period; where no tick runs, that is for us to
    see."""
    from syndicate.errors import Refused

    if stand_of(site, edition_id).state != "approved" or held_until(site, edition_id):
        return
    with contextlib.suppress(Refused):  # a tick was first
        site.editions.start(site.database, edition_id, site.clock())
