"""Senders for tests: short times, four connections, a relay on this machine, a clock that begins at the tests' now."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from clocks import ticking
from people import outgoing
from stops import Kept

from syndicate.database import Database
from syndicate.mail.smtp import Relay
from syndicate.outbox import guard
from syndicate.sender.countfile import CountFile
from syndicate.sender.process import Identity, Sender, Times
from syndicate.sender.terms import Terms

TIMES = Times(lease=5.0, poll=0.05, stop=1.0, slice=60.0)
NOWHERE = Path("/nowhere/secret.key")
CLOCK = ticking(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))


def make(
    database: Database,
    port: int,
    *,
    connections: int = 4,
    times: Times = TIMES,
    count_file: CountFile | None = None,
    **changes: object,
) -> Sender:
    """A sender, not opened; `changes` replace parts of its Terms. Without `count_file` it has one beside the database
    on SQLite, and on PostgreSQL none that can be written."""
    beside = database.file if database.sqlite else NOWHERE
    terms: dict[str, object] = {
        "relay": Relay("127.0.0.1", port, "none", timeout=5, dot_timeout=5),
        "compose": outgoing,
        "clock": CLOCK,
        "chance": lambda: 0.5,
        "doubt": "hold",
        "stops": Kept(),
    }
    return Sender(
        database,
        Terms(**(terms | changes)),  # type: ignore[arg-type]
        connections=connections,
        identity=Identity("here", "test"),
        count_file=count_file or CountFile(beside),
        times=times,
    )


def run(sender: Sender, until: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the sender work until a condition holds, then close it; fail if it takes too long."""
    end = time.monotonic() + seconds
    sender.open()
    try:
        sender.slice(lambda: until() or time.monotonic() > end)
    finally:
        sender.close()
    assert until(), "the sender did not get there in time"


def commits_of(database: Database) -> int:
    """How many transactions senders have made on this database."""
    with database.read() as session:
        return guard.total(session)
