"""Backups on both databases: made beside a sender, verified before anything is touched, and held once put back."""

import sqlite3
import sys
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import alembic.command
import alembic.config
import pytest
from acceptance.sites import publish_one, readers
from backups import MADE, back_up, contents, held, look, marked, put_back, send_until, use_database
from clocks import until
from people import edition_state, states
from relays import ScriptedRelay, Session, usual
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from subscribers.models import Subscriber
from syndicate import migrations
from syndicate.app.parts import open_site
from syndicate.app.sending import release_outbox
from syndicate.backup import sqlite
from syndicate.backup.archive import opened
from syndicate.backup.errors import BackupFault
from syndicate.backup.making import make
from syndicate.config import load
from syndicate.database import Database
from syndicate.models import Slot


def test_what_was_sent_since_the_backup_does_not_go_again_by_itself(
    config: Path, file: Path, relay: ScriptedRelay
) -> None:
    with open_site(config) as app:
        readers(app, 3)
        made = marked(app)
    manifest = back_up(config, file)
    assert (manifest.counts, manifest.secret) == ({"subscribers": 3, "clippings": 1, "editions": 1}, False)
    with open_site(config) as app:
        send_until(app, lambda: edition_state(app.database, made) == "sent")
    assert len(relay.dots) == 3
    put_back(config, file)
    with open_site(config) as app:
        app.tick()
        look(app)
        assert len(relay.dots) == 3
        assert held(app) == "restored from the backup of 2026-11-25 02:00 UTC"
        assert edition_state(app.database, made) == "held"
        assert release_outbox(app) == [made]
        send_until(app, lambda: edition_state(app.database, made) == "sent")
    assert sum(to.startswith("reader") for to in relay.dots) == 6, "somebody decided so"


def test_a_backup_is_made_while_mail_goes_and_what_was_on_the_wire_is_a_doubt(
    config: Path, file: Path, relay: ScriptedRelay
) -> None:
    done = threading.Event()

    def slowly(session: Session, stage: str) -> str | None:
        if stage == "dot":
            done.wait(0.01 if len(relay.dots) < 40 else 60)
        return usual(session, stage)

    relay.script = slowly
    with open_site(config) as app:
        readers(app, 60)
        made = marked(app)
        sending = threading.Thread(
            target=send_until, args=(app, lambda: edition_state(app.database, made) == "sent"), daemon=True
        )
        sending.start()
        until(lambda: len(relay.dots) > 10)
        make(app.config, app.database, file, keys=False, force=False, now=MADE, program="1")
        assert 10 < len(relay.dots) < 60
        done.set()
        sending.join(60)
        assert edition_state(app.database, made) == "sent"
    assert len(relay.dots) == 60
    put_back(config, file)
    with open_site(config) as app:
        with app.database.read() as session:
            on_the_wire = len(session.scalars(select(Slot)).all())
        assert 1 <= on_the_wire <= 4
        with app.database.write() as session:  # of a sender that is long gone; here its lease may still run
            session.execute(text("UPDATE owner SET lease_until = 0"))
        look(app)
        assert list(states(app.database, made).values()).count("uncertain") == on_the_wire
    assert len(relay.dots) == 60


def test_a_backup_ends_beside_a_writer_that_never_rests(sqlite_config: Path, file: Path) -> None:
    with open_site(sqlite_config) as app:
        over = threading.Event()
        commits = [0]

        def write() -> None:
            with closing(sqlite3.connect(app.database.file, timeout=10, isolation_level=None)) as connection:
                while not over.is_set():
                    connection.execute("UPDATE outbox SET commits = commits + 1")
                    commits[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: commits[0] > 50)
        before = commits[0]
        manifest = make(app.config, app.database, file, keys=False, force=False, now=MADE, program="1")
        after = commits[0]
        over.set()
        writer.join()
    assert before <= manifest.counter <= after
    assert after - before > 10, "it wrote all the time"


def test_the_file_says_what_is_in_it_and_is_for_its_owner_alone(config: Path, file: Path) -> None:
    with open_site(config) as app:
        readers(app, 2)
    plain = back_up(config, file)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["manifest.json", "database"]
    with opened(file) as backup:
        assert backup.manifest == plain
    assert (plain.program, plain.made_at, plain.stop_list, plain.dkim_keys) == ("1.2.3", MADE, False, ())
    with pytest.raises(BackupFault, match="is there already"):
        back_up(config, file)
    whole = back_up(config, file, keys=True, force=True)
    assert (whole.secret, whole.dkim_keys) == (True, ("s1",))
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["manifest.json", "database", "dkim/s1.key", "secret.key"]
    assert {path.name for path in file.parent.iterdir()} == {"site", "site.backup"}


def test_what_was_there_is_kept(config: Path, file: Path) -> None:
    with open_site(config) as app:
        readers(app, 2)
    back_up(config, file)
    with open_site(config) as app:
        publish_one(app, "Later")
    kept = put_back(config, file).kept
    assert kept
    with open_site(config) as app:
        with app.database.read() as session:
            assert session.scalar(select(func.count()).select_from(Subscriber)) == 2
            assert session.scalar(text("SELECT count(*) FROM clipping")) == 0
        if not app.database.sqlite:
            with app.database.read() as session:
                assert session.scalar(text(f"SELECT count(*) FROM {kept.removeprefix('schema ')}.clipping")) == 1
            again = make(app.config, app.database, file, keys=False, force=True, now=MADE, program="1")
            assert again.counts["clippings"] == 0
            return
        assert kept == f"{app.database.file}.before-20261126T020000Z"
        assert sorted(path.name for path in app.database.file.parent.glob("syndicate.db.before*")) == [Path(kept).name]
        assert app.database.file.stat().st_mode == Path(kept).stat().st_mode
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT count(*) FROM clipping").fetchone() == (1,)


def test_a_damaged_database_is_replaced_whole(sqlite_config: Path, file: Path) -> None:
    with open_site(sqlite_config) as app:
        readers(app, 5)
    back_up(sqlite_config, file)
    place = load(sqlite_config, {}).folder / "syndicate.db"
    place.write_bytes(b"no database at all" * 1000)
    stale = place.with_name("syndicate.db-wal")
    stale.write_bytes(b"left over")
    put_back(sqlite_config, file)
    assert not stale.exists() or stale.read_bytes() != b"left over"
    assert len(contents(sqlite_config)[0]) == 5  # type: ignore[arg-type]
    assert sqlite.faults(place) == []


def test_keys_are_put_where_there_are_none_and_never_over_others(sqlite_config: Path, file: Path) -> None:
    config = load(sqlite_config, {})
    secret, dkim = config.site.secret_file, config.mail.dkim.keys[0].key_file
    was = secret.read_bytes(), dkim.read_bytes()
    back_up(sqlite_config, file, keys=True)
    secret.unlink()
    dkim.write_bytes(b"a newer one")
    assert put_back(sqlite_config, file).keys == (secret,)
    assert (secret.read_bytes(), dkim.read_bytes()) == (was[0], b"a newer one")
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_put_back_where_there_was_no_database(sqlite_config: Path, file: Path) -> None:
    with open_site(sqlite_config) as app:
        readers(app, 2)
    back_up(sqlite_config, file)
    (load(sqlite_config, {}).folder / "syndicate.db").unlink()
    assert put_back(sqlite_config, file).kept is None
    assert len(contents(sqlite_config)[0]) == 2  # type: ignore[arg-type]


def test_a_backup_of_an_older_program_is_brought_to_the_shape_of_this_one_and_held(
    config: Path, file: Path, relay: ScriptedRelay
) -> None:
    with open_site(config) as app:
        readers(app, 2)
        made = marked(app)
        _downgrade(app.database, "0001")
        settings = app.config
        older = make(settings, app.database, file, keys=False, force=False, now=MADE, program="0")
    assert older.revision == "0001"
    put_back(config, file)
    with open_site(config) as app:
        look(app)
        assert relay.dots == []
        assert (held(app) or "").startswith("restored from the backup")
        assert release_outbox(app) == [made]
        send_until(app, lambda: edition_state(app.database, made) == "sent")


def _downgrade(database: Database, revision: str) -> None:
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(Path(migrations.__file__).parent))
    settings.set_main_option("path_separator", "os")
    with database.engine.connect() as plain:
        connection = plain.execution_options(syndicate_write=True)
        with connection.begin():
            settings.attributes["connection"] = connection
            alembic.command.downgrade(settings, revision)


def test_a_password_is_no_argument_of_a_program(sqlite_config: Path, own_postgres: str, file: Path) -> None:
    use_database(sqlite_config, make_url(own_postgres).set(password="geheim").render_as_string(hide_password=False))
    seen: list[tuple[list[str], dict[str, str]]] = []
    watching = True

    def watch(event: str, args: tuple[object, ...]) -> None:
        if watching and event == "subprocess.Popen":
            seen.append((list(args[1]), dict(args[3] or {})))  # type: ignore[call-overload]

    sys.addaudithook(watch)
    back_up(sqlite_config, file)
    put_back(sqlite_config, file)
    watching = False
    assert {Path(words[0]).name for words, _ in seen} == {"pg_dump", "pg_restore", "psql"}
    assert not any("geheim" in word for words, _ in seen for word in words)
    assert any(env.get("PGPASSWORD") == "geheim" for _, env in seen)
