"""A throw-away PostgreSQL cluster for the tests: made with initdb as an unprivileged user, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


class NoPostgres(Exception):
    """Why there can be no PostgreSQL here."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `url` reaches its database `postgres` as superuser over a socket in `folder`."""

    folder: Path
    programs: Path
    url: str
    account: str | None

    @classmethod
    def start(cls) -> "Cluster":
        """Make and start one, or raise NoPostgres saying what is missing."""
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
            options = f"-p {port} -k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
            _run(
                [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"],
                account,
                folder,
            )
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise NoPostgres(f"initdb or pg_ctl failed: {error.stderr.decode(errors='replace')[-300:]}") from None
        return cls(folder, programs, f"postgresql+psycopg://postgres@/postgres?host={folder}&port={port}", account)

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
