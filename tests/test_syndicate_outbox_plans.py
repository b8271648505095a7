"""How the databases look up what is asked for again and again while mail goes out: never by reading deliveries that are
not concerned, and never by sorting all batches."""

from datetime import datetime

import pytest
from people import edition, subscribe
from query_plans import plan_of

from subscribers.recipients import end_of_range
from syndicate.database import Database
from syndicate.models import Batch
from syndicate.outbox import ledger

NOW = datetime.fromisoformat("2026-11-24T12:00:00Z")


@pytest.fixture
def filled(database: Database, now: datetime) -> Database:
    subscribe(database, 20, now)
    edition(database, now)
    return database


def test_a_claim_walks_the_index_of_unclaimed_batches_in_its_order(filled: Database) -> None:
    plan = plan_of(filled, lambda session: ledger.has_claimable(session, NOW))
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
        plan = plan_of(sqlite_database, ask)
        assert plan.count("SEARCH delivery USING INDEX sqlite_autoindex_delivery_1 (edition_id=? AND batch=?)") == 7
        assert plan.count("delivery") == 7 * 2


def test_the_end_of_a_range_is_found_in_an_index(filled: Database) -> None:
    plan = plan_of(filled, lambda session: end_of_range(session, "weekly", after=3, size=7))
    assert "ix_subscription_digest_state_subscriber_id" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
