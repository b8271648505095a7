"""One sender process on SQLite: an operating system lock on a file beside the database. Who holds it knows that every
other owner in the ledger is dead, for the system releases the lock when a process ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path

from syndicate.sender.errors import AnotherSender

_PAUSE_SECONDS = 0.02


class SenderLock:
    """Holds the lock until `release`. Raises AnotherSender if another process has it, after a few tries: a command
    that only asks who sends (with one try) holds it for a moment."""

    def __init__(self, database_file: Path, *, tries: int = 5) -> None:
        self.path = database_file.with_name(database_file.name + ".sender")
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            held = _taken(handle, tries)
        except BaseException:
            os.close(handle)
            raise
        if not held:
            os.close(handle)
            raise AnotherSender(
                "another process sends for this database already: stop it first (on SQLite one process sends)"
            )
        self._handle: int | None = handle

    def release(self) -> None:
        """Let another process send. May be called again."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _taken(handle: int, tries: int) -> bool:
    for left in reversed(range(tries)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_PAUSE_SECONDS)
        else:
            return True
    return False
