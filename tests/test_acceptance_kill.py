"""The sender is killed again and again in the middle of an edition; afterwards everybody is accounted for, by name."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from acceptance.sites import new_site, publish_one, readers
from sink import SinkProcess
from sqlalchemy import select

from syndicate.app.parts import App, open_site
from syndicate.editions.report import report
from syndicate.models import Delivery, Slot

PEOPLE = 500
KILLS = 10
CONNECTIONS = 8
SCRIPT = Path(__file__).parent / "acceptance" / "sender_process.py"


def _start(config: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, str(SCRIPT), str(config)], stdin=subprocess.PIPE)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    assert process.stdin
    process.stdin.close()


def _wait(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


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
        with open_site(config) as app:
            people = readers(app, PEOPLE)
            publish_one(app, "What a pardon takes")
            edition = app.editions.send_now(app.database, "weekly", "k", app.clock())
            named: set[str] = set()
            met = 0
            for _ in range(KILLS):
                floor, process = len(sink.received()) + chance.randrange(5, 35), _start(config)
                _wait(lambda floor=floor: len(sink.received()) >= floor)
                time.sleep(chance.uniform(0, 0.03))
                _kill(process)
                on_the_wire = _occupied(app)
                assert len(on_the_wire) <= CONNECTIONS
                met += bool(on_the_wire)
                named |= on_the_wire
            process = _start(config)

            def over() -> bool:
                with app.database.read() as session:
                    return report(session, edition).state in ("sent", "incomplete")

            _wait(over, 60)
            assert process.stdin
            process.stdin.close()
            assert process.wait(20) == 0
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
