"""How the databases look up what is asked for again and again while mail goes out: never by reading deliveries that are
not concerned, and never by sorting all batches."""

from collections.abc import Callable
from datetime import datetime

import pytest
from people import edition, subscribe
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from subscribers.recipients import end_of_range
from syndicate.database import Database
from syndicate.models import Batch
from syndicate.outbox import ledger

NOW = datetime.fromisoformat("2026-11-24T12:00:00Z")


def _plan(database: Database, ask: Callable[[Session], object]) -> str:
    """The plan of the last statement that `ask` makes. On PostgreSQL as if the tables were large."""
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, words: str, values: object, *_: object) -> None:
        asked.append((words, values))

    with database.write() as session:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            ask(session)
            session.flush()
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
        words, values = asked[-1]
        if not database.sqlite:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
        explain = "EXPLAIN QUERY PLAN " if database.sqlite else "EXPLAIN "
        rows = session.connection().exec_driver_sql(explain + words, values).all()  # type: ignore[arg-type]
    return "\n".join(str(row[-1]) for row in rows)


@pytest.fixture
def filled(database: Database, now: datetime) -> Database:
    subscribe(database, 20, now)
    edition(database, now)
    return database


def test_a_claim_walks_the_index_of_unclaimed_batches_in_its_order(filled: Database) -> None:
    plan = _plan(filled, lambda session: ledger.has_claimable(session, NOW))
    assert "ix_batch_claimable" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_tallies_and_accounts_look_at_the_deliveries_of_single_batches(
    sqlite_database: Database, now: datetime
) -> None:
    """Whatever the planner of SQLite, which knows nothing of the tables, may think of them."""
    subscribe(sqlite_database, 20, now)
    edition(sqlite_database, now)
    for ask in (
        lambda session: ledger.tally(session, 1, 0),
        lambda session: ledger.counts_by_edition(session, Batch.edition_id == 1),
        ledger.waiting,
    ):
        plan = _plan(sqlite_database, ask)
        assert plan.count("SEARCH delivery USING INDEX sqlite_autoindex_delivery_1 (edition_id=? AND batch=?)") == 7
        assert plan.count("delivery") == 7 * 2


def test_the_end_of_a_range_is_found_in_an_index(filled: Database) -> None:
    plan = _plan(filled, lambda session: end_of_range(session, "weekly", after=3, size=7))
    assert "ix_subscription_digest_state_subscriber_id" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
