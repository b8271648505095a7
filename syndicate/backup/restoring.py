"""`syndicate db restore`: a backup in the place of the database, which is kept; everything in it is held.

All is verified before anything is touched, and what was there is left if any of it fails."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from syndicate.backup import postgres, sqlite
from syndicate.backup.archive import DATABASE, SITE_KEYS, Opened, dkim_name, opened
from syndicate.backup.errors import BackupFault
from syndicate.backup.facts import Facts, facts
from syndicate.backup.manifest import Manifest
from syndicate.config import Config
from syndicate.database import Database
from syndicate.durable import created, sync_folder
from syndicate.migrations import known, upgrade
from syndicate.outbox import guard
from syndicate.sender.errors import AnotherSender
from syndicate.sender.lock import SenderLock

_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Restored:
    """What was put back; where the database from before is kept (None if there was none), and which files of keys were
    put where there were none."""

    manifest: Manifest
    kept: str | None
    keys: tuple[Path, ...]


def restore(config: Config, path: Path, *, other_site: bool, now: datetime) -> Restored:
    """Put the backup `path` in the place of the database of `config`.

    Raises BackupFault while anybody sends or has the database open, for a backup that is damaged, of a newer program,
    of the other kind of database, or (unless `other_site`) of another site."""
    database = Database(config.database.url)
    try:
        with opened(path) as backup, ExitStack() as until_done:
            manifest = backup.manifest
            _fits(manifest, database)
            until_done.enter_context(_nobody_sends(database))
            there = _facts(database)
            _same_site(manifest, there, other_site=other_site)
            reason = f"restored from the backup of {manifest.made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            if database.sqlite:
                kept = _sqlite(database, backup, reason, now)
            else:
                kept = _postgres(database, backup, reason, now, empty=there is None or there.revision is None)
            return Restored(manifest, kept, _keys(config, backup))
    finally:
        database.close()


def _fits(manifest: Manifest, database: Database) -> None:
    kind = "sqlite" if database.sqlite else "postgresql"
    if manifest.database != kind:
        raise BackupFault(f"the backup is of a {manifest.database} database and [database] url names a {kind} one")
    if not known(manifest.revision):
        raise BackupFault(f"the backup was made by a newer program ({manifest.program}): install that version first")


def _same_site(manifest: Manifest, there: Facts | None, *, other_site: bool) -> None:
    if there and there.site and there.site != manifest.site and not other_site:
        raise BackupFault("the backup is of another site: if it shall take the place of this one, use --other-site")


@contextmanager
def _nobody_sends(database: Database) -> Iterator[None]:
    """Nobody sends now and, on SQLite, nobody can begin to before the block ends."""
    if database.sqlite:
        try:
            lock = SenderLock(database.file)
        except AnotherSender:
            raise BackupFault("somebody sends for this database: stop `syndicate serve` first") from None
        try:
            yield
        finally:
            lock.release()
        return
    others = _others(database)
    if others:
        raise BackupFault(f"the database is in use ({others} open): stop `syndicate serve` and all others first")
    yield


def _others(database: Database) -> int:
    """How many connections besides ours are open; those of a process that has just ended are given time to go."""
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = current_user AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    end = time.monotonic() + _GRACE_SECONDS
    while True:
        with database.engine.connect() as connection:
            others = int(connection.execute(asked).scalar_one())
        if not others or time.monotonic() > end:
            return others
        time.sleep(0.1)


def _facts(database: Database) -> Facts | None:
    """Of the database that is there; None if there is none, or nothing can be read of it."""
    if database.sqlite and not database.file.exists():
        return None
    try:
        with database.engine.connect() as connection:
            return facts(connection)
    except DatabaseError:
        if not database.sqlite:
            raise
        return None  # damaged: that may be why a backup is put in its place
    finally:
        database.close()


def _sqlite(database: Database, backup: Opened, reason: str, now: datetime) -> str | None:
    file = database.file
    with tempfile.TemporaryDirectory(prefix=".syndicate-restore-", dir=file.parent) as folder:
        copy = Path(folder) / DATABASE
        backup.database_to(copy)
        if wrong := sqlite.faults(copy):
            raise BackupFault(f"the copy of the database in the backup is not sound: {wrong[0]}")
        new = Database(URL.create("sqlite", database=str(copy)).render_as_string())
        try:
            _hold(new, reason, now)
        finally:
            new.close()
        sqlite.single_file(copy)
        old = _free_name(file, now) if file.exists() else None
        sqlite.swap(copy, file, old or file)
    return str(old) if old else None


def _hold(database: Database, reason: str, now: datetime) -> None:
    upgrade(database)
    with database.write() as session:
        guard.hold(session, reason, now)


def _free_name(file: Path, now: datetime) -> Path:
    stem = f"{file.name}.before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    names = [stem, *(f"{stem}-{number}" for number in range(2, 100))]
    return next(file.with_name(name) for name in names if not file.with_name(name).exists())


def _postgres(database: Database, backup: Opened, reason: str, now: datetime, *, empty: bool) -> str | None:
    kept = None if empty else f"{postgres.KEPT}{now.astimezone(UTC):%Y%m%dt%H%M%S}"
    with tempfile.TemporaryDirectory(prefix="syndicate-restore-") as folder:
        copy = Path(folder) / DATABASE
        backup.database_to(copy)
        postgres.put_back(database, copy, before=_away(kept), after=_held(backup.manifest, reason, now))
    _hold(database, reason, now)  # of a revision that had no row to say it in
    return f"schema {kept}" if kept else None


def _away(kept: str | None) -> list[str]:
    """What is there is put aside whole. Who begins at this moment to write or to send waits, and then finds the new."""
    if kept is None:
        return []
    return [
        "SET LOCAL lock_timeout = '10s'",
        "DO $$ DECLARE t name; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " LOOP EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', t); END LOOP; END $$",
        "DO $$ BEGIN IF EXISTS (SELECT FROM public.owner WHERE lease_until > extract(epoch FROM clock_timestamp()))"
        " THEN RAISE EXCEPTION 'somebody sends for this database: stop all senders first'; END IF; END $$",
        f"ALTER SCHEMA public RENAME TO {kept}",
        "CREATE SCHEMA public",
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
    ]


def _held(manifest: Manifest, reason: str, now: datetime) -> list[str]:
    """Nothing is committed that is not what was packed, and nothing of it may go by itself."""
    tables = {"subscribers": "subscriber", "clippings": "clipping", "editions": "edition"}
    wrong = " OR ".join(
        f"(SELECT count(*) FROM public.{table}) <> {manifest.counts[name]}"  # noqa: S608 - our own words and numbers
        for name, table in tables.items()
    )
    mark = f"held_at = '{now.isoformat()}', held_reason = '{reason}'"
    held = f"UPDATE public.outbox SET {mark} WHERE held_at IS NULL"  # noqa: S608
    return [
        f"DO $$ BEGIN IF {wrong} THEN RAISE EXCEPTION 'the copy does not hold what the manifest says'; END IF; END $$",
        f"DO $$ BEGIN IF to_regclass('public.outbox') IS NOT NULL THEN {held}; END IF; END $$",
        f"UPDATE public.edition SET state = 'held', reason = '{reason}' WHERE state = 'sending'",  # noqa: S608
    ]


def _keys(config: Config, backup: Opened) -> tuple[Path, ...]:
    """Put the keys of the backup where there are none; those that are there are never touched."""
    places = {SITE_KEYS: config.site.secret_file}
    places |= {dkim_name(key.selector): key.key_file for key in config.mail.dkim.keys}
    put = []
    for name, place in places.items():
        data = backup.small(name)
        if data is not None and not place.exists():
            with created(place) as file:
                file.write(data)
            sync_folder(place.parent)
            put.append(place)
    return tuple(put)
