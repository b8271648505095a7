"""The tray of the ledger writer: what is asked together is committed together, and nothing waits for long."""

import threading
import time
from datetime import datetime

from people import edition, subscribe
from senders import CLOCK, commits_of

from syndicate.database import Database
from syndicate.outbox import leases, ledger
from syndicate.outbox.jobs import Exchange, Grant
from syndicate.sender.tray import Tray
from syndicate.sender.writer import LedgerWriter

LONG = 20.0


def _taken(tray: Tray[int]) -> tuple[list[int], float]:
    began = time.monotonic()
    return sorted(tray.take()), time.monotonic() - began


def test_all_that_lies_there_is_taken_at_once_when_it_is_enough() -> None:
    tray: Tray[int] = Tray(enough=3, gap=LONG)
    for number in range(5):
        tray.put(number)
    found, seconds = _taken(tray)
    assert found == [0, 1, 2, 3, 4]
    assert seconds < LONG / 4
    assert len(tray) == 0


def test_who_takes_is_woken_by_the_one_that_makes_it_enough() -> None:
    tray: Tray[int] = Tray(enough=3, gap=LONG)
    putting = [threading.Timer(0.02 * number, tray.put, [number]) for number in range(3)]
    for timer in putting:
        timer.start()
    found, seconds = _taken(tray)
    assert found == [0, 1, 2]
    assert seconds < LONG / 4


def test_one_alone_waits_for_others_no_longer_than_the_gap() -> None:
    tray: Tray[int] = Tray(enough=3, gap=0.05)
    tray.put(1)
    found, seconds = _taken(tray)
    assert found == [1]
    assert 0.05 <= seconds < LONG / 4


def test_what_comes_when_the_gap_is_over_is_taken_alone() -> None:
    tray: Tray[int] = Tray(enough=3, gap=0.01)
    threading.Timer(0.2, tray.put, [1]).start()
    found, seconds = _taken(tray)
    assert found == [1]
    assert 0.1 < seconds < LONG / 4


def test_what_cannot_wait_is_taken_at_once_with_all_that_lies_there() -> None:
    tray: Tray[int] = Tray(enough=3, gap=LONG)
    tray.put(1)
    threading.Timer(0.02, lambda: tray.put(2, at_once=True)).start()
    found, seconds = _taken(tray)
    assert found == [1, 2]
    assert seconds < LONG / 4
    tray = Tray(enough=3, gap=0.05)
    tray.put(1, at_once=True)
    tray.take()
    tray.put(2)
    assert _taken(tray)[1] >= 0.04, "the next must wait for others again"


def test_one_commit_is_for_most_of_the_connections(database: Database, now: datetime) -> None:
    subscribe(database, 10, now)
    edition(database, now)
    with database.write() as session:
        leases.register(session, database.clock(), "me", lease_seconds=30, host="here", version="1", connections=10)
        claimed = ledger.claim(session, "me", now)
    assert claimed
    writer = LedgerWriter(database, "me", clock=CLOCK, patience=5, failed=lambda _: None, connections=10, gap=LONG)
    grants: list[Grant] = []
    asking = [
        threading.Thread(target=lambda n=n, job=job: grants.append(writer.exchange(Exchange(n, None, job))))
        for n, job in enumerate(claimed.jobs[:9])
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(LONG / 2)
    assert grants == [Grant.SEND] * 9
    assert commits_of(database) == 1
    assert writer.do(lambda _session: 7) == 7, "what is no exchange does not wait"
    writer.stop()
