"""Whatever goes wrong is one line on stderr and an exit status; nothing is a traceback."""

import errno
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from console import command
from sqlalchemy.exc import DatabaseError, InvalidRequestError, OperationalError

from subscribers.errors import InvalidAddress
from syndicate.cli.entry import run
from syndicate.cli.failures import Interrupted, failure
from syndicate.cli.logs import OneLine
from syndicate.errors import NotFound, UsageError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("steal", "No such command 'steal'"),
        ("", "Missing command"),
        ("clip", "Missing command"),
        ("--loudly", "No such option: --loudly"),
        ("clip show", "Missing argument 'ID'"),
        ("clip list --limit many", "--limit"),
        ("clip list --limit -1", "greater than or equal to 0"),
        ("clip list --state gone", "'gone' is not one of 'draft', 'published', 'retracted'"),
        ("edition show seven", "valid integer"),
        ("edition show -- -7", "greater than or equal to 1"),
        ("serve --port 70000", "65535"),
        ("subscriber add ann@example.org", "Missing option '--digest'"),
        ("clip add --headline", "requires an argument"),
        ("clip show a b", "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(words: str, said: str) -> None:
    line = command(*words.split()).refused(2)
    assert said in line
    assert "--help`" in line


def test_no_configuration_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    line = command("--config", str(tmp_path / "config.toml"), "clip", "list").refused(2)
    assert "syndicate init" in line


def test_help_and_version_answer_without_a_site() -> None:
    assert "clip" in command("--help").done().out
    assert "--now DIGEST" in command("edition", "send", "--help").done().out
    assert command("--version").done().out.startswith("syndicate ")


def test_help_loads_none_of_the_heavy_rooms() -> None:
    heavy = [
        "sqlalchemy",
        "pydantic",
        "rich",
        "jinja2",
        "alembic",
        "fastapi",
        "cryptography",
        "syndicate.app",
        "syndicate.config",
    ]
    program = (
        "import sys; from syndicate.cli.entry import run; status = run(['--help']); "
        f"sys.exit(' '.join(set({heavy}) & set(sys.modules)) or status)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "syndicate", "clip", "add", "--help"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, 1)


def test_closed_streams_are_no_error() -> None:
    program = f"{sys.executable} -m syndicate --version >&- 2>&-"
    assert subprocess.run(program, shell=True, check=False).returncode == 0


def _database(words: str, kind: type[DatabaseError] = OperationalError) -> DatabaseError:
    return kind("SELECT address FROM subscriber WHERE address = ?", ("ann@example.org",), Exception(words))


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UsageError("a date"), 2, "a date"),
        (NotFound("no such thing\nat all"), 1, "no such thing at all"),
        (InvalidAddress("x", "no @"), 2, "'x' is no address"),
        (Interrupted("stopped here"), 130, "stopped here"),
        (KeyboardInterrupt(), 130, "stopped"),
        (_database("database is locked"), 1, "busy"),
        (_database("database or disk is full"), 1, "make room"),
        (_database("unable to open database file"), 1, "permissions"),
        (_database("attempt to write a readonly database"), 1, "permissions"),
        (_database("file is not a database", DatabaseError), 1, "no SQLite database"),
        (_database("no such table: clipping"), 1, "syndicate db upgrade"),
        (_database("connection to server at 127.0.0.1 failed: Connection refused\nIs it running?"), 1, "not answer"),
        (_database("something new"), 1, "the database refused: something new"),
        (InvalidRequestError("no"), 1, "the database refused: no"),
        (PermissionError(errno.EACCES, "Permission denied", "secret.key"), 1, "secret.key: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
        (ZeroDivisionError("division by zero"), 1, "a fault in syndicate itself: ZeroDivisionError"),
    ],
)
def test_an_error_is_one_line_with_its_status(error: BaseException, status: int, said: str) -> None:
    found = failure(error)
    assert found.status == status
    assert said in found.line
    assert "\n" not in found.line
    assert "ann@example.org" not in found.line  # no statement, no parameters


class _Raising:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def main(self, words: Sequence[str], **_: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("bad\nluck"), 1), (KeyboardInterrupt(), 130), (MemoryError(), 1)]
)
def test_even_a_fault_of_the_program_is_one_line(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndicate.cli.entry._commands", lambda: _Raising(error))
    command("clip", "list").refused(status)


def test_the_traceback_of_a_fault_is_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("syndicate.cli.entry._commands", lambda: _Raising(RuntimeError("bad luck")))
    monkeypatch.setenv("SYNDICATE_TRACEBACK", "1")
    assert run(["clip", "list"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_event_in_the_log_is_one_line_with_its_time() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("room", logging.ERROR, __file__, 1, "it %s", ("failed",), sys.exc_info())
    record.created = 0.0
    line = OneLine().format(record)
    assert line.startswith("1970-01-01T00:00:00Z error room: it failed | Traceback")
    assert "\n" not in line
