"""What the relay says is heeded: by the one connection, by the process, by all processes. A real relay on a socket."""

import time
from datetime import datetime, timedelta

import pytest
from clocks import until
from people import ask_letter, edition, edition_state, states, subscribe
from relays import ScriptedRelay, Session, usual
from sender_views import count, record, rows, working
from senders import CLOCK, make, run
from shifted import ShiftedDatabase
from sqlalchemy import select

from syndicate.database import Database
from syndicate.models import Letter, Owner
from syndicate.outbox.limits import Limit
from syndicate.sender.process import Times


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
            ask_letter(session, "new@example.net", CLOCK())
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
