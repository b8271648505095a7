"""The lease of a sender: it is renewed as long as anything of it is open, and who has lost it changes nothing more."""

import threading
import time
from datetime import datetime

import pytest
from people import edition, states, subscribe
from relays import ScriptedRelay, Session, usual
from senders import CLOCK, make
from sqlalchemy import select

from syndicate.database import Database
from syndicate.models import Delivery, Owner, Slot
from syndicate.outbox import leases, ledger
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Job, LetterJob, Result
from syndicate.outbox.leases import Recovered
from syndicate.sender.errors import Fenced
from syndicate.sender.feed import Feed
from syndicate.sender.process import Times
from syndicate.sender.writer import LedgerWriter


class Rival:
    """Another process that tries to recover the dead all the time. `found` is whom it took for dead."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.found: list[Recovered] = []
        self._database, self._now = database, now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        clock = self._database.clock()
        while not self._over.wait(0.05):
            with self._database.write() as session:
                self.found += leases.recover_dead(session, clock, "rival", alone=False, doubt="hold", now=self._now)

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def test_an_idle_sender_outlives_its_lease_many_times(postgres_url: str, now: datetime) -> None:
    database = Database(postgres_url)
    sender = make(database, 1, times=Times(lease=1.2, poll=0.05, stop=1, slice=20))
    sender.open()
    rival = Rival(database, now)
    end = time.monotonic() + 2.0
    sender.slice(lambda: time.monotonic() > end)
    rival.end()
    assert rival.found == []
    assert sender.failure is None
    sender.close()
    database.close()


def test_a_sender_that_stops_keeps_its_lease_while_a_dot_is_open(postgres_url: str, now: datetime) -> None:
    database = Database(postgres_url)
    subscribe(database, 1, now)
    made = edition(database, now)
    answer = threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            answer.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(database, relay.port, connections=1, times=Times(lease=1.2, poll=0.05, stop=10, slice=20))
        sender.open()
        sender.slice(lambda: len(relay.dots) == 1)
        rival = Rival(database, now)
        closing = threading.Thread(target=sender.close)
        closing.start()
        time.sleep(2.0)
        answer.set()
        closing.join()
        rival.end()
    assert rival.found == []
    assert set(states(database, made).values()) == {"accepted"}
    with database.read() as session:
        assert session.scalars(select(Owner)).all() == []
    database.close()


def test_who_was_taken_for_dead_records_nothing_and_gets_no_slot(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    edition(database, now)
    with database.write() as session:
        leases.register(session, database.clock(), "me", lease_seconds=30, host="here", version="1", connections=1)
        claimed = ledger.claim(session, "me", now)
    assert claimed
    first, second = claimed.jobs
    writers = [LedgerWriter(database, "me", clock=CLOCK, patience=5, failed=lambda _: None) for _ in range(2)]
    assert writers[0].exchange(Exchange(0, None, first)) is Grant.SEND
    with database.write() as session:
        leases.retire(session, "me", doubt="resend", now=now)
    # The row waits again, so nothing but the fence keeps this late answer out of the ledger.
    with pytest.raises(Fenced):
        writers[0].exchange(Exchange(0, Result(first, "accepted", 1, now, 250, "ok"), None))
    with pytest.raises(Fenced):
        writers[1].exchange(Exchange(0, None, second))
    for writer in writers:
        writer.stop()
    with database.read() as session:
        assert session.scalars(select(Delivery.state)).all() == ["queued", "queued"]
        assert session.scalars(select(Slot)).all() == []


def test_letters_are_handed_out_before_the_deliveries_that_came_earlier(now: datetime) -> None:
    feed = Feed(lambda: None, low=0)
    news = DeliveryJob(1, 0, 0, 0, 1, "u", "a@example.net", "en", now, "e", "weekly", now, now)
    letter = LetterJob(1, "u", "confirm", 0, "b@example.net", "h", "en", {}, now, now)
    feed.add_batch(ledger.ClaimedBatch(1, 0, (news,)))
    feed.add_letters([letter])
    taken: list[Job | None] = [feed.take(), feed.take(), feed.take()]
    assert taken == [letter, news, None]
    feed.put_back(letter)
    assert feed.take() == letter
