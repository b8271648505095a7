"""Sites on both databases that are backed up and put back; loaded by conftest.py for its fixtures."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from acceptance.sites import publish_one
from console import Console, new_site
from relays import ScriptedRelay
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from subscribers.models import Subscriber
from syndicate.app.founding import lay_tables
from syndicate.app.parts import App, open_site
from syndicate.app.sending import drive
from syndicate.backup.making import make
from syndicate.backup.manifest import Manifest
from syndicate.backup.restoring import Restored, restore
from syndicate.config import load
from syndicate.database import Database
from syndicate.models import Site
from syndicate.outbox import guard

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


@pytest.fixture(params=["sqlite", "postgres"])
def each_site(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    """The command line on a new site, on each of the two databases in turn."""
    site = new_site(tmp_path_factory, tmp_path / "site")
    if request.param == "postgres":
        use_database(site.config, request.getfixturevalue("postgres_url"))
    return site


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
