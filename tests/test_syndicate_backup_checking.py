"""`db check`: a sound database is said to be so, and faults are found."""

import sqlite3
from contextlib import closing
from pathlib import Path

from acceptance.sites import readers
from backups import marked, send_until
from people import edition_state
from sqlalchemy import update

from syndicate.app.parts import open_site
from syndicate.backup.checking import check
from syndicate.models import Batch
from syndicate.outbox import guard


def test_a_sound_database_is_said_to_be_so(config: Path) -> None:
    with open_site(config) as app:
        readers(app, 3)
        made = marked(app)
        send_until(app, lambda: edition_state(app.database, made) == "sent")
        assert [one.fault for one in check(app.database)] == [None] * 5
        assert [one.note for one in check(app.database) if one.what == "held"] == ["no"]
        with app.database.write() as session:
            guard.hold(session, "an older copy", app.clock())
        assert [one.note for one in check(app.database) if one.what == "held"] == ["yes: an older copy"]


def test_accounts_that_do_not_add_up_are_found(config: Path) -> None:
    with open_site(config) as app:
        readers(app, 3)
        marked(app)
        with app.database.write() as session:
            session.execute(update(Batch).values(accepted=1, queued=2))
        (fault,) = [one.fault for one in check(app.database) if one.fault]
        assert fault == "batch 0 of edition 1 does not add up: please report it"


def test_a_damaged_file_is_found(sqlite_config: Path) -> None:
    with open_site(sqlite_config) as app:
        readers(app, 5)
        app.database.settle()
        place = app.database.file
    data = bytearray(place.read_bytes())
    with closing(sqlite3.connect(place)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_batch_owner'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    data[(page - 1) * size : page * size] = b"\xff" * size
    place.write_bytes(data)
    with open_site(sqlite_config) as app:
        (fault,) = [one.fault for one in check(app.database) if one.fault]
        assert fault.endswith(": restore a backup")
