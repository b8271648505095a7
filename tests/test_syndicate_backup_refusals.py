"""What is not put back, and what is not made: the file is damaged, of another site or program, or somebody is there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from acceptance.sites import readers
from backups import back_up, contents, put_back
from sqlalchemy import select, update

from syndicate.app.parts import open_site
from syndicate.backup import postgres, sqlite
from syndicate.backup.archive import opened
from syndicate.backup.errors import BackupFault
from syndicate.backup.manifest import Manifest
from syndicate.config import load
from syndicate.models import Site
from syndicate.sender.lock import SenderLock


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20_000])


def _other(file: Path) -> None:
    file.write_text("Dear diary")


@pytest.mark.parametrize(("harm", "why"), [(_flip, "is damaged"), (_cut, "cut short"), (_other, "is no backup")])
def test_a_damaged_backup_is_refused_and_nothing_is_touched(
    config: Path, file: Path, harm: Callable[[Path], None], why: str
) -> None:
    with open_site(config) as app:
        readers(app, 5)
    back_up(config, file)
    before = contents(config)
    harm(file)
    with pytest.raises(BackupFault, match=why):
        put_back(config, file)
    assert contents(config) == before


def test_a_backup_of_another_site_is_refused_unless_that_is_wanted(config: Path, file: Path) -> None:
    back_up(config, file)
    with open_site(config) as app, app.database.write() as session:
        session.execute(update(Site).values(uid="another"))
    before = contents(config)
    with pytest.raises(BackupFault, match="of another site"):
        put_back(config, file)
    assert contents(config) == before
    put_back(config, file, other_site=True)
    assert contents(config) != before


def test_a_backup_of_the_other_kind_or_of_a_newer_program_is_refused(
    sqlite_config: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(sqlite_config, file)
    with opened(file) as backup:
        made = backup.manifest
    changes = ({"database": "postgresql"}, "of a postgresql database"), ({"revision": "9"}, "newer program")
    for change, why in changes:
        changed = Manifest(**(vars(made) | change))
        monkeypatch.setattr("syndicate.backup.archive.read", lambda _data, changed=changed: changed)
        with pytest.raises(BackupFault, match=why):
            put_back(sqlite_config, file)


def test_nothing_is_put_back_while_somebody_sends(config: Path, file: Path) -> None:
    back_up(config, file)
    with open_site(config) as app:
        sender = app.sender()
        sender.open()
        try:
            with pytest.raises(BackupFault, match="stop `syndicate serve`"):
                put_back(config, file)
        finally:
            sender.close()


def test_nothing_is_put_back_while_pages_are_served(config: Path, file: Path) -> None:
    back_up(config, file)
    with open_site(config) as app:
        app.documents  # noqa: B018 - the site stays open: its connections are in the pool
        with app.database.read() as session:
            session.scalar(select(Site.uid))
            with pytest.raises(BackupFault, match="stop `syndicate serve` and all others first"):
                put_back(config, file)
    put_back(config, file)


def test_nobody_can_begin_to_send_while_a_backup_is_put_back(sqlite_config: Path, file: Path) -> None:
    back_up(sqlite_config, file)
    lock = SenderLock(load(sqlite_config, {}).folder / "syndicate.db")
    with pytest.raises(BackupFault, match="somebody sends"):
        put_back(sqlite_config, file)
    lock.release()
    put_back(sqlite_config, file)


def test_a_program_that_is_missing_or_too_old_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupFault, match=r"^the program pg_nothing is not here: install postgresql-client-16"):
        postgres._program("pg_nothing", "16.1")
    pytest.importorskip("psycopg")
    if not postgres.shutil.which("pg_dump"):
        pytest.skip("PostgreSQL: pg_dump is not there")
    with pytest.raises(BackupFault, match=r"^pg_dump is of version \S+ and the server of 99\.1: install"):
        postgres._program("pg_dump", "99.1")


def test_a_copy_that_cannot_be_written_is_told_as_a_fault_of_the_backup(sqlite_config: Path, tmp_path: Path) -> None:
    database = Path(load(sqlite_config, {}).database.url.removeprefix("sqlite:///"))
    nowhere = tmp_path / "gone" / "database"
    with pytest.raises(BackupFault, match="no copy could be made"):
        sqlite.copy_out(database, nowhere)
