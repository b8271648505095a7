"""Sends the edition of a site in a process of its own, through a wire that accepts at once, and says what it took.

    python bench/million_send.py FOLDER --database URL --recipients N --window W

Everything is the product's own but the wire: no socket, no relay. Prints one line of JSON: how large this process was
after its imports and became, and the times of claims and commits over the first and the last W mails.
"""

import argparse
import json
import random
import re
import statistics
import time
from pathlib import Path
from typing import Any

from syndicate.app.parts import App, open_site
from syndicate.mail.smtp import Connection, Relay, Reply
from syndicate.models import Edition
from syndicate.outbox.jobs import Exchange
from syndicate.outbox.ledger import ClaimedBatch
from syndicate.sender.process import Identity, Sender
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter

_CONNECTIONS = 32


def _memory(name: str) -> float:
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


IMPORTED_MIB = _memory("VmRSS")


class Instant(Connection):
    """A session in which every mail is accepted at once."""

    def __init__(self) -> None:
        self.opened, self.sent, self.usable = time.monotonic(), 0, True

    def deliver(self, *mail: object, **how: object) -> Reply:
        self.sent += 1
        return Reply(250, "2.0.0 ok", "dot")

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


class InstantRelay(Relay):
    """Where such sessions are had."""

    def connect(self, clock: Any = None) -> Connection:
        return Instant()


class Timed:
    """Times each transaction of the ledger writer, over the first and the last `window` mails."""

    def __init__(self, recipients: int, window: int) -> None:
        self._first, self._last = window, recipients - window
        self.mails, self.commits = 0, 0
        self.kept: dict[str, list[float]] = {f"{what} {when}": [] for what in ("commit", "claim") for when in _WHEN}
        once = LedgerWriter._once

        def timed(writer: LedgerWriter, requests: list[Any]) -> list[Any]:
            began = time.perf_counter()
            answers = once(writer, requests)
            self._note(requests, answers, time.perf_counter() - began)
            return answers

        LedgerWriter._once = timed  # type: ignore[assignment,method-assign]

    def _note(self, requests: list[Any], answers: list[Any], seconds: float) -> None:
        when = _WHEN[0] if self.mails < self._first else _WHEN[1] if self.mails >= self._last else None
        asks = [request.ask for request in requests]
        self.mails += sum(isinstance(ask, Exchange) and ask.result is not None for ask in asks)
        self.commits += 1
        if when and isinstance(asks[0], Exchange):
            self.kept[f"commit {when}"].append(seconds)
        elif when and isinstance(answers[0], ClaimedBatch):
            self.kept[f"claim {when}"].append(seconds)


_WHEN = ("first", "last")


def _figures(times: list[float]) -> dict[str, float]:
    milliseconds = sorted(1000 * seconds for seconds in times)
    if not milliseconds:
        return {}
    return {
        "count": len(milliseconds),
        "median_ms": round(statistics.median(milliseconds), 3),
        "p95_ms": round(milliseconds[int(len(milliseconds) * 0.95)], 3),
        "worst_ms": round(milliseconds[-1], 1),
    }


def send(app: App, recipients: int, window: int) -> dict[str, object]:
    timed = Timed(recipients, window)
    with app.database.read() as session:
        edition_id = session.query(Edition.id).filter(Edition.state == "sending").scalar()

    def over() -> bool:
        with app.database.read() as session:
            return session.get_one(Edition, edition_id).state != "sending"

    terms = Terms(
        relay=InstantRelay("instant.invalid", 25, "none"),
        compose=app.mail_maker(),
        clock=app.clock,
        chance=random.random,
        doubt="hold",
        stops=app.stops,
    )
    sender = Sender(
        app.database,
        terms,
        connections=_CONNECTIONS,
        identity=Identity("bench", "bench"),
        count_file=app.count_file(),
    )
    before, cpu = time.monotonic(), time.process_time()
    sender.open()
    try:
        while not over():
            sender.slice(over)
    finally:
        sender.close()
    seconds = time.monotonic() - before
    with app.database.read() as session:
        state = session.get_one(Edition, edition_id).state
    return {
        "state": state,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "mails": timed.mails,
        "transactions": timed.commits,
        "imported_mib": round(IMPORTED_MIB, 1),
        "peak_mib": round(_memory("VmHWM"), 1),
        **{name: _figures(times) for name, times in timed.kept.items()},
    }


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--database", required=True)
    parser.add_argument("--recipients", type=int, required=True)
    parser.add_argument("--window", type=int, required=True)
    words = parser.parse_args()
    environ = {"SYNDICATE_DATABASE__URL": words.database, "SYNDICATE_MAIL__DKIM__SIGN": "false"}
    with open_site(words.folder / "config.toml", environ=environ) as app:
        print(json.dumps(send(app, words.recipients, words.window)))


if __name__ == "__main__":
    _main()
