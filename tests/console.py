"""The command line as tests use it: run in this process on a whole site, with all that it wrote."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syndicate.app.founding import Answers, found
from syndicate.cli.entry import run


@dataclass(frozen=True)
class Ran:
    """How a command line ended, and what it wrote."""

    status: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    def refused(self, status: int) -> str:
        """The one line on stderr of a command that failed with this exit status and wrote nothing else."""
        assert self.status == status, (self.status, self.out, self.err)
        (line,) = self.err.splitlines()
        assert line.startswith("syndicate: ")
        assert self.out == ""
        return line

    def done(self) -> "Ran":
        """Itself, having made sure that it did what was asked."""
        assert self.status == 0, (self.status, self.out, self.err)
        return self


@dataclass(frozen=True)
class Console:
    """Runs `syndicate --config CONFIG …`."""

    config: Path

    @property
    def folder(self) -> Path:
        return self.config.parent

    def __call__(self, *words: str, stdin: bytes = b"") -> Ran:
        return command("--config", str(self.config), *words, stdin=stdin)

    @contextmanager
    def start(self, *words: str) -> Iterator["subprocess.Popen[str]"]:
        """The same as a process of its own, its streams in our hands; one that still runs at the end of the block, as
        when a test fails in it, is killed."""
        with subprocess.Popen(
            [sys.executable, "-m", "syndicate", "--config", str(self.config), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ.copy(),
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def command(*words: str, stdin: bytes = b"") -> Ran:
    """Run `syndicate WORDS…` in this process."""
    with _streams(stdin) as (out, err):
        status = run(words)
        sys.stdout.flush()
        sys.stderr.flush()
    return Ran(status, out.getvalue(), err.getvalue().decode())


def new_site(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Console:
    """A site as `init` makes it; founded once a process, then copied, as keys take their time."""
    pattern = tmp_path_factory.getbasetemp() / "console-site"
    if not pattern.exists():
        found(pattern, Answers(), clock=lambda: datetime.now(UTC), environ={})
    shutil.copytree(pattern, folder)
    return Console(folder / "config.toml")


def use_relay(monkeypatch: pytest.MonkeyPatch, port: int, connections: int = 2) -> None:
    """Let every command from now on send through a relay on this port of 127.0.0.1."""
    monkeypatch.setenv("SYNDICATE_MAIL__SMTP__HOST", "127.0.0.1")
    monkeypatch.setenv("SYNDICATE_MAIL__SMTP__PORT", str(port))
    monkeypatch.setenv("SYNDICATE_MAIL__SMTP__CONNECTIONS", str(connections))


def keys(shapes: Sequence[dict[str, Any]]) -> set[frozenset[str]]:
    """The different sets of keys that these objects have."""
    return {frozenset(shape) for shape in shapes}


@contextmanager
def _streams(stdin: bytes) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    kept = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8")
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8")
    mine = sys.stdout, sys.stderr
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
        for stream in mine:
            stream.detach()
