"""Engines and transactions. Every write of a process goes through one fair lock on SQLite, so that a send in
progress cannot starve the web; on PostgreSQL the database arbitrates."""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Dialect, Engine, Float, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql.elements import ColumnElement, literal_column

from syndicate.errors import UsageError

_BUSY_MILLISECONDS = 30_000
_OLDEST_SQLITE = (3, 33)  # the first with UPDATE … FROM


class FairLock:
    """A lock that is granted in the order it was asked for; `threading.Lock` may pass the same thread for ever."""

    def __init__(self) -> None:
        self._inner = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._inner:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:
            self._give_up(turn)
            raise

    def __exit__(self, *_: object) -> None:
        with self._inner:
            self._hand_on()

    def _hand_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()  # handed on while held: nobody can overtake
        else:
            self._held = False

    def _give_up(self, turn: threading.Event) -> None:
        """Interrupted while waiting: leave the line, or pass on what was handed to us meanwhile."""
        with self._inner:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:
                self._hand_on()


@dataclass(frozen=True)
class Bare:
    """A transaction on the driver's own connection."""

    connection: PoolProxiedConnection
    dialect: Dialect


class Database:
    """One database of a site, on SQLite (WAL, synchronous=FULL) or PostgreSQL.

    `url` is an SQLAlchemy address. Raises UsageError if it cannot be understood or is of another kind.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            name = parsed.get_backend_name()
            if name == "postgresql" and "+" not in parsed.drivername:
                parsed = parsed.set(drivername="postgresql+psycopg")
            if name == "sqlite" and parsed.database in (None, "", ":memory:"):
                raise UsageError("the database must be a file: sqlite:///syndicate.db")
            if name not in ("sqlite", "postgresql"):
                raise UsageError(f"the database must be sqlite or postgresql, not {name}")
            self.engine = _sqlite(parsed) if name == "sqlite" else _postgres(parsed)
        except ArgumentError:
            raise UsageError("database.url is no database address; try sqlite:///syndicate.db") from None
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{error}: install the extra `postgres` (pip install 'syndicate-news[postgres]')"
            ) from None
        self.sqlite = name == "sqlite"
        self.path = parsed.database if self.sqlite else None
        self._turn = FairLock() if self.sqlite else nullcontext()

    @property
    def file(self) -> Path:
        """The database file on SQLite."""
        if self.path is None:
            raise ValueError("a PostgreSQL database has no file")
        return Path(self.path)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot (SQLite) or statement by statement (PostgreSQL); nothing is kept."""
        with self.engine.connect() as connection, Session(bind=connection) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or wholly undone by an exception."""
        with self._turn, self.engine.connect() as plain:
            connection = plain.execution_options(syndicate_write=True)
            with Session(bind=connection, expire_on_commit=False) as session, session.begin():
                yield session

    @contextmanager
    def write_much(self) -> Iterator[Session]:
        """As `write`, for work that touches several large trees in no order: meanwhile SQLite keeps 16 MB of them at
        hand, in place of 2 MB, so that they do not push each other out."""
        with self.write() as session:
            connection = session.connection()
            if self.sqlite:
                connection.exec_driver_sql("PRAGMA cache_size = -16000")
            try:
                yield session
            finally:
                if self.sqlite:
                    connection.exec_driver_sql("PRAGMA cache_size = -2000")

    @contextmanager
    def write_bare(self) -> Iterator[Bare]:
        """As `write`, for the one transaction that every mail passes: SQLAlchemy's part in it would cost more than its
        statements. Errors are SQLAlchemy's all the same."""
        dialect = self.engine.dialect
        with self._turn:
            connection = self.engine.raw_connection()
            try:
                if self.sqlite:
                    connection.cursor().execute("BEGIN IMMEDIATE")
                yield Bare(connection, dialect)
                dialect.do_commit(connection)
            except dialect.loaded_dbapi.Error as error:
                if dialect.is_disconnect(error, connection.dbapi_connection, None):
                    connection.invalidate(error)
                kind = dialect.loaded_dbapi.Error
                raise DBAPIError.instance("", None, error, kind, hide_parameters=True, dialect=dialect) from error
            finally:
                connection.close()  # this rolls back what was not committed

    def clock(self) -> ColumnElement[float]:
        """The database's own clock as an SQL expression, in seconds since 1970: what leases are measured by."""
        words = "(julianday('now') - 2440587.5) * 86400.0" if self.sqlite else "extract(epoch from clock_timestamp())"
        return literal_column(f"({words})", Float)

    def settle(self) -> None:
        """Put all that was written into the one database file (SQLite), for whoever moves or copies it."""
        if self.sqlite:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give every connection back to the system."""
        self.engine.dispose()


def _postgres(url: URL) -> Engine:
    """Bounded in every wait: for a lock, for a client that went away in a transaction, for a line that is dead.

    Who stands still in a transaction loses it before those who wait for its locks give up: a stopped sender must not
    end the others."""
    bounds: dict[str, str | int] = {
        "options": "-c lock_timeout=30s -c idle_in_transaction_session_timeout=20s",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    own = {name: value for name, value in bounds.items() if name not in url.query}
    return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, connect_args=own)


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE))
        raise UsageError(f"this Python has SQLite {sqlite3.sqlite_version}: {oldest} is the oldest that will do")
    engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=10, max_overflow=30)

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Transactions are begun by us, below: the driver's own would begin as readers and fail when they turn writers.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # NORMAL may forget a committed mark at a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("syndicate_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def in_words(error: Exception) -> str:
    """An error as one line for people. One of the database is what its driver says, without the statement that met it
    and the values in it; one of the system is named without its number."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    cause = error.orig if isinstance(error, DBAPIError) else error
    line = next(iter(str(cause).strip().splitlines()), "") or type(cause).__name__
    return f"the database cannot be used: {line}" if isinstance(error, DBAPIError) else line
