"""A sender with a real relay on a socket: everybody is mailed once, refusals are kept, a stop leaves nothing unsaid."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from people import ask_letter, edition, edition_state, outgoing, states, subscribe
from senders import commits_of, make, run
from sink import SinkProcess
from sqlalchemy import select, update
from stops import Kept

from subscribers.models import BounceScore, Subscription
from syndicate.database import Database
from syndicate.models import Delivery, Edition, Letter, Owner, RelayRecord, Slot
from syndicate.outbox import leases, ranges
from syndicate.sender.errors import AnotherSender, SenderEnded
from syndicate.sender.process import Times


class Scripted:
    """A relay that answers each recipient as a table says; `lines` maps an address to (stage, reply)."""

    def __init__(self, answers: dict[str, tuple[str, str]]) -> None:
        self.answers = answers
        self.accepted: list[str] = []
        self.sessions = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        to = ""
        writer.write(b"220 hi\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    to = line.decode().split("<")[1].split(">")[0]
                stage, reply = self.answers.get(to, ("", ""))
                if verb == b"DATA" and stage != "data":
                    writer.write(b"354 go\r\n")
                    await writer.drain()
                    await reader.readuntil(b"\r\n.\r\n")
                    if stage == "drop":
                        return
                    if stage == "dot":
                        writer.write(reply.encode() + b"\r\n")
                    else:
                        self.accepted.append(to)
                        writer.write(b"250 ok\r\n")
                elif stage and stage == verb.decode().lower():
                    writer.write(reply.encode() + b"\r\n")
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@contextmanager
def scripted(answers: dict[str, tuple[str, str]]) -> Iterator[tuple[Scripted, int]]:
    relay, ready, stop = Scripted(answers), threading.Event(), asyncio.Event()
    found: list[int] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    try:
        yield relay, found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_everybody_gets_one_mail_over_few_connections_and_the_edition_ends_sent(
    database: Database, now: datetime, tmp_path: Path
) -> None:
    subscribe(database, 600, now)
    made = edition(database, now)
    with SinkProcess(tmp_path / "got.jsonl") as sink:
        run(make(database, sink.port), lambda: edition_state(database, made) == "sent")
        got = sink.received()
    assert sorted(row["to"] for row in got) == sorted(states(database, made))
    assert len({row["message_id"] for row in got}) == 600
    assert set(states(database, made).values()) == {"accepted"}
    with database.read() as session:
        assert session.scalars(select(Slot)).all() == []
        assert session.scalars(select(Owner)).all() == []
        assert session.scalars(select(Delivery.reply)).first() == "250 kept (at DOT)"


def test_many_mails_share_one_commit(sqlite_database: Database, now: datetime, tmp_path: Path) -> None:
    subscribe(sqlite_database, 300, now)
    made = edition(sqlite_database, now)
    with SinkProcess(tmp_path / "got.jsonl", delay=0.004) as sink:
        sender = make(sqlite_database, sink.port, connections=16)
        run(sender, lambda: edition_state(sqlite_database, made) == "sent")
    assert 20 < commits_of(sqlite_database) < 200


def test_refusals_stay_with_their_person_and_the_rest_is_mailed(database: Database, now: datetime) -> None:
    subscribe(database, 7, now)
    made = edition(database, now)
    answers = {
        "reader1@example.net": ("rcpt", "550 5.1.1 no such user"),
        "reader2@example.net": ("rcpt", "450 4.2.0 greylisted"),
        "reader3@example.net": ("dot", "554 5.7.1 looks like spam"),
        "reader4@example.net": ("dot", "451 4.3.0 try later"),
        "reader5@example.net": ("drop", ""),
    }
    with scripted(answers) as (relay, port):

        def settled() -> bool:
            with database.read() as session:
                tried = session.scalars(select(Delivery).where(Delivery.attempt > 0)).all()
                return len(tried) == 7

        run(make(database, port, connections=2), settled)
    found = {address.removesuffix("@example.net"): state for address, state in states(database, made).items()}
    assert found == {
        "reader0": "accepted",
        "reader1": "rejected",
        "reader2": "queued",
        "reader3": "rejected",
        "reader4": "queued",
        "reader5": "uncertain",
        "reader6": "accepted",
    }
    assert sorted(relay.accepted) == ["reader0@example.net", "reader6@example.net"]
    with database.read() as session:
        later = session.scalars(select(Delivery).where(Delivery.state == "queued")).all()
        assert all(row.next_try_at and row.at and row.next_try_at - row.at == timedelta(minutes=5) for row in later)
        assert edition_state(database, made) == "sending"


def test_who_leaves_while_the_batch_is_in_hand_is_skipped(database: Database, now: datetime, tmp_path: Path) -> None:
    subscribe(database, 40, now)
    made = edition(database, now)
    left: list[int] = []

    def compose(job):  # type: ignore[no-untyped-def]
        if not left:
            left.append(1)
            last = select(Delivery.subscriber_id).where(Delivery.seq == 39).scalar_subquery()
            with database.write() as session:
                session.execute(update(Subscription).where(Subscription.subscriber_id == last).values(state="ended"))
        return outgoing(job)

    with SinkProcess(tmp_path / "got.jsonl") as sink:
        sender = make(database, sink.port, connections=1, compose=compose)
        run(sender, lambda: edition_state(database, made) == "sent")
        assert len(sink.received()) == 39
    assert list(states(database, made).values()).count("skipped") == 1


def test_letters_go_before_newsletters(sqlite_database: Database, now: datetime, tmp_path: Path) -> None:
    subscribe(sqlite_database, 30, now)
    edition(sqlite_database, now)
    with sqlite_database.write() as session:
        ask_letter(session, "new@example.net", now)

    def out() -> bool:
        with sqlite_database.read() as session:
            return session.scalars(select(Letter.state)).one() == "accepted"

    with SinkProcess(tmp_path / "got.jsonl") as sink:
        run(make(sqlite_database, sink.port, connections=1), out)
        assert sink.received()[0]["to"] == "new@example.net"


def test_a_paused_edition_stops_and_goes_on_with_nobody_twice(
    sqlite_database: Database, now: datetime, tmp_path: Path
) -> None:
    subscribe(sqlite_database, 200, now)
    made = edition(sqlite_database, now)

    def put(state: str) -> None:
        with sqlite_database.write() as session:
            session.execute(update(Edition).values(state=state))

    with SinkProcess(tmp_path / "got.jsonl", delay=0.01) as sink:
        run(make(sqlite_database, sink.port), lambda: len(sink.received()) > 20)
        put("paused")
        had = len(sink.received())
        sender = make(sqlite_database, sink.port)
        sender.open()
        end = time.monotonic() + 0.5
        sender.slice(lambda: time.monotonic() > end)
        sender.close()
        assert len(sink.received()) == had
        put("sending")
        run(make(sqlite_database, sink.port), lambda: edition_state(sqlite_database, made) == "sent")
        assert sorted(row["to"] for row in sink.received()) == sorted(states(sqlite_database, made))


def test_a_relay_that_is_away_costs_no_attempt_and_is_named(database: Database, now: datetime, tmp_path: Path) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        sender = make(database, taken.getsockname()[1])
        run(sender, lambda: sender.last_error is not None)
    with database.read() as session:
        relay = session.scalars(select(RelayRecord)).one()
        assert relay.state == "down"
        assert "127.0.0.1" in (relay.last_error or "")
        assert set(session.scalars(select(Delivery.attempt)).all()) == {0}
    with SinkProcess(tmp_path / "got.jsonl") as sink:
        run(make(database, sink.port), lambda: edition_state(database, made) == "sent")


def test_a_stop_waits_for_the_open_dot_and_then_says_that_it_does_not_know(
    database: Database, now: datetime, tmp_path: Path
) -> None:
    subscribe(database, 1, now)
    made = edition(database, now)
    with SinkProcess(tmp_path / "got.jsonl", delay=60) as sink:

        def on_the_wire() -> bool:
            with database.read() as session:
                return session.scalars(select(Slot)).first() is not None

        sender = make(database, sink.port, connections=1, times=Times(lease=5, poll=0.05, stop=0.2, slice=20))
        sender.open()
        sender.slice(on_the_wire)
        time.sleep(0.2)
        sender.close()
    assert states(database, made) == {"reader0@example.net": "uncertain"}
    assert edition_state(database, made) == "incomplete"


def test_a_fenced_sender_ends_and_sends_nothing_more(database: Database, now: datetime, tmp_path: Path) -> None:
    subscribe(database, 400, now)
    edition(database, now)
    with SinkProcess(tmp_path / "got.jsonl", delay=0.01) as sink:
        sender = make(database, sink.port)
        sender.open()
        sender.slice(lambda: len(sink.received()) > 5)
        with database.write() as session:
            leases.retire(session, sender.owner, doubt="hold", now=now)
        with pytest.raises(SenderEnded):
            sender.slice(lambda: False)
        time.sleep(0.1)
        had = len(sink.received())
        time.sleep(0.2)
        assert len(sink.received()) == had
        sender.close()


def test_on_sqlite_a_second_sender_is_refused(sqlite_database: Database) -> None:
    first, second = make(sqlite_database, 1), make(sqlite_database, 1)
    first.open()
    try:
        with pytest.raises(AnotherSender, match="another process sends"):
            second.open()
    finally:
        first.close()
        second.close()


def test_on_postgres_two_senders_share_the_work(
    postgres_url: str, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "BATCH_SIZE", 50)
    database, another = Database(postgres_url), Database(postgres_url)
    subscribe(database, 400, now)
    made = edition(database, now)
    commits: dict[str, int] = {}

    def sent() -> bool:
        with database.read() as session:
            commits.update(session.execute(select(Owner.id, Owner.beat)).tuples().all())
        return edition_state(database, made) == "sent"

    with SinkProcess(tmp_path / "got.jsonl", delay=0.002) as sink:
        one, two = make(database, sink.port), make(another, sink.port)
        two.open()
        other = threading.Thread(target=lambda: two.slice(sent))
        other.start()
        run(one, sent)
        other.join()
        two.close()
        assert sorted(row["to"] for row in sink.received()) == sorted(states(database, made))
    assert len(commits) == 2
    assert min(commits.values()) > 20, "one of them did next to nothing"
    database.close()
    another.close()


def test_who_is_unknown_over_there_twice_is_suppressed_and_spam_or_a_full_mailbox_is_no_reason(
    database: Database, now: datetime
) -> None:
    subscribe(database, 5, now)
    answers = {
        "reader1@example.net": ("rcpt", "550 5.1.1 no such user"),
        "reader2@example.net": ("rcpt", "552 5.2.2 mailbox full"),
        "reader3@example.net": ("dot", "554 5.7.1 looks like spam"),
    }
    stops = Kept()
    for week in range(2):
        at = now + timedelta(weeks=week)
        made = edition(database, at, key=f"week{week}")
        with scripted(answers) as (_, port):
            sender = make(database, port, connections=2, stops=stops, clock=lambda at=at: at)
            run(sender, lambda made=made: edition_state(database, made) == "sent")
    assert [(stop.word, stop.address_hash, stop.about) for stop in stops] == [
        ("suppressed", f"hash{1:028}", "hard-bounce")
    ]
    third = edition(database, now + timedelta(weeks=2), key="week2")
    assert sorted(states(database, third)) == [f"reader{number}@example.net" for number in (0, 2, 3, 4)]
    with database.read() as session:
        scores = dict(session.execute(select(BounceScore.address_hash, BounceScore.score)).tuples().all())
    assert sorted(scores) == [f"hash{number:028}" for number in (1, 2)]
    assert scores[f"hash{2:028}"] < 2
