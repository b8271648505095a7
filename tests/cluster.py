"""A throw-away PostgreSQL cluster for the tests: made with initdb as an unprivileged user, gone afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import psycopg


class NoPostgres(Exception):
    """Why there can be no PostgreSQL here."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `url` reaches its database `postgres` as superuser over a socket in `folder`."""

    folder: Path
    programs: Path
    url: str
    account: str | None
    options: str

    @classmethod
    def start(cls, *, fsync: bool = False) -> "Cluster":
        """Make and start one, or raise NoPostgres saying what is missing. With `fsync` it may be crashed."""
        programs = _programs()
        account = _account() if os.geteuid() == 0 else None
        folder = Path(tempfile.mkdtemp(prefix="syndicate-pg-"))
        if account:
            shutil.chown(folder, account)
        data = folder / "data"
        port = _free_port()
        try:
            _run(
                [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"],
                account,
                folder,
            )
            sync = "on" if fsync else "off"
            options = f"-p {port} -k {folder} -c listen_addresses='' -c fsync={sync} -c max_connections=200"
            _run(
                [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"],
                account,
                folder,
            )
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise NoPostgres(f"initdb or pg_ctl failed: {error.stderr.decode(errors='replace')[-300:]}") from None
        return cls(
            folder, programs, f"postgresql+psycopg://postgres@/postgres?host={folder}&port={port}", account, options
        )

    def new_database(self) -> str:
        """The address of a new, empty database on it."""
        name = f"syndicate_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return self.url.replace("@/postgres?", f"@/{name}?")

    def crash(self) -> None:
        """Stop it as a crash would: nothing is finished, nothing written out."""
        _run(
            [self.programs / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop"], self.account, self.folder
        )

    def start_again(self) -> None:
        """Start it after a crash; returns when it has recovered and takes connections."""
        words = [
            self.programs / "pg_ctl",
            "-D",
            self.folder / "data",
            "-w",
            "-l",
            self.folder / "log",
            "-o",
            self.options,
        ]
        _run([*words, "start"], self.account, self.folder)

    def kill_backend(self, backend: int) -> None:
        """SIGKILL one of its processes, which makes it start over; returns when it takes connections again."""
        os.kill(backend, signal.SIGKILL)
        end = time.monotonic() + 30
        while Path(f"/proc/{backend}").exists() or not self._ready():
            assert time.monotonic() < end, "the server did not come back"
            time.sleep(0.01)

    def _ready(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", "")).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End the cluster and remove its folder."""
        command = [self.programs / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop"]
        try:
            _run(command, self.account, self.folder)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    raise NoPostgres("no initdb: install postgresql, or set SYNDICATE_TEST_POSTGRES_URL")


def _account() -> str:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoPostgres("initdb refuses root, and there is no unprivileged user `postgres` or `nobody`")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str | Path], account: str | None, folder: Path) -> None:
    words = [str(word) for word in command]
    # The server inherits what it is given: without files of its own it would hold our pipes open.
    with (folder / "out").open("ab") as out, (folder / "err").open("ab") as err:
        done = subprocess.run(words, stdout=out, stderr=err, user=account, cwd=folder, check=False, timeout=60)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, words, stderr=(folder / "err").read_bytes())
