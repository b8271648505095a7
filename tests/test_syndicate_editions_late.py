"""What was left lying while nothing ran, clocks that were wrong, and what one fault may keep back: nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from sqlalchemy import select, text

from syndicate.config import load
from syndicate.database import Database
from syndicate.editions import editing
from syndicate.editions.composing import Composer
from syndicate.editions.lifecycle import Editions, TickFailed
from syndicate.editions.starting import Start
from syndicate.models import Edition, EditionItem, Variant

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def _killed_after_approval(database: Database, folder: Path, late: str, hold: str = "10m") -> tuple[Editions, str]:
    """A site whose edition of Thursday is approved by the tick and waits for its hold period; then nothing runs."""
    desk = newsroom.editions(folder, sending=f'late = "{late}"\nhold_period = "{hold}"')
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 2, FRIDAY)
    clip = newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    assert newsroom.all_editions(database, desk)[0].state == "approved"
    return desk, clip


def test_an_edition_approved_before_a_long_night_is_not_sent_days_later_unasked(
    database: Database, tmp_path: Path
) -> None:
    desk, clip = _killed_after_approval(database, tmp_path, "hold")
    desk.tick(database, THURSDAY + 4 * DAY)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number, one.items) == ("held", None, ())
    assert one.reason == "96 hours late: send it after all, or cancel it"
    with database.read() as session:
        assert session.scalars(select(Variant)).all() == []
    assert people.states(database, one.id) == {}
    # A person lets it go, and it is what it was.
    assert desk.approve(database, one.id, THURSDAY + 4 * DAY) == "approved"
    desk.tick(database, THURSDAY + 4 * DAY + 10 * MINUTE)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number, one.items, one.slot) == ("sending", 1, (clip,), "2026-11-26T09:00")


def test_the_clippings_of_an_edition_set_aside_are_in_the_next(database: Database, tmp_path: Path) -> None:
    desk, clip = _killed_after_approval(database, tmp_path, "hold")
    later = newsroom.file(database, THURSDAY + DAY)
    desk.tick(database, THURSDAY + WEEK)
    old, new = newsroom.all_editions(database, desk)
    assert (old.state, old.items) == ("held", ())
    assert (new.state, new.items, new.number) == ("approved", (later, clip), 1)
    assert desk.approve(database, old.id, THURSDAY + WEEK + HOUR) == "skipped"
    assert newsroom.row(database, old.id).reason == "nothing is left of what it held"


def test_an_edition_set_aside_and_let_go_after_all_is_as_an_editor_had_arranged_it(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    one, two, dropped, taken = (newsroom.file(database, FRIDAY + n * MINUTE) for n in range(4))
    made = desk.draft_next(database, "weekly", THURSDAY - DAY)
    unasked, by_hand = (newsroom.file(database, THURSDAY - HOUR - n * MINUTE, section="letters") for n in range(2))
    with database.write() as session:
        editing.drop(session, desk.config.digest("weekly"), made, dropped, now=THURSDAY - HOUR)
        editing.add(session, made, by_hand, now=THURSDAY - HOUR)
        editing.set_order(session, made, [one], now=THURSDAY - HOUR)
        editing.set_lead(session, made, taken, now=THURSDAY - HOUR)
    assert newsroom.all_editions(database, desk)[0].items == (taken, one, two, by_hand)
    desk.tick(database, THURSDAY + 7 * HOUR)
    row = newsroom.row(database, made)
    assert (row.state, row.set_aside) == ("held", [taken, one, two, by_hand])
    other = desk.draft_now(database, "weekly", "key", THURSDAY + 8 * HOUR)
    with database.write() as session:
        for clip in (one, two, by_hand, unasked, dropped):
            editing.drop(session, desk.config.digest("weekly"), other, clip, now=THURSDAY + 8 * HOUR)
    assert desk.approve(database, made, THURSDAY + 9 * HOUR) == "approved"
    row = newsroom.row(database, made)
    assert (row.lead, row.set_aside) == (None, None)  # the pinned one went with the other edition
    assert newsroom.all_editions(database, desk)[0].items == (one, two, by_hand)
    with database.read() as session:
        assert dict(editing.left_out(session, made))[dropped] == editing.BY_HAND
        assert dict(editing.left_out(session, made))[taken] == f"is in edition {other}"


def test_where_the_policy_is_to_skip_it_is_skipped_and_where_it_is_to_send_it_goes(
    database: Database, tmp_path: Path
) -> None:
    desk, _ = _killed_after_approval(database, tmp_path, "skip")
    desk.tick(database, THURSDAY + 4 * DAY)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number, one.reason) == ("skipped", None, "missed: 96 hours late")
    assert newsroom.row(database, one.id).finished_at == THURSDAY + 4 * DAY
    sends = newsroom.editions(tmp_path, sending='late = "send"')
    clip = newsroom.file(database, THURSDAY + 5 * DAY)
    sends.tick(database, THURSDAY + WEEK)
    assert clip in newsroom.all_editions(database, sends)[1].items


def test_a_wish_to_send_by_hand_is_not_fulfilled_a_week_later_unasked(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, sending='hold_period = "1h"')
    newsroom.seen(database, desk, FRIDAY)
    clip = newsroom.file(database, FRIDAY)
    made = desk.send_now(database, "weekly", "key", FRIDAY + HOUR)
    assert desk.start(database, made, FRIDAY + HOUR).not_before == FRIDAY + 2 * HOUR
    for hours in (0, 1):
        desk.tick(database, FRIDAY + 5 * DAY + hours * HOUR)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number, one.items) == ("approved", 1, (clip,))
    assert one.reason == "119 hours late: send it after all, or cancel it"
    # Asked again, it goes.
    assert desk.start(database, made, FRIDAY + 5 * DAY + 2 * HOUR).state == "sent"
    assert newsroom.all_editions(database, desk)[0].reason is None


@pytest.mark.parametrize("hours", [5, 6])
def test_within_the_allowed_time_after_its_hold_period_it_goes(database: Database, tmp_path: Path, hours: int) -> None:
    desk, _ = _killed_after_approval(database, tmp_path, "hold")
    desk.tick(database, THURSDAY + hours * HOUR + 10 * MINUTE)
    assert newsroom.all_editions(database, desk)[0].state == "sending"


def test_a_draft_is_set_aside_too_unless_it_waits_for_a_person(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = newsroom.editions(tmp_path, approval=True)
    newsroom.seen(database, asks, FRIDAY)
    newsroom.file(database, FRIDAY)
    asks.tick(database, THURSDAY)
    asks.tick(database, THURSDAY + 2 * DAY)
    assert newsroom.all_editions(database, asks)[0].state == "draft"
    # Nobody looked for days, and then somebody turns the approval off: that is no order to send.
    free = newsroom.editions(tmp_path, approval=False)
    free.tick(database, THURSDAY + 3 * DAY)
    assert newsroom.all_editions(database, free)[0].state == "held"


def test_a_person_who_approves_late_is_taken_at_their_word(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, approval=True)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    [one] = newsroom.all_editions(database, desk)
    desk.approve(database, one.id, THURSDAY + 3 * DAY, by="Ann")
    desk.tick(database, THURSDAY + 3 * DAY + MINUTE)
    assert newsroom.all_editions(database, desk)[0].state == "sent"


def test_what_waited_through_a_long_pause_is_tried_as_long_as_if_it_had_just_begun(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 1, FRIDAY)
    newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    [one] = newsroom.all_editions(database, desk)
    assert newsroom.row(database, one.id).expires_at == THURSDAY + 3 * DAY
    desk.pause(database, one.id, THURSDAY + MINUTE)
    desk.resume(database, one.id, THURSDAY + 2 * MINUTE)
    assert newsroom.row(database, one.id).expires_at == THURSDAY + 3 * DAY + 2 * MINUTE
    desk.pause(database, one.id, THURSDAY + HOUR)
    desk.resume(database, one.id, THURSDAY + 6 * DAY)
    assert newsroom.row(database, one.id).expires_at == THURSDAY + WEEK


def test_an_edition_of_a_digest_that_left_the_configuration_can_be_paused_resumed_and_cancelled(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 1, FRIDAY)
    newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    [one] = newsroom.all_editions(database, desk)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('slug = "weekly"', 'slug = "other"'))
    gone = Editions(load(config, {}), newsroom.RENDERER)
    gone.tick(database, THURSDAY + MINUTE)
    gone.pause(database, one.id, THURSDAY + HOUR)
    assert gone.resume(database, one.id, THURSDAY + HOUR) == "sending"
    assert gone.cancel(database, one.id, THURSDAY + HOUR) == 0


def test_a_cancelled_edition_of_one_clipping_is_not_made_again_and_the_tick_rests(
    sqlite_database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path, "each", sending='hold_period = "10m"', digest="max_items = 2")
    newsroom.seen(sqlite_database, desk, FRIDAY)
    for n in range(2):
        newsroom.file(sqlite_database, FRIDAY + (n + 1) * HOUR)
    desk.tick(sqlite_database, FRIDAY + 3 * HOUR)
    for one in newsroom.all_editions(sqlite_database, desk):
        assert desk.cancel(sqlite_database, one.id, FRIDAY + 3 * HOUR) == 0
    with sqlite_database.read() as watcher:
        before = watcher.execute(text("PRAGMA data_version")).scalar()
        for minute in range(2):
            desk.tick(sqlite_database, FRIDAY + 4 * HOUR + minute * MINUTE)
    with sqlite_database.read() as watcher:
        assert watcher.execute(text("PRAGMA data_version")).scalar() == before
    # Two that were called off, as many as an edition holds, do not keep a third from being mailed.
    third = newsroom.file(sqlite_database, FRIDAY + 30 * MINUTE)
    desk.tick(sqlite_database, FRIDAY + 5 * HOUR)
    assert newsroom.all_editions(sqlite_database, desk)[-1].items == (third,)
    # By hand they may go.
    by_hand = desk.send_now(sqlite_database, "weekly", "key", FRIDAY + 6 * HOUR)
    assert len(newsroom.all_editions(sqlite_database, desk)[-1].items) == 2
    assert newsroom.row(sqlite_database, by_hand).state == "approved"


def test_a_clock_that_was_a_year_ahead_is_said_every_minute_and_not_silent_for_a_year(
    sqlite_database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, FRIDAY)
    desk.tick(sqlite_database, FRIDAY + 365 * DAY)
    with pytest.raises(TickFailed, match="the clock is wrong or was"):
        desk.tick(sqlite_database, FRIDAY + DAY)


def test_a_clock_set_back_by_hours_decides_nothing_again_and_is_no_fault(
    sqlite_database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, FRIDAY)
    newsroom.file(sqlite_database, FRIDAY)
    desk.tick(sqlite_database, THURSDAY)
    desk.tick(sqlite_database, THURSDAY - 3 * HOUR)
    desk.tick(sqlite_database, THURSDAY)
    assert [one.state for one in newsroom.all_editions(sqlite_database, desk)] == ["sent"]


@pytest.mark.parametrize("step", ["freeze", "start"])
def test_a_fault_in_the_program_with_one_edition_keeps_no_other_back(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    desk = newsroom.editions(tmp_path, "each")
    newsroom.seen(sqlite_database, desk, FRIDAY)
    for n in range(2):
        newsroom.file(sqlite_database, FRIDAY + (n + 1) * HOUR)
    compose, start = Composer.compose, Editions.start

    def compose_or_break(self: Composer, digest: object, snapshot: object, **more: object) -> object:
        if getattr(snapshot, "id", 0) == 1 and step == "freeze":
            raise ZeroDivisionError("broken")
        return compose(self, digest, snapshot, **more)  # type: ignore[arg-type]

    def start_or_break(self: Editions, database: Database, edition_id: int, now: datetime) -> Start:
        if edition_id == 1 and step == "start":
            raise ZeroDivisionError("broken")
        return start(self, database, edition_id, now)

    monkeypatch.setattr(Composer, "compose", compose_or_break)
    monkeypatch.setattr(Editions, "start", start_or_break)
    with pytest.raises(TickFailed, match="edition 1: ZeroDivisionError"):
        desk.tick(sqlite_database, FRIDAY + 3 * HOUR)
    assert [one.state for one in newsroom.all_editions(sqlite_database, desk)][1] == "sent"


def test_two_then_three_clippings_where_three_are_the_least(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, digest="min_items = 3")
    newsroom.seen(database, desk, FRIDAY)
    first = [newsroom.file(database, FRIDAY + n * HOUR) for n in range(2)]
    desk.tick(database, THURSDAY)
    third = newsroom.file(database, THURSDAY + DAY)
    desk.tick(database, THURSDAY + WEEK)
    empty, made = newsroom.all_editions(database, desk)
    assert (empty.state, empty.items) == ("skipped", ())
    assert (made.state, made.items, made.number) == ("sent", (third, *reversed(first)), 1)
    with database.read() as session:
        assert session.scalars(select(EditionItem.claims)).all() == [True] * 3
        assert session.scalars(select(Edition.number).order_by(Edition.id)).all() == [None, 1]
