"""What a backup says of itself: manifest.json, the first thing in the file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

from syndicate.backup.errors import BackupFault

T = TypeVar("T")

FORMAT = 1
COUNTED = ("subscribers", "clippings", "editions")


@dataclass(frozen=True)
class Manifest:
    """`made_at` is in UTC, `sha256` and `size` (in bytes) are of the copy of the database, `counter` is the outbox's.

    `revision` is the shape of its tables. `secret` and `dkim_keys` (selectors) say which keys are in the file."""

    made_at: datetime
    program: str
    database: str
    server: str
    revision: str
    site: str
    counter: int
    counts: Mapping[str, int]
    sha256: str
    size: int
    secret: bool = False
    dkim_keys: tuple[str, ...] = ()
    stop_list: bool = False
    format: int = FORMAT

    def to_json(self) -> bytes:
        values = asdict(self) | {"made_at": self.made_at.isoformat(), "counts": dict(self.counts)}
        return (json.dumps(values, indent=2, sort_keys=True) + "\n").encode()


def read(data: bytes) -> Manifest:
    """Raises BackupFault if this is no manifest, or one of a later version of the program."""
    try:
        values = json.loads(data)
        number = values["format"]
    except (ValueError, KeyError, TypeError):
        raise BackupFault("this is no backup made by `syndicate db backup`: its manifest cannot be read") from None
    if number != FORMAT:
        raise BackupFault(f"the backup is of format {number!r} and this program reads {FORMAT}: use a newer version")
    try:
        return _typed(values)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupFault(f"the manifest of the backup is damaged ({type(error).__name__}: {error})") from None


def _typed(values: Mapping[str, object]) -> Manifest:
    counts = _of(values, "counts", dict)
    keys = _of(values, "dkim_keys", list)
    if values["database"] not in ("sqlite", "postgresql"):
        raise ValueError("database is neither sqlite nor postgresql")
    return Manifest(
        made_at=datetime.fromisoformat(_of(values, "made_at", str)),
        program=_of(values, "program", str),
        database=_of(values, "database", str),
        server=_of(values, "server", str),
        revision=_of(values, "revision", str),
        site=_of(values, "site", str),
        sha256=_of(values, "sha256", str),
        counter=_of(values, "counter", int),
        counts={name: _of(counts, name, int) for name in COUNTED},
        size=_of(values, "size", int),
        secret=_of(values, "secret", bool),
        dkim_keys=tuple(str(key) for key in keys),
        stop_list=_of(values, "stop_list", bool),
    )


def _of(values: Mapping[str, object], key: str, kind: type[T]) -> T:
    value = values[key]
    if type(value) is not kind:
        raise TypeError(f"{key} is no {kind.__name__}")
    return value
