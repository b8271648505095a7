"""`syndicate db backup`: a copy as the database is at one moment, looked at before it is called a backup."""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import URL

from syndicate.backup import postgres, sqlite
from syndicate.backup.archive import SITE_KEYS, dkim_name, pack, sha256_of
from syndicate.backup.errors import BackupFault
from syndicate.backup.facts import Facts, facts
from syndicate.backup.manifest import Manifest
from syndicate.config import Config
from syndicate.database import Database


def make(
    config: Config, database: Database, path: Path, *, keys: bool, force: bool, now: datetime, program: str
) -> Manifest:
    """Write a backup to `path` (0600) beside whoever sends; `keys`: with the site's secret and its DKIM keys.

    Raises BackupFault if the file is there and `force` is not given, or if the copy is not sound."""
    if path.is_dir():
        raise BackupFault(f"{path} is a folder: name a file for the backup")
    if path.exists() and not force:
        raise BackupFault(f"{path} is there already: name another file, or use --force to replace it")
    if not path.parent.is_dir():
        raise BackupFault(f"there is no folder {path.parent}: make it, or name another place")
    found = _keys(config) if keys else {}
    with tempfile.TemporaryDirectory(prefix=".syndicate-backup-", dir=path.parent) as folder:
        copy = Path(folder) / "database"
        held, server = _sqlite(database, copy) if database.sqlite else _postgres(database, copy)
        if held.revision is None:
            raise BackupFault("the database has no tables: there is nothing to back up")
        manifest = Manifest(
            made_at=now,
            program=program,
            database="sqlite" if database.sqlite else "postgresql",
            server=server,
            revision=held.revision,
            site=held.site,
            counter=held.counter,
            counts=held.counts,
            sha256=sha256_of(copy),
            size=copy.stat().st_size,
            secret=SITE_KEYS in found,
            dkim_keys=tuple(key.selector for key in config.mail.dkim.keys if dkim_name(key.selector) in found),
        )
        pack(path, manifest, copy, found)
    return manifest


def _sqlite(database: Database, copy: Path) -> tuple[Facts, str]:
    sqlite.copy_out(database.file, copy)
    if wrong := sqlite.faults(copy):
        raise BackupFault(f"the copy of the database is not sound ({wrong[0]}): run `syndicate db check`")
    look = Database(URL.create("sqlite", database=str(copy)).render_as_string())
    try:
        with look.engine.connect() as connection:
            held = facts(connection)
            version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    finally:
        look.close()
    sqlite.single_file(copy)
    return held, version


def _postgres(database: Database, copy: Path) -> tuple[Facts, str]:
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        held = facts(connection)
        if held.revision is not None:
            postgres.dump(database, connection, copy)
        return held, postgres.server_version(connection)


def _keys(config: Config) -> Mapping[str, bytes]:
    """The secret and the DKIM keys that are there."""
    found = {SITE_KEYS: config.site.secret_file.read_bytes()}
    for key in config.mail.dkim.keys:
        if key.key_file.exists():
            found[dkim_name(key.selector)] = key.key_file.read_bytes()
    return found
