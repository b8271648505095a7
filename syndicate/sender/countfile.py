"""The counter file: what the outbox's counter was when this machine last looked, kept outside the database.

A database that is put back from a copy does not know what was sent since; this file does. It lies beside the site's
secret, so that whoever copies the database alone does not copy it along.
"""

import logging
import os
import time
from pathlib import Path

from syndicate.database import Database
from syndicate.durable import clear_leftovers, replaced, sync_folder
from syndicate.outbox import guard, leases

log = logging.getLogger(__name__)

_DIGITS = 20


class CountFile:
    """One line with one number. A file that is behind the database is normal: after a kill, or because another machine
    has sent. `seconds`: no more often than that does `note` look."""

    def __init__(self, secret_file: Path, *, seconds: float = 1.0) -> None:
        self.path = secret_file.with_name("outbox.count")
        self._seconds = seconds
        self._looked = 0.0
        self._last: int | None = None
        self._told = False

    def blind(self) -> str | None:
        """In words, if this process may not write the file: then an older database could not be told. Reads only."""
        free = self.path.is_file() or not self.path.exists()
        if free and os.access(self.path.parent, os.W_OK | os.X_OK):
            return None
        return f"cannot write {self.path}: an older database would not be noticed"

    def suspicion(self, database: Database, me: str, *, alone: bool) -> str | None:
        """Why the outbox must be held: the database is behind the file, or the file is gone although mail was sent.

        Beside another sender that lives, a machine without the file is a new one: its database is the one in use.
        (`alone`: a lock proves that there is none.) Nor does a place where the file cannot be written say anything."""
        # The file first: whoever writes it has read the counter before, so an honest database is not behind it.
        there, self._last = self.path.exists(), _read(self.path)
        with database.read() as session:
            total = guard.total(session)
            if self._last is not None:
                behind = f"the database is an older copy: it has counted {total} steps of sending, {self.path.name}"
                return f"{behind} {self._last}" if total < self._last else None
            others = not alone and any(owner.id != me for owner in leases.live(session, database.clock()))
            if others or total == 0 or self.blind() or not guard.was_used(session):
                return None
        return f"{self.path} {'cannot be read' if there else 'is missing'} although mail was sent"

    def note(self, database: Database, *, at_once: bool = False) -> None:
        """Write the counter down if it has gone up; at most once a second unless `at_once`.

        Not while the outbox is held: nothing goes then, and what is known of the newer database must stay."""
        if time.monotonic() - self._looked < self._seconds and not at_once:
            return
        self._looked = time.monotonic()
        with database.read() as session:
            total, held = guard.total(session), guard.held(session)
        if not held and (self._last is None or total > self._last):
            self.write(total)

    def write(self, total: int) -> None:
        """Put this number into the file, whatever it held: whole or not at all, also when the power fails.

        A file that cannot be written is told once, and stops no mail."""
        try:
            _write(self.path, total)
        except OSError as error:
            if not self._told:
                log.warning("cannot write %s (%s): an older database would not be noticed", self.path, error.strerror)
            self._told = True
            return
        self._last, self._told = total, False

    def clear(self) -> None:
        """Remove what senders that were killed while writing the file left beside it."""
        clear_leftovers(self.path)

    def last(self) -> int:
        """What the file says now; 0 if it says nothing."""
        return _read(self.path) or 0


def _read(path: Path) -> int | None:
    try:
        words = path.read_bytes()
    except OSError:
        return None
    digits = words.strip()
    return int(digits) if digits.isdigit() and len(digits) <= _DIGITS and words.endswith(b"\n") else None


def _write(path: Path, total: int) -> None:
    first = not path.exists()
    with replaced(path) as file:  # two processes of one machine may write at the same moment
        file.write(b"%d\n" % total)
    if first:  # a rename that is lost later leaves an older file; this one would leave none
        sync_folder(path.parent)
