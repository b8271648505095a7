"""Files that a command is given by name. `-` is standard input."""

import sys
from pathlib import Path
from typing import IO

from syndicate.errors import SyndicateError

LARGEST = 5_000_000
STDIN = "-"


class UnreadableFile(SyndicateError):
    """A file that is not there, may not be read, or is no file that we take; `reason` says which."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"cannot read {name}: {reason}")
        self.reason = reason


def read(name: str) -> bytes:
    """All of the file (at most 5 MB). Raises UnreadableFile, naming it and what is wrong."""
    try:
        if name == STDIN:
            data = _all(sys.stdin.buffer)
        else:
            with Path(name).open("rb") as file:
                data = _all(file)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else None
        raise UnreadableFile(name, reason or str(error)) from None
    if len(data) > LARGEST:
        raise UnreadableFile(name, f"it is larger than {LARGEST // 1_000_000} MB")
    return data


def _all(file: IO[bytes]) -> bytes:
    return file.read(LARGEST + 1)
