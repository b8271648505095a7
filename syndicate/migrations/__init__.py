"""Brings a database to the shape this program expects (Alembic). Migrations that landed are never edited."""

from functools import cache
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from syndicate.database import Database
from syndicate.errors import SyndicateError

Shape = Literal["empty", "older", "current", "newer"]


class WrongShape(SyndicateError):
    """The database is not of the shape this program works with."""


def shape(database: Database) -> Shape:
    """How the database's tables stand to this program: `newer` means that a later version has upgraded it."""
    with database.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return "empty"
    if revision == _scripts().get_current_head():
        return "current"
    return "older" if known(revision) else "newer"


def known(revision: str) -> bool:
    """Whether this program can bring a database of this revision to its own shape."""
    try:
        return _scripts().get_revision(revision) is not None
    except CommandError:
        return False


def require_current(database: Database) -> None:
    """Raise WrongShape, with the remedy, unless the database is of this program's shape."""
    found = shape(database)
    if found == "newer":
        raise WrongShape("the database is newer than this program: install the version of syndicate that upgraded it")
    if found == "older":
        raise WrongShape("the database is older than this program: make a backup, then run `syndicate db upgrade`")
    if found == "empty":
        raise WrongShape("the database has no tables yet: run `syndicate init`, or `syndicate db upgrade` on a new one")


def upgrade(database: Database) -> None:
    """Bring the database to this program's shape. Raises WrongShape if it is newer; otherwise harmless to repeat."""
    if shape(database) == "newer":
        require_current(database)
    with database.engine.connect() as plain:
        connection = plain.execution_options(syndicate_write=True)
        with connection.begin():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@cache
def _scripts() -> ScriptDirectory:
    """The migrations of this program, read once."""
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
