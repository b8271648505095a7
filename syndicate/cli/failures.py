"""What went wrong, as one line for a person and an exit status. Nothing here prints."""

import os
import re
import traceback
from dataclasses import dataclass

from syndicate.cli.output import one_line
from syndicate.errors import SyndicateError

TRACEBACK = "SYNDICATE_TRACEBACK"

_DATABASE = (
    ("database is locked", "the database is busy: another process is writing; try again in a moment"),
    ("database or disk is full", "the disk is full: make room and run the command again; nothing was changed"),
    (
        "unable to open database file",
        "cannot open the database file: check [database] url and the folder's permissions",
    ),
    ("readonly database", "the database file may not be written: check the permissions of the file and its folder"),
    ("file is not a database", "the database file is no SQLite database: check [database] url, or restore a backup"),
    ("disk image is malformed", "the database file is damaged: restore a backup"),
    ("disk i/o error", "the disk does not work as it should: check it, then run the command again"),
    ("no such table", "the database lacks tables of this program: run `syndicate db upgrade`"),
    ("password authentication failed", "the database server refuses our login: check [database] url"),
)
_SERVER = "the database server does not answer ({}): check [database] url and that it runs"


@dataclass(frozen=True)
class Failure:
    """One line for stderr, and the exit status: 1 what was asked failed, 2 it was asked wrongly, 130 interrupted."""

    line: str
    status: int


class Interrupted(SyndicateError):
    """A person stopped the command; the text says what stands now and how to go on."""

    status = 130


class Partly(SyndicateError):
    """Some of what was asked failed; each failure has had its own line. Nothing more is printed."""

    def __init__(self) -> None:
        super().__init__("")


def failure(error: BaseException) -> Failure:
    """The failure that `error` is. A fault of the program itself names its place; SYNDICATE_TRACEBACK=1 shows all."""
    status = getattr(error, "status", None)
    if isinstance(error, SyndicateError) or _is_subscribers(error):
        return Failure(one_line(str(error)), status if isinstance(status, int) else 1)
    if isinstance(error, KeyboardInterrupt):
        return Failure("stopped; what was finished stays as it is", 130)
    return Failure(_database(error) or _system(error) or _fault(error), 1)


def _is_subscribers(error: BaseException) -> bool:
    from subscribers.errors import SubscriberError

    return isinstance(error, SubscriberError)


def _database(error: BaseException) -> str | None:
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    if not isinstance(error, SQLAlchemyError):
        return None
    # Without the statement and its parameters: those hold people's addresses.
    words = str(error.orig if isinstance(error, DBAPIError) else error).strip() or type(error).__name__
    low = words.lower()
    for sign, remedy in _DATABASE:
        if sign in low:
            return remedy
    first = one_line(words.splitlines()[0])
    if re.search(r"connect|server closed|timeout|resolve|terminat", low):
        return _SERVER.format(first)
    return f"the database refused: {first}"


def _system(error: BaseException) -> str | None:
    from syndicate.database import in_words

    return one_line(in_words(error)) if isinstance(error, OSError) else None


def _fault(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(where[-1].filename)}, line {where[-1].lineno})" if where else ""
    return one_line(
        f"a fault in syndicate itself: {type(error).__name__}: {error}{place}; "
        f"please report it with what {TRACEBACK}=1 shows"
    )
