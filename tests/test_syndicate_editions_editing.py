"""A draft is edited: its words, its order, what is in it; nothing is sent twice and nothing is lost by it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.editions import editing
from syndicate.editions.choosing import store
from syndicate.editions.composing import html_size
from syndicate.editions.deciding import decide
from syndicate.editions.freezing import hold_unfit
from syndicate.editions.given_up import GivenUp, fits
from syndicate.editions.lifecycle import Editions, TickFailed
from syndicate.editions.plan import Chosen, Plan
from syndicate.editions.preflight.examination import Unfit
from syndicate.errors import NotFound, Refused, UsageError
from syndicate.mail.compose import Composition
from syndicate.models import Variant

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Editions:
    made = newsroom.editions(tmp_path, sending='hold_period = "1h"')
    newsroom.seen(database, made, FRIDAY)
    return made


def items(database: Database, desk: Editions, edition_id: int) -> tuple[str, ...]:
    return next(one.items for one in newsroom.all_editions(database, desk) if one.id == edition_id)


def test_what_is_put_first_takes_its_section_along() -> None:
    old = [Chosen("a", "letters"), Chosen("b", "letters"), Chosen("c", "news"), Chosen("d", "news")]
    assert [one.clipping_id for one in editing.arranged(old, ["d", "b"])] == ["d", "c", "b", "a"]
    assert editing.arranged(old, []) == tuple(old)


def test_lead_and_order_stand_in_the_mail_as_they_were_put(database: Database, desk: Editions) -> None:
    first, second, third = (newsroom.file(database, FRIDAY + n * HOUR, f"Story {n}") for n in range(3))
    letter = newsroom.file(database, FRIDAY, "A letter", section="letters")
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    assert items(database, desk, draft) == (letter, third, second, first)
    with database.write() as session:
        editing.set_lead(session, draft, first, now=FRIDAY + DAY)
        editing.set_order(session, draft, [letter, second], now=FRIDAY + DAY)
        editing.set_subject(session, draft, "In our own words", now=FRIDAY + DAY)
        editing.set_note(session, draft, "Read this.", now=FRIDAY + DAY)
    assert items(database, desk, draft) == (first, second, third, letter)
    desk.approve(database, draft, FRIDAY + DAY)
    with database.read() as session:
        data = session.scalars(select(Variant.composition).where(Variant.edition_id == draft)).one()
    composed = Composition.from_bytes(data)
    places = [composed.html.rindex(words) for words in ("Read this.", "Story 0", "Story 1", "Story 2", "A letter")]
    assert places == sorted(places)
    assert b"In our own words" in data


def test_what_is_dropped_goes_with_the_next_edition(database: Database, desk: Editions) -> None:
    stays, goes = newsroom.file(database, FRIDAY, "Stays"), newsroom.file(database, FRIDAY, "Goes")
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    with database.write() as session:
        editing.set_lead(session, draft, goes, now=FRIDAY + DAY)
        editing.drop(session, desk.config.digest("weekly"), draft, goes, now=FRIDAY + DAY)
        with pytest.raises(Refused, match="last clipping"):
            editing.drop(session, desk.config.digest("weekly"), draft, stays, now=FRIDAY + DAY)
    assert newsroom.row(database, draft).lead is None
    with database.read() as session:
        assert editing.left_out(session, draft) == ((goes, "carried over by hand"),)
    desk.tick(database, THURSDAY)
    assert items(database, desk, draft) == (stays,)
    assert newsroom.all_editions(database, desk)[-1].items == (goes,)
    with database.write() as session, pytest.raises(Refused, match="is in edition 2 already"):
        editing.add(session, draft, goes, now=THURSDAY)


def test_what_is_added_is_claimed_and_not_taken_again(database: Database, desk: Editions) -> None:
    newsroom.file(database, FRIDAY)
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    late = newsroom.file(database, FRIDAY + 2 * DAY)
    with database.write() as session:
        editing.add(session, draft, late, now=FRIDAY + 2 * DAY)
    assert items(database, desk, draft)[-1] == late
    desk.tick(database, THURSDAY)
    assert newsroom.all_editions(database, desk)[-1].state == "skipped"


def test_what_the_digest_would_not_take_by_itself_is_told_of_what_an_editor_adds(
    sqlite_database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path, digest="max_items = 2")
    digest = desk.config.digest("weekly").model_copy(update={"sections": ("news",)})
    newsroom.seen(sqlite_database, desk, FRIDAY)
    first, full, waits = (newsroom.file(sqlite_database, FRIDAY + n * HOUR) for n in range(3))
    foreign = newsroom.file(sqlite_database, FRIDAY, section="letters")
    assert waits
    with sqlite_database.write() as session:
        draft = store(
            session,
            "weekly",
            kind="manual",
            key="k",
            chosen=Plan(
                (Chosen(first, "news"),),
                ((full, "more than 1: waits"), (waits, "more than 1: waits"), (foreign, "another section")),
            ),
            slot=None,
            now=FRIDAY,
        )
        assert draft is not None
        added = editing.add(session, draft, full, now=FRIDAY)
        assert editing.beyond(digest, added, full) == ()
        assert editing.left_out(session, draft) == tuple(
            sorted([(waits, "more than 1: waits"), (foreign, "another section")])
        )
        added = editing.add(session, draft, foreign, now=FRIDAY)
        many = "that makes 3 clippings: the digest takes 2 by itself (max_items)"
        assert editing.beyond(digest, added, foreign) == (many, "the digest does not take the section letters")
        assert editing.beyond(digest, added, full) == (many,)
        assert editing.left_out(session, draft) == ((waits, "more than 1: waits"),)
        editing.drop(session, digest, draft, foreign, now=FRIDAY)
        editing.drop(session, digest, draft, full, now=FRIDAY)
        assert dict(editing.left_out(session, draft)) == {
            waits: "more than 1: waits",
            foreign: "taken out by hand: the digest does not take the section letters",
            full: "carried over by hand",
        }


def _refusals(session: Session, draft: int, there: str, drafted: str) -> None:
    with pytest.raises(Refused, match="is in edition 1 already"):
        editing.add(session, draft, there, now=FRIDAY)
    with pytest.raises(Refused, match="is retracted: publish it first"):
        editing.add(session, draft, drafted, now=FRIDAY)
    with pytest.raises(NotFound):
        editing.add(session, draft, "nonsense\x00", now=FRIDAY)
    with pytest.raises(NotFound):
        editing.set_note(session, 10**30, "x", now=FRIDAY)
    with pytest.raises(Refused, match="does not hold"):
        editing.set_lead(session, draft, drafted, now=FRIDAY)
    with pytest.raises(UsageError, match="once"):
        editing.set_order(session, draft, [there, there], now=FRIDAY)
    with pytest.raises(UsageError, match="250 is the most"):
        editing.set_subject(session, draft, "x" * 251, now=FRIDAY)
    for subject in ("two\nlines", "bell\x07", "nul\x00"):
        with pytest.raises(UsageError):
            editing.set_subject(session, draft, subject, now=FRIDAY)


def test_what_cannot_be_is_refused_and_changes_nothing(database: Database, desk: Editions) -> None:
    there, gone = newsroom.file(database, FRIDAY), newsroom.file(database, FRIDAY)
    newsroom.retract(database, gone, FRIDAY)
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    with database.write() as session:
        _refusals(session, draft, there, gone)
    assert items(database, desk, draft) == (there,)
    row = newsroom.row(database, draft)
    assert (row.subject, row.note, row.lead) == (None, None, None)


def test_an_approved_edition_is_withdrawn_to_be_edited_and_then_waits_for_a_person(
    database: Database, desk: Editions
) -> None:
    people.subscribe(database, 2, FRIDAY)
    one = newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    assert newsroom.row(database, 1).state == "approved"
    with database.write() as session, pytest.raises(Refused, match="edition withdraw 1"):
        editing.set_note(session, 1, "x", now=THURSDAY)
    desk.withdraw(database, 1, THURSDAY + timedelta(minutes=30))
    for hours in range(1, 12):
        desk.tick(database, THURSDAY + hours * HOUR)
    assert newsroom.row(database, 1).state == "draft"
    with database.write() as session:
        editing.set_note(session, 1, "Better.", now=THURSDAY + 12 * HOUR)
    desk.approve(database, 1, THURSDAY + 12 * HOUR)
    desk.tick(database, THURSDAY + 13 * HOUR)
    found = newsroom.row(database, 1)
    assert (found.state, found.chosen, found.number, found.note) == ("sending", 2, 1, "Better.")
    assert items(database, desk, 1) == (one,)
    with pytest.raises(Refused, match="is sending"):
        desk.withdraw(database, 1, THURSDAY + 13 * HOUR)


def test_never_mail_takes_a_clipping_out_of_drafts_and_voids_an_approval(database: Database, desk: Editions) -> None:
    stays, goes = newsroom.file(database, FRIDAY, "Stays"), newsroom.file(database, FRIDAY, "Goes")
    desk.tick(database, THURSDAY)
    with database.write() as session:
        assert editing.never_mail(session, goes, off=False, now=THURSDAY) == (1,)
    assert (newsroom.row(database, 1).state, items(database, desk, 1)) == ("draft", (stays,))
    with database.write() as session:
        assert editing.never_mail(session, stays, off=False, now=THURSDAY) == (1,)
    assert newsroom.row(database, 1).state == "skipped"
    desk.tick(database, THURSDAY + WEEK)
    assert newsroom.all_editions(database, desk)[-1].state == "skipped"
    with database.write() as session:
        assert editing.never_mail(session, goes, off=True, now=THURSDAY + WEEK) == ()
    desk.tick(database, THURSDAY + 2 * WEEK)
    assert newsroom.all_editions(database, desk)[-1].items == (goes,)


def test_why_a_clipping_stayed_out_is_kept_with_the_edition(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, digest='max_items = 1\ncutoff = "1h"')
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    second, late = newsroom.file(database, FRIDAY + DAY), newsroom.file(database, THURSDAY - HOUR / 2)
    desk.tick(database, THURSDAY)
    with database.read() as session:
        reasons = dict(editing.left_out(session, 1))
    taken = items(database, desk, 1)[0]
    assert len(reasons) == 2
    assert taken not in reasons
    assert reasons[late] == "published after 2026-11-26 08:00"
    assert {"more than 1: waits for the next edition"} == {text for one, text in reasons.items() if one != late}
    assert second in {taken, *reasons}


def test_what_was_given_up_is_stored_with_the_frozen_mail_and_goes_with_it(database: Database, desk: Editions) -> None:
    newsroom.file(database, FRIDAY, summary="They went home. " * 8000)
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    desk.approve(database, draft, FRIDAY + DAY)
    with database.read() as session:
        [(language, kept)] = fits(session, draft).items()
        [size] = [html_size(Composition.from_bytes(one)) for one in session.scalars(select(Variant.composition))]
    assert (language, kept) == ("en", GivenUp(summaries=400, lines=0, moved=0, counted=0, size=size))
    desk.withdraw(database, draft, FRIDAY + DAY)
    with database.read() as session:
        assert fits(session, draft) == {}


def test_a_mail_that_nothing_makes_fit_is_held_by_the_tick_and_goes_once_its_note_is_shorter(
    database: Database, desk: Editions
) -> None:
    one = newsroom.file(database, FRIDAY)
    decide(database, desk.config, desk.config.digest("weekly"), THURSDAY)
    with database.write() as session:
        editing.set_note(session, 1, "x\n\n" * 3000, now=THURSDAY)
    with pytest.raises(TickFailed, match="bytes of HTML with one item"):
        desk.tick(database, THURSDAY)
    row = newsroom.row(database, 1)
    assert row.state == "held"
    assert "shorten its note" in (row.reason or "")
    desk.tick(database, THURSDAY + HOUR)  # it is told once, and waits
    with database.write() as session:
        editing.set_note(session, 1, "Short.", now=THURSDAY + HOUR)
    assert desk.approve(database, 1, THURSDAY + HOUR) == "approved"
    assert items(database, desk, 1) == (one,)


def test_an_edition_held_for_a_fault_of_its_mail_can_be_mended(database: Database, desk: Editions) -> None:
    one, two = newsroom.file(database, FRIDAY), newsroom.file(database, FRIDAY)
    draft = desk.draft_now(database, "weekly", "k", FRIDAY + DAY)
    hold_unfit(database, draft, Unfit("a link in it is broken"))
    with database.write() as session:
        editing.drop(session, desk.config.digest("weekly"), draft, two, now=FRIDAY + DAY)
    assert (newsroom.row(database, draft).state, items(database, desk, draft)) == ("held", (one,))
    assert desk.approve(database, draft, FRIDAY + DAY) == "approved"
