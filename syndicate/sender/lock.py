"""One sender process on SQLite: an operating system lock on a file beside the database. Who holds it knows that every
other owner in the ledger is dead, for the system releases the lock when a process ends, however it ends."""

import fcntl
import os
from pathlib import Path

from syndicate.sender.errors import AnotherSender


class SenderLock:
    """Holds the lock until `release`. Raises AnotherSender at once if another process has it."""

    def __init__(self, database_file: Path) -> None:
        self.path = database_file.with_name(database_file.name + ".sender")
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise AnotherSender(
                "another process sends for this database already: stop it first (on SQLite one process sends)"
            ) from None
        self._handle: int | None = handle

    def release(self) -> None:
        """Let another process send. May be called again."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
