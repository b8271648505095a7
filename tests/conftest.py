"""What tests share: real databases, a fixed clock, and the rule on what may be skipped."""

import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from acceptance.powercut import NoCompiler, build
from cluster import Cluster, NoPostgres
from console import use_relay
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from syndicate.catcher import Catcher
from syndicate.database import Database
from syndicate.migrations import upgrade
from syndicate.models import Base

POSTGRES = "SYNDICATE_TEST_POSTGRES_URL"
WHY_NOT = "SYNDICATE_TEST_POSTGRES_WHY_NOT"
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3
OWN_CLUSTER = pytest.StashKey[Cluster]()

# The same examples in every run: what fails for one must fail for all. `--hypothesis-seed=N` tries others.
settings.register_profile(
    "here", derandomize="--hypothesis-seed" not in " ".join(sys.argv), deadline=None, database=None
)
settings.load_profile("here")

pytest_plugins = ["backups", "decision_rooms"]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def required(what: str) -> bool:
    """Whether SYNDICATE_TEST_REQUIRE demands this instead of letting its tests be skipped."""
    return what in os.environ.get("SYNDICATE_TEST_REQUIRE", "").split(",")


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the workers starts one cluster for them all; they find it in the environment. Folders of
    tests lie in memory where there is room: no test waits for a disk."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if hasattr(config, "workerinput") or os.environ.get(POSTGRES) or config.option.collectonly:
        return
    try:
        cluster = Cluster.start()
    except NoPostgres as error:
        os.environ[WHY_NOT] = str(error)
        return
    config.stash[OWN_CLUSTER] = cluster
    os.environ[POSTGRES] = cluster.url


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the cluster that this process started."""
    cluster = config.stash.get(OWN_CLUSTER, None)
    if cluster:
        cluster.stop()


@pytest.fixture
def now() -> datetime:
    """The moment at which a test plays, unless it says otherwise."""
    return NOW


@pytest.fixture
def catcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catcher]:
    """A mail catcher, and the relay of every command from now on."""
    catcher = Catcher(tmp_path / "mail")
    catcher.start()
    use_relay(monkeypatch, catcher.port)
    yield catcher
    catcher.stop()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of the power cuts, which also makes a disk fail; or skip with the reason."""
    try:
        return build(tmp_path_factory.mktemp("library"))
    except NoCompiler as error:
        if required("compiler"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "syndicate.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.settle()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The address of a PostgreSQL server on which databases may be made, or skip with the reason."""
    url = os.environ.get(POSTGRES)
    if url:
        return url
    reason = f"PostgreSQL: {os.environ.get(WHY_NOT, 'not there')}"
    if required("postgres"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The address of a migrated database that belongs to this worker alone."""
    name = f"syndicate_{uuid.uuid4().hex[:12]}"
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    upgrade(database)
    database.close()
    yield url
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of an empty, migrated SQLite file of this test's own."""
    path = tmp_path / "syndicate.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """The address of an empty, migrated PostgreSQL database."""
    engine = create_engine(postgres_database)
    names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        connection.execute(text("INSERT INTO outbox (id, commits) VALUES (1, 0)"))  # as the migrations leave it
    engine.dispose()
    return postgres_database


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each of the two databases in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty, migrated database, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """An empty, migrated database on SQLite, for tests that are not about storage."""
    database = Database(sqlite_url)
    yield database
    database.close()
