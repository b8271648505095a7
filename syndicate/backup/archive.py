"""The file of a backup: a tar with manifest.json, the copy of the database and, if asked for, keys."""

import hashlib
import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from syndicate.backup.errors import BackupFault
from syndicate.backup.manifest import Manifest, read
from syndicate.durable import created, replaced, sync_folder

MANIFEST = "manifest.json"
DATABASE = "database"
SITE_KEYS = "secret.key"
_SMALL = 1 << 20
_CHUNK = 1 << 20


def dkim_name(selector: str) -> str:
    """Where the key of a selector lies in the file."""
    return f"dkim/{selector}.key"


def sha256_of(path: Path) -> str:
    """The digest of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(path: Path, manifest: Manifest, database: Path, keys: Mapping[str, bytes]) -> None:
    """Write the backup (0600) to `path`, in place of what lies there: whole or not at all, even if the power fails."""
    with replaced(path) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, MANIFEST, manifest.to_json())
        with database.open("rb") as source:
            tar.addfile(_info(DATABASE, database.stat().st_size), source)
        for name, data in sorted(keys.items()):
            _add(tar, name, data)
    sync_folder(path.parent)


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time.time())
    return info


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_info(name, len(data)), io.BytesIO(data))


@dataclass(frozen=True)
class Opened:
    """A backup that is being read. Nothing is taken out of it by a name that stands in it: only what we ask for."""

    manifest: Manifest
    _tar: tarfile.TarFile
    _members: Mapping[str, tarfile.TarInfo]

    def database_to(self, path: Path) -> None:
        """Write the copy of the database to `path` (0600, on disk). Raises BackupFault if it is not what was packed."""
        seen = hashlib.sha256()
        source = self._stream(DATABASE)
        with created(path) as file:
            try:
                while chunk := source.read(_CHUNK):
                    seen.update(chunk)
                    file.write(chunk)
            except tarfile.TarError:
                raise BackupFault("the backup is cut short: take another copy of it") from None
        if seen.hexdigest() != self.manifest.sha256:
            raise BackupFault("the backup is damaged: the copy of the database in it is not the one that was packed")

    def small(self, name: str) -> bytes | None:
        """A key in the file; None if it is not there."""
        return self._stream(name).read() if name in self._members else None

    def _stream(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        stream = self._tar.extractfile(member) if member and member.isreg() else None
        if stream is None or member is None or (name != DATABASE and member.size > _SMALL):
            raise BackupFault(f"the backup is damaged: {name} is not in it")
        return stream


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Read a backup. Raises BackupFault if this is none, and the system's error if it cannot be opened."""
    with path.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                members = {member.name: member for member in tar}
                first = members.get(MANIFEST)
                stream = tar.extractfile(first) if first and first.isreg() and first.size <= _SMALL else None
                if stream is None:
                    raise BackupFault(f"{path} is no backup made by `syndicate db backup`")
                yield Opened(read(stream.read()), tar, members)
        except tarfile.TarError:
            raise BackupFault(f"{path} is no backup made by `syndicate db backup`, or it was cut short") from None
