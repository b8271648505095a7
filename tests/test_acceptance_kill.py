"""The sender is killed again and again in the middle of an edition; afterwards everybody is accounted for, by name."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

import pytest
from acceptance.sites import new_site, publish_one, readers
from clocks import until
from sink import SinkProcess
from sqlalchemy import select, text

from syndicate.app.parts import App, open_site
from syndicate.editions.report import report
from syndicate.models import Delivery, Slot

PEOPLE = 500
KILLS = 10
CONNECTIONS = 8
SCRIPT = Path(__file__).parent / "acceptance" / "sender_process.py"


class Senders:
    """Sender processes, one after another, for the time of a `with` block."""

    def __init__(self, config: Path) -> None:
        words = [sys.executable, str(SCRIPT), str(config)]
        self._parent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._sender = 0

    def __enter__(self) -> "Senders":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._parent.communicate(timeout=20)

    def begin(self) -> None:
        self._sender = self._ask("begin")

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        os.kill(self._sender, signal.SIGKILL)
        assert self._ask("wait") == -signal.SIGKILL

    def end(self) -> int:
        """Let it stop in order; its exit status."""
        return self._ask("end")

    def _ask(self, word: str) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(f"{word}\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())


def _settle(app: App) -> None:
    """Wait until PostgreSQL has finished what the killed process had asked of it, and let go of its connections: a
    commit that was on its way may still move a slot."""
    if app.database.sqlite:
        return
    app.database.engine.dispose()
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )

    def alone() -> bool:
        with app.database.read() as session:
            return session.scalar(others) == 0

    until(alone)


def _occupied(app: App) -> set[str]:
    """The addresses that the slots name."""
    with app.database.read() as session:
        rows = select(Delivery.address).join(
            Slot,
            (Slot.edition_id == Delivery.edition_id) & (Slot.batch == Delivery.batch) & (Slot.seq == Delivery.seq),
        )
        return set(session.scalars(rows).all())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_ten_kills_leave_nobody_out_and_no_duplicate_unmarked(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("postgres_url")) if kind == "postgres" else None
    chance = random.Random(20261124)
    with SinkProcess(tmp_path / "got.jsonl", delay=0.03) as sink:
        config = new_site(tmp_path / "site", smtp_port=sink.port, connections=CONNECTIONS, database_url=url)
        with open_site(config) as app, Senders(config) as senders:
            people = readers(app, PEOPLE)
            publish_one(app, "What a pardon takes")
            edition = app.editions.send_now(app.database, "weekly", "k", app.clock())
            named: set[str] = set()
            met = 0
            for _ in range(KILLS):
                floor = len(sink.received()) + chance.randrange(5, 35)
                senders.begin()
                until(lambda floor=floor: len(sink.received()) >= floor, 30)
                time.sleep(chance.uniform(0, 0.03))
                senders.kill()
                _settle(app)
                on_the_wire = _occupied(app)
                assert len(on_the_wire) <= CONNECTIONS
                met += bool(on_the_wire)
                named |= on_the_wire
            senders.begin()

            def over() -> bool:
                with app.database.read() as session:
                    return report(session, edition).state in ("sent", "incomplete")

            until(over, 60)
            assert senders.end() == 0
            _judge(app, edition, people, named, sink)
            assert met, "no kill met an occupied slot: this test has shown nothing"


def _judge(app: App, edition: int, people: list[str], named: set[str], sink: SinkProcess) -> None:
    with app.database.read() as session:
        rows = session.execute(select(Delivery.address, Delivery.state).where(Delivery.edition_id == edition))
        states = dict(rows.tuples().all())
        account = report(session, edition)
    copies = Counter(row["to"] for row in sink.received())
    uncertain = {address for address, state in states.items() if state == "uncertain"}
    accepted = {address for address, state in states.items() if state == "accepted"}
    assert set(states) == set(people)
    assert accepted | uncertain == set(people)
    assert uncertain == named, "exactly what the slots named is uncertain"
    assert accepted <= set(copies), "called accepted, and never arrived"
    assert {address for address, number in copies.items() if number > 1} <= uncertain
    assert set(people) - set(copies) <= uncertain, "left out, and nobody knows"
    ids = {(row["to"], row["message_id"]) for row in sink.received()}
    assert len(ids) == len(copies), "every copy of a mail has the same Message-ID"
    assert account.counts.chosen == PEOPLE == account.counts.accepted + account.counts.uncertain
    assert account.state == ("incomplete" if uncertain else "sent")
