"""The stop list: who has left, as an append-only file beside the database. What stands in it outlives any backup.

Each step of leaving is a line, on the disk before anybody is answered; addresses stand there as keyed hashes only.
`replay` brings a database that knows less up to it.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol, get_args

from subscribers.errors import SubscriberError
from subscribers.ids import new_uid

Word = Literal["left", "back", "suppressed", "lifted"]
_WORDS: tuple[Word, ...] = get_args(Word)
EVERYTHING = "*"
_KIND = "stop-list-1"
_LONGEST_LINE = 400
_END = "."  # of a line that was cut by a crash, the part that is left must not pass for another


@dataclass(frozen=True)
class Stop:
    """One line. `about` is the digest that was left or came back (EVERYTHING for all of them), or the reason of a
    suppression ("" where it was lifted)."""

    at: datetime
    word: Word
    address_hash: str
    about: str


class Stops(Protocol):
    """What the rooms of consent need of a stop list."""

    def add(self, *stops: Stop) -> None:
        """Keep these, on the disk when this returns; nothing for none."""


class StopListFault(SubscriberError):
    """The stop list cannot be read or written: nobody may be told that they have left."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the stop list {path}: {reason}")


@dataclass(frozen=True)
class Lines:
    """What a stop list holds from some byte on: the list's own id, the lines that can be read, how many cannot, and the
    byte behind the last whole one."""

    uid: str
    stops: tuple[Stop, ...]
    broken: int
    end: int


class StopList:
    """The file at `path`, made at the first line. `mark` is a short text that tells lists of different keys apart:
    hashes of one key say nothing under another. Several processes of one machine may add at once."""

    def __init__(self, path: Path, *, mark: str) -> None:
        self.path = path
        self._mark = mark

    def add(self, *stops: Stop) -> None:
        """Append these lines and sync. Raises StopListFault with the reason; then some may be there and some not, and
        what they say was asked for in any case."""
        if not stops:
            return
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)  # given back by the close
                self._append(handle, "".join(map(_line, stops)).encode("ascii"))
            finally:
                os.close(handle)
        except OSError as error:
            raise StopListFault(self.path, error.strerror or str(error)) from None

    def blind(self) -> str | None:
        """In words, if this process could not add to the list. Reads only."""
        if self.path.exists():
            fine = self.path.is_file() and os.access(self.path, os.R_OK | os.W_OK)
        else:
            fine = os.access(self.path.parent, os.W_OK | os.X_OK)
        return None if fine else f"cannot write {self.path}: nobody could leave for good"

    def uid(self) -> str | None:
        """The list's own id; None where there is no list. Raises StopListFault for a file that is no stop list, or
        one of another key."""
        try:
            with self.path.open("rb") as file:
                head = file.readline(_LONGEST_LINE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StopListFault(self.path, error.strerror or str(error)) from None
        if b"\n" not in head and len(head) < _LONGEST_LINE:
            return None  # as good as none: see `_append`
        words = head.decode("ascii", "replace").split()
        if len(words) != 3 or words[0] != _KIND:
            raise StopListFault(self.path, "this is no stop list: put it back from a copy, or move it away")
        if words[2] != self._mark:
            raise StopListFault(self.path, "it is of another secret: put that secret back, or move the list away")
        return words[1]

    def read(self, *, after: int = 0) -> Lines | None:
        """What is there behind the byte `after`; all of it if the list is shorter than that, as a copy may be. None
        where there is no list. Raises StopListFault.

        A line that was cut by a crash is passed over: whoever it was of was not answered."""
        uid = self.uid()
        if uid is None:
            return None
        try:
            with self.path.open("rb") as file:
                begin = after if after <= file.seek(0, os.SEEK_END) else 0
                file.seek(begin)
                data = file.read()
        except OSError as error:
            raise StopListFault(self.path, error.strerror or str(error)) from None
        whole = data[: data.rfind(b"\n") + 1]
        lines = [line for line in whole.splitlines() if line and not line.startswith(_KIND.encode())]
        stops = tuple(stop for stop in map(_read, lines) if stop is not None)
        return Lines(uid, stops, len(lines) - len(stops), begin + len(whole))

    def _append(self, handle: int, data: bytes) -> None:
        size = os.fstat(handle).st_size
        if size and b"\n" not in os.pread(handle, _LONGEST_LINE, 0):
            os.ftruncate(handle, 0)  # its first moment was cut by a crash, and nobody was answered
            size = 0
        if not size:
            data = f"{_KIND} {new_uid()} {self._mark}\n".encode("ascii") + data
        elif os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data  # the line before was cut by a crash
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
        if not size:
            _sync_folder(self.path.parent)


def merged(lists: Iterable[Iterable[Stop]]) -> Iterator[Stop]:
    """The lines of several lists (each web machine keeps its own) in the order of their moments."""
    yield from sorted((stop for stops in lists for stop in stops), key=lambda stop: stop.at)


def _line(stop: Stop) -> str:
    at = stop.at.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{at} {stop.word} {stop.address_hash} {stop.about or '-'} {_END}\n"


def _read(line: bytes) -> Stop | None:
    try:
        at, word, address_hash, about, end = line.decode("ascii").split(" ")
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    if end != _END or word not in _WORDS or moment.tzinfo is None or not address_hash or not about:
        return None
    return Stop(moment, word, address_hash, "" if about == "-" else about)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
