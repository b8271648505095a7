"""What can go wrong around a sender: relays that hang, drop or limit, mails that cannot be made, stops in between."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from clocks import until
from people import edition, edition_state, outgoing, states, subscribe
from relays import ScriptedRelay, Session, usual
from senders import CLOCK, make, run
from sqlalchemy import func, select, update

from syndicate.database import Database
from syndicate.mail.personal import Outgoing
from syndicate.models import Batch, Delivery, Edition, Owner, RelayRecord, Slot
from syndicate.outbox import leases
from syndicate.outbox.jobs import Job
from syndicate.sender.errors import SenderEnded
from syndicate.sender.process import Sender, Times
from syndicate.sender.writer import LedgerWriter


def _working(sender: Sender) -> threading.Thread:
    """The sender's loop in a thread of its own, until the sender is stopped."""

    def work() -> None:
        while not sender._stopping.is_set():
            try:
                sender.slice(lambda: False)
            except SenderEnded:
                return

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def _occupied(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Slot)) or 0


def _writer(database: Database, failed: Callable[[Exception], None] = lambda _: None) -> LedgerWriter:
    with database.write() as session:
        leases.register(session, database.clock(), "me", lease_seconds=30, host="here", version="1", connections=1)
    return LedgerWriter(database, "me", clock=CLOCK, patience=5, failed=failed)


def test_a_writer_that_is_told_to_stop_while_somebody_waits_serves_them_and_ends(sqlite_database: Database) -> None:
    writer, busy, go = _writer(sqlite_database), threading.Event(), threading.Event()

    def slow(_session: object) -> None:
        busy.set()
        go.wait(5)

    first = threading.Thread(target=lambda: writer.do(slow))
    first.start()
    busy.wait(5)
    answers: list[int] = []
    second = threading.Thread(target=lambda: answers.append(writer.do(lambda _: 7)))
    second.start()
    until(lambda: len(writer._requests) == 1)
    stopping = threading.Thread(target=writer.stop, daemon=True)
    stopping.start()
    until(lambda: len(writer._requests) == 2)
    go.set()
    stopping.join(5)
    assert not stopping.is_alive(), "the writer's thread never ends"
    first.join()
    second.join()
    assert answers == [7]


def test_a_writer_that_others_declare_failed_ends_its_thread_and_answers_nobody(sqlite_database: Database) -> None:
    heard: list[Exception] = []
    writer = _writer(sqlite_database, heard.append)
    writer.fail(ValueError("the heartbeat found it"))
    writer._thread.join(5)
    assert not writer._thread.is_alive()
    assert [str(error) for error in heard] == ["the heartbeat found it"]
    with pytest.raises(SenderEnded, match="heartbeat"):
        writer.do(lambda _: None)


@pytest.mark.parametrize("fault", [RuntimeError("no such template"), "bare line end"])
def test_a_mail_that_cannot_be_made_or_handed_over_waits_and_harms_nobody_else(
    sqlite_database: Database, now: datetime, fault: Exception | str
) -> None:
    subscribe(sqlite_database, 30, now)
    made = edition(sqlite_database, now)

    def compose(job: Job) -> Outgoing:
        mail = outgoing(job)
        if job.address != "reader3@example.net":
            return mail
        if isinstance(fault, Exception):
            raise fault
        return Outgoing(mail.envelope_from, mail.to, (mail.data + b"a\nb\r\n",))

    def settled() -> bool:
        return list(states(sqlite_database, made).values()).count("accepted") == 29 and not _occupied(sqlite_database)

    with ScriptedRelay() as relay:
        sender = make(sqlite_database, relay.port, compose=compose)
        run(sender, settled)
    assert sender.failure is None
    with sqlite_database.read() as session:
        row = session.scalars(select(Delivery).where(Delivery.address == "reader3@example.net")).one()
        assert (row.state, row.attempt) == ("queued", 1)
        assert row.next_try_at
        assert row.next_try_at > now + timedelta(minutes=4)
        assert "could not be" in (row.reply or "")
    assert edition_state(sqlite_database, made) == "sending"


def test_what_waited_past_its_time_expires_and_is_not_sent(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 3, now)
    made = edition(sqlite_database, now)
    with sqlite_database.write() as session:
        session.execute(update(Edition).values(expires_at=now - timedelta(minutes=1)))
    with ScriptedRelay() as relay:
        run(make(sqlite_database, relay.port), lambda: edition_state(sqlite_database, made) == "sent")
        assert relay.dots == []
    assert set(states(sqlite_database, made).values()) == {"expired"}


def test_a_relay_that_loses_every_mail_after_its_dot_is_not_fed_the_whole_edition(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 200, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        return None if stage == "dot" else usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port)
        run(sender, lambda: sender.relay_away is not None)
    stand = list(states(sqlite_database, made).values())
    assert 1 <= stand.count("uncertain") <= 4 + 2
    assert stand.count("uncertain") + stand.count("queued") == 200


def test_one_lost_line_is_not_a_relay_that_is_away(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 60, now)
    made = edition(sqlite_database, now)
    seen: list[str] = []

    def script(session: Session, stage: str) -> str | None:
        if session.number == 1 and stage == "data":
            return None
        time.sleep(0.002)
        return usual(session, stage)

    def over() -> bool:
        seen.extend(filter(None, [sender.relay_away]))
        return list(states(sqlite_database, made).values()).count("accepted") == 60

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port)
        run(sender, over)
    assert seen == []


def test_a_relay_that_takes_fewer_lines_than_configured_gets_everything_over_those(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 60, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        if stage == "greet" and relay.open > 2:
            return "421 too many connections"
        time.sleep(0.001)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        began = time.monotonic()
        run(make(sqlite_database, relay.port), lambda: edition_state(sqlite_database, made) == "sent")
        assert time.monotonic() - began < 4, "a job was kept by a connection that could not be had"
    assert set(states(sqlite_database, made).values()) == {"accepted"}


def test_a_relay_that_refuses_us_costs_no_reader_their_mail(database: Database, now: datetime) -> None:
    subscribe(database, 40, now)
    made = edition(database, now)
    closed = threading.Event()
    closed.set()

    def script(session: Session, stage: str) -> str | None:
        if stage == "mail" and closed.is_set():
            refusals.append(session.number)
            return "530 5.7.0 authentication required"
        return usual(session, stage)

    refusals: list[int] = []
    with ScriptedRelay(script) as relay:
        sender = make(database, relay.port, connections=3)
        run(sender, lambda: edition_state(database, made) == "paused")
        assert len(refusals) <= 5 + 2 * 2, "it is not asked for every reader"
        assert set(states(database, made).values()) == {"queued"}
        with database.read() as session:
            reason = session.get_one(Edition, made).reason or ""
            assert session.scalar(select(func.max(Delivery.attempt))) == 0
        assert "530 5.7.0 authentication required" in reason
        assert f"`syndicate edition resume {made}`" in reason
        closed.clear()
        with database.write() as session:
            session.execute(update(Edition).values(state="sending"))
            session.execute(update(Delivery).values(next_try_at=None))
            session.execute(update(Batch).values(next_try_at=now))
        run(make(database, relay.port), lambda: edition_state(database, made) == "sent")
    assert set(states(database, made).values()) == {"accepted"}


def test_a_mail_too_large_for_the_relay_is_refused_for_itself(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 3, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        return "552 5.3.4 message too big" if stage == "mail" else usual(session, stage)

    with ScriptedRelay(script) as relay:
        run(make(sqlite_database, relay.port), lambda: edition_state(sqlite_database, made) == "sent")
    assert set(states(sqlite_database, made).values()) == {"rejected"}


def test_after_a_lost_lease_a_replaced_stale_line_carries_nothing(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    reached, greet = threading.Event(), threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if session.number == 0 and session.mails == 1 and stage == "mail":
            return None  # the line went stale
        if session.number == 1 and stage == "greet":
            reached.set()
            greet.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(database, relay.port, connections=1, times=Times(lease=0.3, poll=0.05, stop=1, slice=20))
        sender.open()
        working = _working(sender)
        assert reached.wait(10)
        assert _occupied(database) == 1
        with database.write() as session:
            leases.retire(session, sender.owner, doubt="hold", now=now)
        until(lambda: sender._feed.closed)  # the last step of a failure: every connection is cut off by now
        assert sender.failure is not None
        greet.set()
        time.sleep(0.3)
        (first,) = relay.dots
        working.join()
        sender.close()
    assert [state for who, state in states(database, made).items() if who != first] == ["uncertain"]


def test_a_stop_does_not_wait_for_a_relay_that_hangs_before_any_mail(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 2, now)
    made = edition(sqlite_database, now)
    greet = threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if stage == "greet":
            greet.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, times=Times(lease=5, poll=0.05, stop=4, slice=20))
        sender.open()
        working = _working(sender)
        until(lambda: relay.sessions == 2)
        sender.stop()
        working.join()
        began = time.monotonic()
        sender.close()
        assert time.monotonic() - began < 2
        greet.set()
        time.sleep(0.2)
        assert relay.dots == [], "a mail began after the stop"
    assert set(states(sqlite_database, made).values()) == {"queued"}
    with sqlite_database.read() as session:
        assert session.scalars(select(Owner)).all() == []


def test_a_session_that_opens_after_the_stop_carries_nothing(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 2, now)
    made = edition(sqlite_database, now)
    greet, dot = threading.Event(), threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if session.number == 0 and stage == "dot":
            dot.wait(10)
        if session.number == 1 and stage == "greet":
            greet.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, connections=2, times=Times(lease=5, poll=0.05, stop=5, slice=20))
        sender.open()
        working = _working(sender)
        until(lambda: relay.sessions == 2 and _occupied(sqlite_database) == 1)
        sender.stop()
        closing = threading.Thread(target=sender.close)
        closing.start()
        until(lambda: sender._feed.closed)
        greet.set()  # the stop still waits for the open dot: a new mail could slip in beside it
        time.sleep(0.2)
        dot.set()
        closing.join()
        working.join()
        assert len(relay.dots) == 1
    assert sorted(states(sqlite_database, made).values()) == ["accepted", "queued"]


def test_a_stop_tells_what_had_no_final_dot_from_what_nobody_knows(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 2, now)
    made = edition(sqlite_database, now)
    hang = threading.Event()

    def script(session: Session, stage: str) -> str | None:
        if (session.number, stage) in ((0, "rcpt"), (1, "dot")):
            hang.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, connections=2, times=Times(lease=5, poll=0.05, stop=0.3, slice=20))
        sender.open()
        working = _working(sender)
        until(lambda: _occupied(sqlite_database) == 2 and len(relay.dots) == 1)
        (at_the_dot,) = relay.dots
        sender.stop()
        working.join()
        sender.close()
        hang.set()
    found = states(sqlite_database, made)
    assert found.pop(at_the_dot) == "uncertain"
    assert list(found.values()) == ["queued"]
    with sqlite_database.read() as session:
        row = session.scalars(select(Delivery).where(Delivery.state == "queued")).one()
        assert row.attempt == 0
        assert row.next_try_at is None or row.next_try_at <= CLOCK()


def test_a_clock_that_jumps_past_the_lease_does_not_make_a_sender_retire_itself(
    database: Database, now: datetime
) -> None:
    subscribe(database, 1, now)
    sender = make(database, 1, times=Times(lease=2.0, poll=0.05, stop=1, slice=20))
    sender.open()
    try:
        with database.write() as session:
            session.execute(update(Owner).values(lease_until=0.0))
        sender._past.recover(alone=sender._alone)
        assert sender.failure is None
        with database.read() as session:
            assert session.scalars(select(Owner.id)).all() == [sender.owner]
    finally:
        sender.close()


def test_a_relay_that_works_again_is_recorded_so_by_a_new_process(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 1, now)
    made = edition(sqlite_database, now)
    with ScriptedRelay() as relay:
        with sqlite_database.write() as session:
            name = f"127.0.0.1:{relay.port}"
            session.add(RelayRecord(name=name, state="down", last_error="it was away", at=now))
        run(make(sqlite_database, relay.port), lambda: edition_state(sqlite_database, made) == "sent")
    with sqlite_database.read() as session:
        record = session.scalars(select(RelayRecord)).one()
        assert (record.state, record.last_error) == ("ok", None)


def test_a_ledger_that_cannot_be_written_ends_the_sender_and_no_thread_is_left(
    sqlite_database: Database, now: datetime, tmp_path: Path
) -> None:
    subscribe(sqlite_database, 200, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        time.sleep(0.002)
        return usual(session, stage)

    before = set(threading.enumerate())
    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, times=Times(lease=0.5, poll=0.05, stop=1, slice=20))
        sender.open()
        working = _working(sender)
        until(lambda: len(relay.accepted) > 10)
        with sqlite_database.write() as session:
            # As a disk that is full would: every later write of a delivery fails.
            session.connection().exec_driver_sql(
                "CREATE TRIGGER full BEFORE UPDATE ON delivery BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        working.join(10)
        sender.close()
        assert sender.failure is not None
        had = len(relay.dots)
        until(lambda: not {thread.name for thread in set(threading.enumerate()) - before} & {"ledger-writer"})
        time.sleep(0.1)
        assert len(relay.dots) == had
        with sqlite_database.write() as session:
            session.connection().exec_driver_sql("DROP TRIGGER full")
        run(make(sqlite_database, relay.port), lambda: edition_state(sqlite_database, made) == "incomplete")
        uncertain = {address for address, state in states(sqlite_database, made).items() if state == "uncertain"}
        assert 1 <= len(uncertain) <= 4, "no more than there were connections"
        twice = {address for address in relay.dots if relay.dots.count(address) > 1}
        assert twice <= uncertain
        assert set(states(sqlite_database, made)) - uncertain <= set(relay.accepted)
