"""What the relay says is heeded: by the one connection, by the process, by all processes. A real relay on a socket."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import count as count_from

import pytest
from clocks import until
from people import edition, edition_state, states, subscribe
from relays import ScriptedRelay, Session, usual
from senders import CLOCK, make, run
from shifted import ShiftedDatabase, StoppedDatabase
from sqlalchemy import select, update

from syndicate.database import Database
from syndicate.mail.smtp import Relay
from syndicate.models import Batch, Delivery, DomainPace, Edition, Letter, Owner, RelayRecord
from syndicate.outbox import letters
from syndicate.outbox.limits import Limit
from syndicate.sender.process import Sender, Times


def rows(database: Database, edition_id: int) -> list[Delivery]:
    with database.read() as session:
        return list(session.scalars(select(Delivery).where(Delivery.edition_id == edition_id).order_by(Delivery.seq)))


def record(database: Database) -> RelayRecord:
    with database.read() as session:
        return session.scalars(select(RelayRecord)).one()


def count(database: Database, edition_id: int, state: str) -> int:
    return list(states(database, edition_id).values()).count(state)


@contextmanager
def working(*senders: Sender) -> Iterator[None]:
    """Each in a thread of its own, until the end of the block."""
    done = threading.Event()
    threads = [threading.Thread(target=lambda s=sender: s.slice(done.is_set)) for sender in senders]  # type: ignore[misc]
    with ExitStack() as stack:
        for sender in senders:
            sender.open()
            stack.callback(sender.close)
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()


@pytest.mark.parametrize("stage", ["greet", "mail", "rcpt", "data", "dot"])
def test_a_relay_that_ends_lines_gets_the_same_mails_over_fewer_and_no_attempt_is_counted(
    sqlite_database: Database, now: datetime, stage: str
) -> None:
    subscribe(sqlite_database, 30, now)
    made = edition(sqlite_database, now)
    ended: list[int] = []

    def script(session: Session, reached: str) -> str | None:
        if reached == stage and session.mails == (stage == "dot") and not ended:
            ended.append(session.number)
            return "421 4.3.2 not now"
        return usual(session, reached)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port)
        run(sender, lambda: edition_state(sqlite_database, made) == "sent")
        assert sorted(relay.accepted) == sorted(states(sqlite_database, made))
    assert {row.attempt for row in rows(sqlite_database, made)} == {1}
    assert sender._gate.crowd.limit == 2
    assert record(sqlite_database).failures == 0


def test_a_reader_for_whom_the_relay_always_ends_the_line_does_not_keep_the_others_from_theirs(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 20, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        if stage == "rcpt" and session.to.startswith("reader3@"):
            return "421 4.7.0 not this one"
        return usual(session, stage)

    def settled() -> bool:
        late = [row for row in rows(sqlite_database, made) if row.next_try_at]
        return count(sqlite_database, made, "accepted") == 19 and bool(late)

    with ScriptedRelay(script) as relay:
        run(make(sqlite_database, relay.port), settled)
    (row,) = [row for row in rows(sqlite_database, made) if row.state == "queued"]
    assert (row.address, row.attempt) == ("reader3@example.net", 0)
    assert row.next_try_at
    assert row.next_try_at > now + timedelta(minutes=4)


def test_a_line_that_breaks_in_a_mail_costs_it_an_attempt_only_if_it_does_so_again(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 8, now)
    made = edition(sqlite_database, now)
    once: list[str] = []

    def script(session: Session, stage: str) -> str | None:
        if stage == "data" and session.to.startswith("reader3@"):
            return None  # whatever is in this mail, it kills the line
        if stage == "data" and session.to.startswith("reader5@") and not once:
            once.append(session.to)
            return None
        return usual(session, stage)

    def settled() -> bool:
        tried = [row for row in rows(sqlite_database, made) if row.state == "queued" and row.attempt == 1]
        return count(sqlite_database, made, "accepted") == 7 and len(tried) == 1

    with ScriptedRelay(script) as relay:
        run(make(sqlite_database, relay.port, connections=1), settled)
    found = {row.address: row for row in rows(sqlite_database, made)}
    assert found["reader5@example.net"].attempt == 1
    later = found["reader3@example.net"].next_try_at
    assert later
    assert later > now + timedelta(minutes=4)


def test_a_line_that_the_relay_ended_in_its_own_time_is_made_anew_and_means_no_crowd(
    sqlite_database: Database, now: datetime
) -> None:
    subscribe(sqlite_database, 12, now)
    made = edition(sqlite_database, now)

    def script(session: Session, stage: str) -> str | None:
        if session.mails == 2 and stage == "mail":
            return "421 4.4.2 two mails a session"
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, connections=2)
        run(sender, lambda: edition_state(sqlite_database, made) == "sent")
        assert relay.sessions >= 6
    assert {row.attempt for row in rows(sqlite_database, made)} == {1}
    assert sender._gate.crowd.limit == 2


def test_a_relay_that_takes_not_even_one_line_is_away(database: Database, now: datetime) -> None:
    subscribe(database, 3, now)
    made = edition(database, now)
    with ScriptedRelay(lambda _session, _stage: "421 4.3.2 not now") as relay:
        sender = make(database, relay.port, connections=2)
        run(sender, lambda: sender.last_error is not None)
    assert "421 4.3.2 not now" in (record(database).last_error or "")
    assert record(database).state == "down"
    assert {(row.state, row.attempt) for row in rows(database, made)} == {("queued", 0)}


def test_who_sends_too_fast_waits_and_nobody_goes_meanwhile(database: Database, now: datetime) -> None:
    subscribe(database, 12, now)
    made = edition(database, now)
    told: list[float] = []
    went: list[float] = []

    def script(session: Session, stage: str) -> str | None:
        if stage == "rcpt":
            went.append(time.monotonic())
            if len(went) == 5:
                told.append(time.monotonic())
                return "454 Throttling failure: Maximum sending rate exceeded."
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(database, relay.port, connections=2)
        with working(sender):
            until(lambda: bool(told) and record(database).state == "busy")
            until(lambda: edition_state(database, made) == "sent")
    (moment,) = told
    later = [at for at in went if at > moment]
    assert len([at for at in later if at < moment + 0.9]) <= 1, "one that was on its way already"
    assert {row.attempt for row in rows(database, made)} == {1}
    assert (record(database).state, record(database).failures) == ("ok", 0)


def test_a_day_that_is_spent_ends_a_command_and_is_told_to_all(database: Database, now: datetime) -> None:
    subscribe(database, 12, now)
    made = edition(database, now)

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            return "454 Throttling failure: Daily message quota exceeded."
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        sender = make(database, relay.port, connections=2)
        run(sender, lambda: sender._gate.away)
        tried = len(relay.dots)
        assert tried <= 3
        run(make(database, relay.port), lambda: True)
        assert len(relay.dots) == tried, "another process knows it too"
    assert "Daily message quota exceeded" in (record(database).last_error or "")
    assert {(row.state, row.attempt) for row in rows(database, made)} == {("queued", 0)}


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


def test_the_rate_is_kept_by_all_connections_and_over_a_restart(database: Database, now: datetime) -> None:
    subscribe(database, 45, now)
    made = edition(database, now)
    rate = 30.0
    went: list[float] = []

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            went.append(time.monotonic())
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        limit, began = Limit(rate=rate), time.monotonic()
        run(make(database, relay.port, limit=limit), lambda: len(went) >= 32)
        run(make(database, relay.port, limit=limit), lambda: edition_state(database, made) == "sent")
    assert len(went) == 45
    assert went[-1] - began >= (45 - rate) / rate
    assert {row.attempt for row in rows(database, made)} == {1}


def test_the_day_s_quota_is_kept_and_told(database: Database, now: datetime) -> None:
    subscribe(database, 20, now)
    made = edition(database, now)
    with ScriptedRelay() as relay:
        sender = make(database, relay.port, limit=Limit(quota=8))
        run(sender, lambda: sender.last_error is not None and count(database, made, "accepted") == 8)
        assert len(relay.dots) == 8
        assert "daily quota of 8 mails" in (sender.last_error or "")
        run(make(database, relay.port, limit=Limit(quota=8)), lambda: True)
        assert len(relay.dots) == 8
    assert {row.attempt for row in rows(database, made) if row.state == "queued"} == {0}
    assert record(database).day_count == 8


def test_what_was_drawn_and_not_used_is_given_back_at_the_end(database: Database, now: datetime) -> None:
    subscribe(database, 5, now)
    made = edition(database, now)
    with ScriptedRelay() as relay:
        sender = make(database, relay.port, limit=Limit(quota=1000))
        run(sender, lambda: edition_state(database, made) == "sent")
    assert record(database).day_count == 5


def _spread(database: Database, slow: int) -> None:
    """The first `slow` readers are at one domain, every other at one of their own."""
    with database.write() as session:
        for row in session.scalars(select(Delivery)):
            domain = "slow.example" if row.seq < slow else f"d{row.seq}.example"
            row.address = f"reader{row.seq}@{domain}"


def test_a_domain_that_must_wait_is_passed_over_and_the_others_go_on(database_url: str, now: datetime) -> None:
    database = StoppedDatabase(database_url)
    subscribe(database, 30, now)
    made = edition(database, now)
    _spread(database, slow=7)
    with ScriptedRelay() as relay, working(make(database, relay.port, domain_rate=2.0)):
        for slow in (2, 4, 6, 7):
            until(lambda slow=slow: len(relay.accepted) == 23 + slow)  # type: ignore[misc]
            assert sum(address.endswith("@slow.example") for address in relay.accepted) == slow
            database.now += 1
        until(lambda: edition_state(database, made) == "sent")
    assert {row.attempt for row in rows(database, made)} == {1}
    database.close()


def test_a_very_slow_domain_does_not_keep_its_batch_in_hand(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 30, now)
    made = edition(sqlite_database, now)
    _spread(sqlite_database, slow=12)

    def put_off() -> list[Delivery]:
        return [row for row in rows(sqlite_database, made) if row.next_try_at]

    with ScriptedRelay() as relay:
        sender = make(sqlite_database, relay.port, domain_rate=0.1)
        run(sender, lambda: count(sqlite_database, made, "accepted") == 19 and len(put_off()) == 7)
    late = sorted(row.next_try_at for row in put_off() if row.next_try_at)
    assert {row.attempt for row in put_off()} == {0}
    assert late[0] > now + timedelta(seconds=29)
    assert timedelta(seconds=55) < late[-1] - late[0] < timedelta(seconds=65), "each finds its turn, ten seconds apart"


def test_a_domain_that_asks_for_less_gets_less(sqlite_database: Database, now: datetime) -> None:
    subscribe(sqlite_database, 10, now)
    edition(sqlite_database, now)
    _spread(sqlite_database, slow=1)

    def script(session: Session, stage: str) -> str | None:
        if stage == "rcpt" and session.to.endswith("@slow.example"):
            return "451 4.7.0 unusual rate of mail from you"
        return usual(session, stage)

    def paces() -> dict[str, float]:
        with sqlite_database.read() as session:
            return dict(session.execute(select(DomainPace.domain, DomainPace.rate)).tuples().all())

    with ScriptedRelay(script) as relay:
        sender = make(sqlite_database, relay.port, domain_rate=8.0)
        run(sender, lambda: paces().get("slow.example") == 4.0 and len(paces()) == 10)
    assert set(paces().values()) == {4.0, 8.0}


def test_a_letter_that_is_asked_for_in_the_middle_of_a_send_goes_within_a_second(
    database: Database, database_url: str, now: datetime
) -> None:
    subscribe(database, 400, now)
    edition(database, now)
    went: dict[str, float] = {}

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            time.sleep(0.05)  # all connections are busy nearly all the time
            went[session.to] = time.monotonic()
        return usual(session, stage)

    other = Database(database_url)  # as another process would
    with ScriptedRelay(script) as relay, working(make(database, relay.port, times=Times())):
        until(lambda: len(went) > 20)
        with other.write() as session:
            letters.ask(
                session,
                kind="confirm",
                address="new@example.net",
                address_hash="n" * 32,
                subscriber_id=None,
                language="en",
                params={},
                now=CLOCK(),
            )
        asked = time.monotonic()
        until(lambda: "new@example.net" in went)
    other.close()
    assert went["new@example.net"] - asked < 1.0
    assert len(went) < 400, "there was no send left to be in the middle of"
    with database.read() as session:
        assert session.scalars(select(Letter.state)).one() == "accepted"


def test_the_heartbeat_tells_how_fast_mail_goes(database: Database, now: datetime) -> None:
    subscribe(database, 300, now)
    edition(database, now)
    found: list[Owner] = []

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot":
            time.sleep(0.02)
        return usual(session, stage)

    def told() -> bool:
        with database.read() as session:
            found[:] = session.scalars(select(Owner)).all()
        return bool(found) and found[0].rate > 0

    with (
        ScriptedRelay(script) as relay,
        working(make(database, relay.port, times=Times(lease=0.9, poll=0.05, stop=1))),
    ):
        until(told)
        with database.read() as session:
            moment = float(session.execute(select(database.clock())).scalar_one())
    assert found[0].rate < 4 / 0.02
    assert moment - 5 < found[0].seen <= moment


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_database_clock_that_jumps_in_the_middle_loses_nothing_and_repeats_nothing(
    database_url: str, now: datetime, jump: float
) -> None:
    database = ShiftedDatabase(database_url)
    subscribe(database, 60, now)
    made = edition(database, now)

    def script(session: Session, stage: str) -> str | None:
        if stage == "dot" and len(relay.dots) == 30:
            database.offset = jump
        return usual(session, stage)

    with ScriptedRelay(script) as relay:
        began = time.monotonic()
        sender = make(database, relay.port, limit=Limit(rate=100), times=Times(lease=3, poll=0.05, stop=1))
        run(sender, lambda: edition_state(database, made) == "sent")
        assert time.monotonic() - began < 30
        assert sorted(relay.dots) == sorted(states(database, made))
    assert sender.failure is None
    database.close()
