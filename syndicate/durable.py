"""Files that are there whole or not at all, also when the power fails: written beside their place, then moved there."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replaced(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end of the block; after an error nothing has changed.

    Two processes may do this at the same moment: one of the two files stays. Raises the system's OSError."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def clear_leftovers(path: Path, *, older: float = 3600.0, most: int = 100) -> int:
    """Remove what processes that were killed in `replaced` left beside `path`; returns how many files.

    Only files of its own naming that have not been written to for `older` seconds, and at most `most` of them: a file
    takes no hour to write. Without the right to look or to remove, nothing happens."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9]+")
    removed = 0
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if removed == most:
                break
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > older:
                        os.unlink(entry.path)
                        removed += 1
    return removed


@contextmanager
def created(path: Path) -> Iterator[BinaryIO]:
    """A new file (0600) to write to, on disk at the end of the block. FileExistsError where there is one already."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make what was made or renamed in this folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
