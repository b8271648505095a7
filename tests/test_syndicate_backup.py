"""Backups on both databases: made beside a sender, verified before anything is touched, and held once put back."""

import os
import sqlite3
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import alembic.command
import alembic.config
import pytest
from acceptance.sites import publish_one, readers
from clocks import until
from console import new_site
from people import edition_state, states
from relays import ScriptedRelay, Session, usual
from sqlalchemy import create_engine, func, select, text, update
from sqlalchemy.engine import make_url

from subscribers.models import Subscriber
from syndicate import migrations
from syndicate.app.founding import lay_tables
from syndicate.app.parts import App, open_site
from syndicate.app.sending import drive, release_outbox
from syndicate.backup import postgres, sqlite
from syndicate.backup.archive import opened
from syndicate.backup.checking import check
from syndicate.backup.errors import BackupFault
from syndicate.backup.making import make
from syndicate.backup.manifest import Manifest
from syndicate.backup.restoring import Restored, restore
from syndicate.config import load
from syndicate.database import Database
from syndicate.models import Batch, Site, Slot
from syndicate.outbox import guard
from syndicate.sender.lock import SenderLock

MADE = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)


@pytest.fixture
def relay() -> Iterator[ScriptedRelay]:
    with ScriptedRelay() as relay:
        yield relay


@pytest.fixture
def own_postgres(postgres_server: str, postgres_url: str) -> Iterator[str]:
    """The address of an empty, migrated PostgreSQL database that nobody else knows."""
    name = f"syndicate_{uuid.uuid4().hex[:12]}"
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {make_url(postgres_url).database}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def sqlite_config(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, relay: ScriptedRelay) -> Path:
    config = new_site(tmp_path_factory, tmp_path / "site").config
    words = config.read_text(encoding="utf-8")
    words = words.replace('host = "localhost"', 'host = "127.0.0.1"').replace("port = 25", f"port = {relay.port}")
    config.write_text(words.replace("connections = 10", "connections = 4"), encoding="utf-8")
    return config


@pytest.fixture
def postgres_config(sqlite_config: Path, own_postgres: str) -> Path:
    use_database(sqlite_config, own_postgres)
    return sqlite_config


@pytest.fixture(params=["sqlite", "postgres"])
def config(request: pytest.FixtureRequest) -> Path:
    """A site on each of the two databases in turn."""
    return Path(request.getfixturevalue(f"{request.param}_config"))


def use_database(config: Path, url: str) -> None:
    words = config.read_text(encoding="utf-8").replace("sqlite:///syndicate.db", url)
    config.write_text(words, encoding="utf-8")
    database = Database(url)
    lay_tables(database, load(config, {}), datetime.now(UTC))
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.backup"


def back_up(config: Path, file: Path, *, keys: bool = False, force: bool = False) -> Manifest:
    with open_site(config) as app:
        return make(app.config, app.database, file, keys=keys, force=force, now=MADE, program="1.2.3")


def put_back(config: Path, file: Path, *, other_site: bool = False) -> Restored:
    return restore(load(config, {}), file, other_site=other_site, now=LATER)


def marked(app: App, headline: str = "What a pardon takes") -> int:
    """A new edition with one clipping, sending."""
    publish_one(app, headline)
    return app.editions.send_now(app.database, "weekly", headline[:40], app.clock())


def send_until(app: App, done: Callable[[], bool]) -> None:
    drive(app, done, threading.Event(), progress=lambda: None)


def look(app: App, seconds: float = 0.3) -> None:
    """Let a sender look for work for a moment."""
    end = time.monotonic() + seconds
    send_until(app, lambda: time.monotonic() > end)


def held(app: App) -> str | None:
    with app.database.read() as session:
        return guard.held(session)


def contents(config: Path) -> tuple[object, ...]:
    """What a test of refusals looks at: nothing of it may change."""
    with open_site(config) as app, app.database.read() as session:
        people = session.scalars(select(Subscriber.address).order_by(Subscriber.id)).all()
        return (tuple(people), guard.held(session), session.scalar(select(Site.uid)))


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
    assert len(relay.dots) == 6, "somebody decided so"


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


def test_a_restore_that_is_killed_leaves_the_old_database_or_the_new_one(sqlite_config: Path, file: Path) -> None:
    """Killed before it opens a database, links or renames a file, at each of these in turn, and before it clears up."""
    with open_site(sqlite_config) as app:
        readers(app, 2)
    back_up(sqlite_config, file)
    with open_site(sqlite_config) as app:
        publish_one(app, "Later")
    place, copy = load(sqlite_config, {}).folder / "syndicate.db", file.with_name("kept.db")
    with open_site(sqlite_config) as app:
        app.database.settle()
    copy.write_bytes(place.read_bytes())
    outcomes = []
    for step in range(1, 100):
        if _killed_restore(sqlite_config, file, step):
            break
        assert sqlite.faults(place) == []
        with closing(sqlite3.connect(place)) as connection:
            later = connection.execute("SELECT count(*) FROM clipping").fetchone() == (1,)
            held = connection.execute("SELECT held_reason FROM outbox").fetchone()[0]
        assert later is (held is None), "the old one, or the new one and held"
        outcomes.append("old" if later else "new")
        place.write_bytes(copy.read_bytes())
        for left in ("-wal", "-shm"):
            place.with_name(place.name + left).unlink(missing_ok=True)
    olds = outcomes.count("old")
    assert olds >= 5
    assert outcomes == ["old"] * olds + ["new"]


def _killed_restore(config: Path, file: Path, step: int) -> bool:
    """Restore in a process of its own that dies before its `step`-th change to files; whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _args: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("os.link", "os.rename", "sqlite3.connect", "shutil.rmtree"):
                left -= 1
                if left == 0:
                    os._exit(9)

        sys.addaudithook(count)
        try:
            put_back(config, file)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 0


def test_a_failure_in_the_middle_leaves_postgresql_as_it_was(
    postgres_config: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_site(postgres_config) as app:
        readers(app, 2)
    back_up(postgres_config, file)
    before = contents(postgres_config)
    with opened(file) as backup:
        wrong = Manifest(**(vars(backup.manifest) | {"counts": {"subscribers": 3, "clippings": 0, "editions": 0}}))
    monkeypatch.setattr("syndicate.backup.archive.read", lambda _data: wrong)
    with pytest.raises(BackupFault, match=r"^psql: the copy does not hold what the manifest says$"):
        put_back(postgres_config, file)
    assert contents(postgres_config) == before


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


def test_a_program_that_is_missing_or_too_old_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupFault, match=r"^the program pg_nothing is not here: install postgresql-client-16"):
        postgres._program("pg_nothing", "16.1")
    pytest.importorskip("psycopg")
    if not postgres.shutil.which("pg_dump"):
        pytest.skip("PostgreSQL: pg_dump is not there")
    with pytest.raises(BackupFault, match=r"^pg_dump is of version \S+ and the server of 99\.1: install"):
        postgres._program("pg_dump", "99.1")


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


def test_a_copy_that_cannot_be_written_is_told_as_a_fault_of_the_backup(sqlite_config: Path, tmp_path: Path) -> None:
    database = Path(load(sqlite_config, {}).database.url.removeprefix("sqlite:///"))
    nowhere = tmp_path / "gone" / "database"
    with pytest.raises(BackupFault, match="no copy could be made"):
        sqlite.copy_out(database, nowhere)
