"""Runs a command line from its words to its exit status: every failure is exactly one line on stderr."""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import typer

from syndicate.cli.failures import TRACEBACK, Failure, Partly, failure
from syndicate.cli.output import one_line

INTERRUPTED = 130


def run(words: Sequence[str]) -> int:
    """Run `syndicate WORDS…` in this process. Returns the exit status (0 done, 1 failed, 2 asked wrongly, 130)."""
    _write_anything()
    try:
        status = _commands().main(list(words), prog_name="syndicate", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _say(Failure(_usage(error), error.exit_code))
    except typer.Abort:
        return _say(failure(KeyboardInterrupt()))
    except BrokenPipeError:
        return _quiet()
    except SystemExit as error:  # Typer leaves so when the reader of a pipe has gone
        return error.code if isinstance(error.code, int) else 1
    except Partly as error:
        return error.status
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last door: nothing may pass as a traceback
        if os.environ.get(TRACEBACK):
            traceback.print_exception(error)
        return _say(failure(error))
    # Without its own error handling Typer returns an exit status, 130 for an interruption, else what a command gave.
    if status == INTERRUPTED:
        return _say(failure(KeyboardInterrupt()))
    return status if isinstance(status, int) else 0


@cache
def _commands() -> typer.core.TyperGroup:
    """Built once in a process: that takes longer than many a command."""
    from syndicate.cli.root import app

    return typer.main.get_group(app)


def _usage(error: typer.TyperException) -> str:
    # The words of the library that checks values stand before ours.
    words = one_line(error.format_message()).rstrip(".").replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "syndicate"
    return f"{words}: see `{path} --help`"


def _say(found: Failure) -> int:
    with contextlib.suppress(OSError):
        print(f"syndicate: {found.line}", file=sys.stderr, flush=True)
    return found.status


def _quiet() -> int:
    """The reader of our output has gone: nothing is left to say, not even when Python closes the file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _write_anything() -> None:
    """A terminal that cannot show a character gets its escape instead of an error; closed streams take anything."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
