"""A copy of an SQLite database, made beside whoever writes to it; and a copy put in its place."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from syndicate.backup.errors import BackupFault
from syndicate.durable import sync_folder

_BESIDE = ("-wal", "-shm", "-journal")


def copy_out(file: Path, to: Path) -> None:
    """Copy the database in one step, as it is at one moment, without what was deleted from it (VACUUM INTO).

    Who writes meanwhile is not kept waiting, and does not make it begin again. Raises BackupFault if the database
    cannot be read, or the copy not written."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        why = f"the disk of {to.parent.parent} is full: make room, or name another place" if full else str(error)
        raise BackupFault(f"no copy could be made: {why}") from None
    to.chmod(0o600)


def faults(file: Path) -> list[str]:
    """What is wrong with a database file; empty if it is sound. Reads all of it."""
    try:
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
            broken = connection.execute("PRAGMA foreign_key_check").fetchmany(5)
    except sqlite3.DatabaseError as error:
        return [str(error)]
    found = [] if found == ["ok"] else found
    return found + [f"a row of {row[0]} names a row of {row[2]} that is not there" for row in broken]


def single_file(file: Path) -> None:
    """Make a database that nobody else has open one file, with nothing beside it, and put it on disk."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def swap(new: Path, file: Path, old: Path) -> None:
    """Put `new` in the place of the database `file`, which is kept as `old`. At every moment one of them is there.

    Raises BackupFault, and changes nothing, while another process has the database open."""
    if file.exists() and _overwritten(new, file, old):
        return
    for end in _BESIDE:  # of a database that is damaged or gone: read with the new one they would damage that too
        with suppress(FileNotFoundError):
            file.with_name(file.name + end).rename(old.with_name(old.name + end))
    if file.exists():
        try:
            os.link(file, old)
        except OSError:  # a file system without links
            shutil.copy2(file, old)
        shutil.copymode(file, new)
    new.replace(file)
    sync_folder(file.parent)


def _overwritten(new: Path, file: Path, old: Path) -> bool:
    """Write `new` into the database that is there, in one transaction of SQLite's own; False if that is too damaged.

    Another file under the same name would not do: a process that opens the database in this moment would write the log
    of the one beside the other. This way it waits, and then reads the new one."""
    with closing(sqlite3.connect(file, timeout=2, isolation_level=None)) as there:
        if not _alone(there):
            return False
        kept = new.with_name("before")
        try:
            with closing(sqlite3.connect(kept)) as copy:
                there.backup(copy)
        except sqlite3.DatabaseError:
            return False
        shutil.copymode(file, kept)
        kept.rename(old)
        sync_folder(old.parent)
        try:
            with closing(sqlite3.connect(new)) as source:
                source.backup(there)
        except sqlite3.Error as error:
            old.unlink()
            raise BackupFault(f"the database could not be written, and is as it was: {error}") from None
    return True


def _alone(there: sqlite3.Connection) -> bool:
    """Keep everybody else away until this connection is closed; False if SQLite cannot read the file, which is left as
    it is. Leaving the write-ahead log is granted only to whoever is alone. Raises BackupFault if somebody else is."""
    try:
        mode = there.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        there.execute("PRAGMA locking_mode = EXCLUSIVE")
        there.execute("BEGIN EXCLUSIVE")
        there.execute("COMMIT")  # the lock stays
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) and "busy" not in str(error):
            return False
        mode = "wal"
    except sqlite3.DatabaseError:
        return False
    if mode == "wal":
        raise BackupFault("another process has the database open: stop `syndicate serve` and all others first")
    return True
