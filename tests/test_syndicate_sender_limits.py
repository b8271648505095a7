"""The rate, the quota and what receiving domains bear are kept, by all connections and over a restart."""

import time
from datetime import datetime, timedelta

from clocks import until
from people import edition, edition_state, subscribe
from relays import ScriptedRelay, Session, usual
from sender_views import count, record, rows, working
from senders import make, run
from shifted import StoppedDatabase
from sqlalchemy import select

from syndicate.database import Database
from syndicate.models import Delivery, DomainPace
from syndicate.outbox.limits import Limit


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
