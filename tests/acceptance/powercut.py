"""A power cut without one: what a disk may hold after it, worked out from the journal of `powercut.c`.

A killed process leaves the system's page cache alive, so no kill can show that a sync is missing. Here everything that
a process did to the files of one folder is in a journal. What it had synced when it died is on the disk; each sector of
the rest may be there or not, as chance says, for a disk may write in any order.
"""

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("powercut.c")
SECTOR = 512
_HEAD = struct.Struct("=IIQQQ")
_MAGIC = 0x43555421
_OPENED, _WROTE, _TRUNCATED, _SYNC_BEGINS, _SYNCED, _RENAMED, _REMOVED = range(1, 8)


class NoCompiler(Exception):
    """Why there can be no power cut here."""


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return shutil.which("cc") or shutil.which("gcc")


def build(folder: Path) -> Path:
    """The library, compiled into `folder`; or NoCompiler, saying what is missing."""
    program = compiler()
    if program is None:
        raise NoCompiler("no C compiler: install gcc and libc6-dev")
    library = folder / "powercut.so"
    words = [program, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(SOURCE)]
    done = subprocess.run([*words, "-lpthread"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoCompiler(f"{SOURCE.name} cannot be compiled here: {done.stderr.strip()[-300:]}")
    return library


@dataclass(eq=False)
class _File:
    """What of a file is on the disk for certain, and what was done to it since: (number, offset, bytes) for a write,
    (number, length, None) for a truncation."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)

    def sync(self, before: int) -> None:
        """What was done before this number is on the disk."""
        for number, at, data in self.pending:
            if number < before:
                _apply(self.durable, at, data)
        self.pending = [one for one in self.pending if one[0] >= before]

    def after_cut(self, chance: random.Random, keep: float) -> bytes:
        """Its bytes if each sector that was not synced is there with the probability `keep`."""
        found = bytearray(self.durable)
        for _, at, data in self.pending:
            if data is None:
                if chance.random() < keep:
                    _apply(found, at, None)
                continue
            for start in range(0, len(data), SECTOR):
                if chance.random() < keep:
                    _apply(found, at + start, data[start : start + SECTOR])
        return bytes(found)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    end = at if data is None else at + len(data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:end] = data


@dataclass
class Replay:
    """What the journal says of the folder: its files, their names by now, and those the disk may still have.

    Names change in order: those that are on the disk for certain come first in `names`, those of now last."""

    names: list[dict[str, _File]]
    calls: dict[str, int] = field(default_factory=dict)

    def after_cut(self, chance: random.Random, keep: float) -> dict[str, bytes]:
        """The files of the folder after a cut; with `keep` 0 only what was synced, with 1 all that was done."""
        last = sum(chance.random() < keep for _ in self.names[1:])
        return {name: file.after_cut(chance, keep) for name, file in self.names[last].items()}

    @property
    def at_risk(self) -> int:
        """How many writes and truncations a cut may undo."""
        return sum(len(file.pending) for file in self.names[-1].values())


class Disk:
    """A folder that a process works in with the library loaded, and the journal of what it does there."""

    def __init__(self, folder: Path, library: Path, room: Path) -> None:
        """`room` is an empty folder elsewhere for the journal and for the files as they are at the beginning."""
        self.folder = folder
        self._library = library
        self._journal = room / "journal"
        self._base = room / "base"
        self.faults = room / "faults"
        self.begin()

    def environment(self, *, sync_microseconds: int = 0) -> dict[str, str]:
        """What the process must have in its environment; a sync then takes that long."""
        return {
            "LD_PRELOAD": str(self._library),
            "POWERCUT_FOLDER": str(self.folder),
            "POWERCUT_JOURNAL": str(self._journal),
            "POWERCUT_FAULTS": str(self.faults),
            "POWERCUT_SYNC_MICROSECONDS": str(sync_microseconds),
        }

    def begin(self) -> None:
        """All that is in the folder now is on the disk. Nobody may have a file of it open."""
        self._journal.write_bytes(b"")
        shutil.rmtree(self._base, ignore_errors=True)
        self._base.mkdir()
        for path in _files(self.folder):
            shutil.copyfile(path, self._base / path.name)

    def replay(self) -> Replay:
        """What was done since the beginning. Whoever did it is dead."""
        return _replay(self._journal.read_bytes(), self.folder, {p.name: p.read_bytes() for p in _files(self._base)})

    def become(self, files: dict[str, bytes], folder: Path | None = None) -> None:
        """Put these files into the folder (or into another) in place of those that are there. SQLite's -shm files stay
        as they are: the first who opens the database makes them anew."""
        folder = folder or self.folder
        for path in _files(folder):
            if path.name not in files:
                path.unlink()
        for name, content in files.items():
            (folder / name).write_bytes(content)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.endswith("-shm")]


def _records(journal: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, file, place and bytes of each record; one that the process died in is left out: it was never done."""
    at = 0
    while at + _HEAD.size <= len(journal):
        magic, kind, file, place, length = _HEAD.unpack_from(journal, at)
        assert magic == _MAGIC, "the journal is broken"
        at += _HEAD.size
        if at + length > len(journal):
            return
        yield kind, file, place, journal[at : at + length]
        at += length


def _replay(journal: bytes, folder: Path, base: dict[str, bytes]) -> Replay:
    found = Replay([{name: _File(bytearray(content)) for name, content in base.items()}])
    files: dict[int, _File] = {}
    begun: dict[int, tuple[int, dict[str, _File]]] = {}
    folder_id = None
    for number, (kind, file, place, data) in enumerate(_records(journal)):
        names = found.names[-1]
        if kind == _OPENED:
            path = Path(data.decode())
            if path == folder:
                folder_id = file
            elif path.parent == folder:
                if place or path.name not in names:
                    names = {**names, path.name: _File()}
                    found.names.append(names)
                files[file] = names[path.name]
        elif kind in (_WROTE, _TRUNCATED) and file in files:
            files[file].pending.append((number, place, data if kind == _WROTE else None))
        elif kind == _SYNC_BEGINS:
            begun[place] = (number, names)
        elif kind == _SYNCED:
            before, named = begun.pop(place)
            if file == folder_id:
                found.names = found.names[next((n for n, one in enumerate(found.names) if one is named), 0) :]
            elif file in files:
                files[file].sync(before)
        elif kind in (_RENAMED, _REMOVED):
            found.names.append(_renamed(names, kind, folder, data.decode()))
        word = {_WROTE: "write", _TRUNCATED: "truncate", _SYNCED: "sync", _RENAMED: "rename"}.get(kind)
        if word:
            found.calls[word] = found.calls.get(word, 0) + 1
    return found


def _renamed(names: dict[str, _File], kind: int, folder: Path, words: str) -> dict[str, _File]:
    old, _, new = words.partition("\n")
    names = dict(names)
    file = names.pop(Path(old).name, None) if Path(old).parent == folder else None
    if kind == _RENAMED and file is not None:
        names[Path(new).name] = file
    return names
