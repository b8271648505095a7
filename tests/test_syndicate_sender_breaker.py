"""What closes the way to the relay for all processes: a login it refuses, rules, failures in a row."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from itertools import count as count_from

import pytest
from clocks import until
from people import edition, edition_state, subscribe
from relays import ScriptedRelay, Session, usual
from sender_views import count, record, rows, working
from senders import make, run
from sqlalchemy import select, update

from syndicate.database import Database
from syndicate.mail.smtp import Relay
from syndicate.models import Batch, Delivery, Edition, RelayRecord
from syndicate.sender.process import Sender


def _with_login(reply: list[str]) -> Callable[[Session, str], str | None]:
    def script(session: Session, stage: str) -> str | None:
        if stage == "ehlo":
            return "250-relay\r\n250 AUTH PLAIN"
        return reply[0] if stage == "auth" else usual(session, stage)

    return script


def test_a_refused_login_is_not_tried_again_before_it_is_another(database: Database, now: datetime) -> None:
    subscribe(database, 8, now)
    made = edition(database, now)
    answer = ["535 5.7.8 no such login"]
    with ScriptedRelay(_with_login(answer)) as relay:

        def sender(login: str) -> Sender:
            reached = Relay("127.0.0.1", relay.port, "none", username="us", password="secret", timeout=5)
            return make(database, relay.port, relay=reached, login=login)

        first = sender("a" * 32)
        run(first, lambda: first.relay_away is not None)
        assert "refuses the login (535)" in (first.last_error or "")
        assert (record(database).state, record(database).login) == ("stopped", "a" * 32)
        tried = relay.sessions
        assert 1 <= tried <= 4
        again = sender("a" * 32)
        end = time.monotonic() + 0.4
        run(again, lambda: time.monotonic() > end)
        assert again.relay_away == first.relay_away
        assert relay.sessions == tried, "a new start is no reason to try"
        answer[0] = "235 welcome"
        run(sender("b" * 32), lambda: edition_state(database, made) == "sent")
    assert {row.attempt for row in rows(database, made)} == {1}
    assert record(database).state == "ok"


def test_a_login_that_cannot_be_checked_now_is_tried_again(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 2, now)
    made = edition(sqlite_database, now)
    answer = ["454 4.7.0 the directory is away"]
    with ScriptedRelay(_with_login(answer)) as relay:
        reached = Relay("127.0.0.1", relay.port, "none", username="us", password="secret", timeout=5)
        sender = make(sqlite_database, relay.port, relay=reached, login="a" * 32)
        with working(sender):
            until(lambda: sender.last_error is not None)
            assert record(sqlite_database).state == "down"
            answer[0] = "235 welcome"
            until(lambda: edition_state(sqlite_database, made) == "sent")


def test_five_refusals_by_a_rule_in_a_row_pause_the_edition_and_say_why(database: Database, now: datetime) -> None:
    subscribe(database, 40, now)
    made, other = edition(database, now), edition(database, now, key="two", state="paused")

    def script(session: Session, stage: str) -> str | None:
        return "550 5.7.1 we do not like you" if stage == "rcpt" else usual(session, stage)

    with ScriptedRelay(script) as relay:
        run(make(database, relay.port, connections=1), lambda: edition_state(database, made) == "paused")
    found = rows(database, made)
    assert [row.cause for row in found if row.state == "rejected"] == ["policy"] * 5
    assert count(database, made, "queued") == 35
    with database.read() as session:
        reason = session.get_one(Edition, made).reason or ""
    assert "550 5.7.1 we do not like you" in reason
    assert f"`syndicate edition resume {made}`" in reason
    assert f"`syndicate outbox retry {made}`" in reason
    assert "\n" not in reason
    assert edition_state(database, other) == "paused"


def test_refusals_by_a_rule_between_mails_that_are_taken_are_their_readers_own(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 30, now)
    made = edition(sqlite_database, now)

    asked = count_from(1)

    def script(session: Session, stage: str) -> str | None:
        if stage == "rcpt" and next(asked) % 5:
            return "550 5.7.1 this reader's filter says no"
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        run(make(sqlite_database, relay.port, connections=1), lambda: edition_state(sqlite_database, made) == "sent")
    assert count(sqlite_database, made, "accepted") == 6
    assert count(sqlite_database, made, "rejected") == 24


def test_ten_readers_put_off_by_a_rule_in_a_row_are_a_relay_that_doubts_us(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 40, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        return "451 4.7.0 your reputation is poor" if stage == "rcpt" else usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, connections=1)
        run(sender, lambda: sender.last_error is not None)
        assert sorted(row.attempt for row in rows(sqlite_database, made)) == [0] * 30 + [1] * 10
        assert (record(sqlite_database).state, record(sqlite_database).failures) == ("busy", 1)
        assert "your reputation is poor" in (record(sqlite_database).last_error or "")
        run(make(sqlite_database, relay.port), lambda: record(sqlite_database).failures == 0)


@pytest.mark.parametrize("two", [False, True])
def test_after_the_rest_one_connection_of_all_processes_tries_and_its_mail_opens_the_way_for_all(
    database: Database, database_url: str, now: datetime, two: bool
) -> None:
    if two and database.sqlite:
        pytest.skip("on SQLite one process sends")
    subscribe(database, 20, now)
    made = edition(database, now)
    with database.write() as session:  # two batches, so that each has work
        session.execute(update(Delivery).where(Delivery.seq >= 10).values(batch=1))
        session.add(Batch(edition_id=made, batch=1, done=False, next_try_at=now, size=10, queued=10))
        session.execute(update(Batch).where(Batch.batch == 0).values(size=10, queued=10))
    go, began = threading.Event(), time.monotonic()
    greeted: list[float] = []

    def script(session: Session, stage: str) -> str | None:
        if stage == "greet":
            greeted.append(time.monotonic())
        if session.number == 0 and stage == "dot":
            go.wait(10)
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        with database.write() as session:
            name, opens = f"127.0.0.1:{relay.port}", database.clock() + 0.5
            broken = RelayRecord(name=name, state="down", last_error="it was away", at=now, failures=7)
            session.add(broken)
            session.flush()
            session.execute(update(RelayRecord).values(open_until=opens))
        other = Database(database_url)
        senders = [make(database, relay.port), *([make(other, relay.port)] if two else [])]
        with working(*senders):
            until(lambda: len(relay.dots) == 1)
            time.sleep(0.3)
            assert relay.sessions == 1, "others tried too"
            assert greeted[0] - began >= 0.45, "it was tried before its rest was over"
            go.set()
            until(lambda: edition_state(database, made) == "sent")
        other.close()
        assert relay.sessions > 1
    assert record(database).state == "ok"
    assert {row.attempt for row in rows(database, made)} == {1}


def test_while_the_breaker_is_open_nothing_is_claimed(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    with ScriptedRelay() as relay:
        with database.write() as session:
            name = f"127.0.0.1:{relay.port}"
            session.add(RelayRecord(name=name, state="down", last_error="it was away", at=now, failures=9))
            session.flush()
            session.execute(update(RelayRecord).values(open_until=database.clock() + 900))
        sender = make(database, relay.port)
        end = time.monotonic() + 0.3
        owners: set[str | None] = set()

        def over() -> bool:
            with database.read() as session:
                owners.update(session.scalars(select(Batch.owner)).all())
            return time.monotonic() > end

        run(sender, over)
        assert owners == {None}
        assert relay.sessions == 0
        assert sender.relay_away == "it was away"
        with database.write() as session:
            session.execute(update(RelayRecord).values(state="unknown", failures=0, open_until=0.0))
        run(make(database, relay.port), lambda: edition_state(database, made) == "sent")
