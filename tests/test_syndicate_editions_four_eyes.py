"""Four eyes: where approval is asked, nothing goes that the person who made it did not show to a second one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest

from syndicate.database import Database
from syndicate.editions import four_eyes
from syndicate.editions.lifecycle import Editions
from syndicate.errors import Refused, UsageError
from syndicate.notices import of_edition

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Editions:
    """A site that asks for approval, with a reader and a clipping."""
    desk = newsroom.editions(tmp_path, approval=True)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 1, FRIDAY)
    newsroom.file(database, FRIDAY)
    return desk


@pytest.mark.parametrize("made_by", [None, "Ann", "Bob and Ann"])
def test_anybody_else_who_is_named_may_approve(made_by: str | None) -> None:
    four_eyes.require_second(7, made_by=made_by, by="Bob")


@pytest.mark.parametrize("by", ["Ann Lee", "ann lee", "  ANN   LEE ", "\uff21nn Lee"])
def test_whoever_made_it_cannot_approve_it_however_they_write_their_name(by: str) -> None:
    with pytest.raises(Refused, match="Ann Lee made edition 7, so another person must approve it"):
        four_eyes.require_second(7, made_by="Ann Lee", by=four_eyes.named(by))


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "An\x1bn", "Ann\u200b"])
def test_a_name_that_says_nothing_or_hides_something_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="1 to 100 characters"):
        four_eyes.named(name)


def test_what_the_tick_made_is_approved_by_anybody_who_says_who_they_are(database: Database, desk: Editions) -> None:
    desk.tick(database, THURSDAY)
    with pytest.raises(UsageError, match="say who approves edition 1, with --by NAME"):
        desk.approve(database, 1, THURSDAY)
    told = of_edition(desk.config, newsroom.row(database, 1), THURSDAY)
    assert told is not None
    assert told.facts.commands[1] == "syndicate edition approve 1 --by NAME"
    assert desk.approve(database, 1, THURSDAY, by=" Bob  Ray ") == "approved"
    row = newsroom.row(database, 1)
    assert (row.made_by, row.approved_by) == (None, "Bob Ray")
    desk.tick(database, THURSDAY + HOUR)
    assert newsroom.row(database, 1).state == "sending"


def test_nothing_is_sent_in_one_step(database: Database, desk: Editions) -> None:
    with pytest.raises(Refused, match="nothing goes without a second person"):
        desk.send_now(database, "weekly", "key", FRIDAY)
    assert newsroom.all_editions(database, desk) == []


def test_what_was_approved_before_anybody_was_asked_waits_for_a_person(database: Database, tmp_path: Path) -> None:
    free = newsroom.editions(tmp_path, sending='hold_period = "1h"')
    newsroom.seen(database, free, FRIDAY)
    newsroom.file(database, FRIDAY)
    free.tick(database, THURSDAY)
    assert newsroom.row(database, 1).state == "approved"
    asks = newsroom.editions(tmp_path, sending='hold_period = "1h"', approval=True)
    asks.tick(database, THURSDAY + HOUR)
    [one] = newsroom.all_editions(database, asks)
    assert (one.state, one.reason) == ("draft", "approval void: nobody is named who approved it")
    asks.approve(database, 1, THURSDAY + 2 * HOUR, by="Ann")
    asks.tick(database, THURSDAY + 3 * HOUR)
    assert newsroom.row(database, 1).state == "sent"
