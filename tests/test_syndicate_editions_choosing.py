"""Choosing costs what is new, not what the site has: few statements, and an index for each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import pytest
from query_plans import asked, plan_of

from syndicate.database import Database
from syndicate.editions import editing
from syndicate.editions.choosing import remember_left_out
from syndicate.editions.lifecycle import Editions

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Editions:
    made = newsroom.editions(tmp_path, digest="max_items = 1")
    newsroom.seen(database, made, FRIDAY)
    return made


def test_who_holds_a_clipping_is_found_in_the_index_of_claims(database: Database, desk: Editions) -> None:
    newsroom.file(database, FRIDAY)
    plan = plan_of(database, lambda session: desk.plan(session, "weekly", FRIDAY + DAY))
    assert "ux_edition_item_claim" in plan


def test_a_choice_takes_as_many_statements_for_many_clippings_as_for_few(database: Database, desk: Editions) -> None:
    made = []
    for number in (2, 20):
        for one in range(number):
            newsroom.file(database, FRIDAY + one * HOUR)
        with asked(database) as statements:
            draft = desk.draft_now(database, "weekly", str(number), FRIDAY + DAY)
        with database.read() as session:
            made.append((len(statements), len(editing.left_out(session, draft))))
    (few, one_out), (many, all_out) = made
    assert (one_out, all_out) == (1, 21)
    assert few == many


def test_a_reason_takes_the_place_of_the_one_before(database: Database, desk: Editions) -> None:
    first, second, third = (newsroom.file(database, FRIDAY + one * HOUR) for one in range(3))
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    full = "more than 1: waits for the next edition"
    with database.write() as session:
        assert dict(editing.left_out(session, draft)) == {first: full, second: full}
        remember_left_out(session, draft, [(second, "Es war schön: \"lang\" \\ 'kurz'"), (third, "dropped")])
        remember_left_out(session, draft, [])
        assert dict(editing.left_out(session, draft)) == {
            first: full,
            second: "Es war schön: \"lang\" \\ 'kurz'",
            third: "dropped",
        }
