"""A copy of a PostgreSQL database, made and put back with the programs that come with it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from syndicate.backup.errors import BackupFault
from syndicate.database import Database

KEPT = "before_"
"""How the schemas are called in which a restore keeps what was there: this and the moment. No backup holds them."""

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "dbname": "PGDATABASE",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "gssencmode": "PGGSSENCMODE",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
"""The settings of an address that the programs take from the environment, by the names that libpq gives them."""


def server_version(connection: Connection) -> str:
    """As `15.6`."""
    return str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]


def dump(database: Database, connection: Connection, to: Path) -> None:
    """Copy what the transaction of `connection` (repeatable read) sees, with pg_dump."""
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # we wait for the program in it
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    words = [
        *(_program("pg_dump", server_version(connection)), "--format=custom", "--no-owner", "--no-privileges"),
        *(f"--exclude-schema={KEPT}*", f"--snapshot={snapshot}", f"--file={to}"),
    ]
    _run(words, database)
    to.chmod(0o600)


def put_back(database: Database, copy: Path, *, before: Sequence[str], after: Sequence[str]) -> None:
    """Run the statements `before`, the copy and the statements `after` in one transaction, with pg_restore and psql.

    Raises BackupFault, and changes nothing, if any of it fails."""
    with database.engine.connect() as connection:
        version = server_version(connection)
    script = copy.with_name(copy.name + ".sql")
    _run([_program("pg_restore", version), "--no-owner", "--no-privileges", f"--file={script}", str(copy)], database)
    words = [_program("psql", version), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    first, last = (copy.with_name(copy.name + end) for end in (".first", ".last"))
    first.write_text("".join(f"{statement};\n" for statement in before), encoding="utf-8")
    last.write_text("".join(f"{statement};\n" for statement in after), encoding="utf-8")
    _run([*words, *(f"--file={part}" for part in (first, script, last))], database)


def _program(name: str, server: str) -> str:
    """Where the program lies: the one of the server's own version if there are several."""
    major = server.partition(".")[0]
    remedy = f"install postgresql-client-{major}, or what your system calls it"
    own = Path("/usr/lib/postgresql") / major / "bin" / name
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise BackupFault(f"the program {name} is not here: {remedy}")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = next((word for word in said.split() if word[0].isdigit()), "0")
    if int(version.partition(".")[0]) < int(major):
        raise BackupFault(f"{name} is of version {version} and the server of {server}: {remedy}")
    return found


def _run(words: Sequence[str], database: Database) -> None:
    """Where the database is goes by the environment, and the password with it: arguments can be read by everybody."""
    env = os.environ | _environment(database)
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    if done.returncode == 0:
        return
    lines = done.stderr.decode(errors="replace").splitlines()
    # One line only: the details after it may show rows.
    why = next((line for line in lines if "ERROR:" in line or "error:" in line or "FATAL:" in line), "it failed")
    raise BackupFault(f"{Path(words[0]).name}: {why.partition('ERROR:')[2].strip() or why.strip()}")


def _environment(database: Database) -> dict[str, str]:
    given = database.engine.dialect.create_connect_args(database.engine.url)[1]
    return {variable: str(given[name]) for name, variable in _VARIABLES.items() if given.get(name) is not None}
