"""The draft of a slot that is to come: made once, edited and approved early, and never sent before its minute."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import newsroom
import people
import pytest
from sqlalchemy import select
from weeks import together

from syndicate.config import load
from syndicate.database import Database
from syndicate.editions import early, editing
from syndicate.editions.lifecycle import Editions
from syndicate.editions.schedule import may_start
from syndicate.errors import Refused
from syndicate.models import DigestRecord
from syndicate.notices import of_edition
from syndicate.timetable import on_the_clock

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # the site starts
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
WEDNESDAY = THURSDAY - DAY


def site(database: Database, folder: Path, schedule: str = "thursday 09:00", **more: object) -> Editions:
    desk = newsroom.editions(folder, schedule, **more)  # type: ignore[arg-type]
    newsroom.seen(database, desk, FRIDAY)
    return desk


def decided(database: Database) -> datetime | None:
    with database.read() as session:
        return session.scalars(select(DigestRecord.last_slot_at)).one()


def add(database: Database, edition: int, clip: str, at: datetime) -> None:
    with database.write() as session:
        editing.add(session, edition, clip, now=at)


def test_the_draft_made_the_day_before_is_the_edition_of_its_slot(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path)
    people.subscribe(database, 2, FRIDAY)
    before = newsroom.file(database, FRIDAY)
    with pytest.raises(Refused, match=r"can be drafted from 2026-11-25 09:00 on \(America/New_York\)"):
        desk.draft_next(database, "weekly", WEDNESDAY - MINUTE)
    assert newsroom.all_editions(database, desk) == []
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    waits, by_hand = newsroom.file(database, WEDNESDAY + HOUR), newsroom.file(database, WEDNESDAY + 2 * HOUR)
    add(database, made, by_hand, WEDNESDAY + 3 * HOUR)
    with pytest.raises(Refused, match=f"edition {made} is there for the slot of 2026-11-26 09:00: it is draft"):
        desk.draft_next(database, "weekly", WEDNESDAY + 3 * HOUR)
    for at in (WEDNESDAY, WEDNESDAY + DAY / 2, THURSDAY - MINUTE):
        desk.tick(database, at)
        assert (newsroom.row(database, made).state, decided(database)) == ("draft", None)
    desk.tick(database, THURSDAY)
    [one] = newsroom.all_editions(database, desk)
    assert (one.id, one.kind, one.slot, one.state, one.number) == (made, "scheduled", "2026-11-26T09:00", "sending", 1)
    assert set(one.items) == {before, by_hand}
    assert (newsroom.row(database, made).mail_date, decided(database)) == (THURSDAY, THURSDAY)
    desk.tick(database, THURSDAY + WEEK)
    assert newsroom.all_editions(database, desk)[1].items == (waits,)


@pytest.mark.parametrize(
    ("approved", "hold", "starts"),
    [
        (WEDNESDAY + HOUR, "10m", THURSDAY),  # early, and the hold period is long over
        (THURSDAY - 5 * MINUTE, "10m", THURSDAY + 5 * MINUTE),  # it runs beyond the slot
        (THURSDAY + HOUR, "10m", THURSDAY + HOUR + 10 * MINUTE),
    ],
)
def test_approved_early_it_starts_at_its_slot_and_not_before_its_hold_period_is_over(
    database: Database, tmp_path: Path, approved: datetime, hold: str, starts: datetime
) -> None:
    desk = site(database, tmp_path, approval=True, sending=f'hold_period = "{hold}"')
    people.subscribe(database, 1, FRIDAY)
    newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    desk.approve(database, made, approved, by="Ann")
    assert newsroom.row(database, made).mail_date == THURSDAY
    assert desk.start(database, made, approved).not_before == starts
    desk.tick(database, starts - timedelta(seconds=1))
    assert newsroom.row(database, made).state == "approved"
    desk.tick(database, starts)
    stored = newsroom.row(database, made)
    assert (stored.state, stored.started_at) == ("sending", starts)
    assert stored.expires_at == starts + timedelta(hours=72)
    assert len(newsroom.all_editions(database, desk)) == 1


def test_when_an_edition_may_start_is_the_later_of_two_moments() -> None:
    ten = timedelta(minutes=10)
    assert may_start(approved_at=FRIDAY, slot_at=None, hold_period=ten) == FRIDAY + ten
    assert may_start(approved_at=FRIDAY, slot_at=THURSDAY, hold_period=ten) == THURSDAY
    assert may_start(approved_at=THURSDAY, slot_at=THURSDAY, hold_period=ten) == THURSDAY + ten


def test_lateness_counts_from_the_slot_and_not_from_an_early_approval(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path)
    people.subscribe(database, 1, FRIDAY)
    newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    desk.approve(database, made, WEDNESDAY)
    for at in (THURSDAY - HOUR, THURSDAY - MINUTE):  # 23 hours after it was approved
        desk.tick(database, at)
        assert newsroom.row(database, made).state == "approved"
    desk.tick(database, THURSDAY + 6 * HOUR)
    assert newsroom.row(database, made).state == "sending"


@pytest.mark.parametrize("approve", [True, False])
def test_where_nothing_ran_at_its_slot_it_follows_the_late_policy(
    database: Database, tmp_path: Path, *, approve: bool
) -> None:
    desk = site(database, tmp_path)
    newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    if approve:
        desk.approve(database, made, WEDNESDAY)
    desk.tick(database, THURSDAY + 7 * HOUR)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.reason) == ("held", "7 hours late: send it after all, or cancel it")
    assert decided(database) == THURSDAY


def test_cancelled_it_has_decided_its_slot_and_its_clippings_are_free(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path)
    clip = newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    desk.approve(database, made, WEDNESDAY)
    assert desk.cancel(database, made, WEDNESDAY + HOUR) == 0
    with pytest.raises(Refused, match=f"edition {made} is there .* it is cancelled"):
        desk.draft_next(database, "weekly", WEDNESDAY + HOUR)
    desk.tick(database, THURSDAY)
    assert [one.state for one in newsroom.all_editions(database, desk)] == ["cancelled"]
    assert decided(database) == THURSDAY
    desk.tick(database, THURSDAY + WEEK)
    new = newsroom.all_editions(database, desk)[1]
    assert (new.items, new.number) == ((clip,), 1)


def test_with_too_little_to_say_nothing_is_made_and_the_slot_is_still_open(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path, digest="min_items = 2")
    with pytest.raises(Refused, match=r"nothing new since .*: there is nothing to draft yet"):
        desk.draft_next(database, "weekly", WEDNESDAY)
    first = newsroom.file(database, WEDNESDAY)
    with pytest.raises(Refused, match=r"only 1 new since .* wants at least 2: there is nothing to draft yet"):
        desk.draft_next(database, "weekly", WEDNESDAY + HOUR)
    second = newsroom.file(database, WEDNESDAY + 2 * HOUR)
    desk.tick(database, THURSDAY)
    assert [one.items for one in newsroom.all_editions(database, desk)] == [(second, first)]


def test_the_cut_off_is_that_of_the_slot(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path, digest='cutoff = "12h"')
    taken, later = newsroom.file(database, THURSDAY - 13 * HOUR), newsroom.file(database, THURSDAY - 11 * HOUR)
    made = desk.draft_next(database, "weekly", THURSDAY - 10 * HOUR)
    [one] = newsroom.all_editions(database, desk)
    assert (one.id, one.items) == (made, (taken,))
    with database.read() as session:
        assert dict(editing.left_out(session, made))[later] == "published after 2026-11-25 21:00"


def test_a_slot_that_is_due_is_decided_first(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path, "daily 09:00")
    desk.tick(database, WEDNESDAY - HOUR)
    newsroom.file(database, WEDNESDAY - MINUTE)
    with pytest.raises(Refused, match="the slot of 2026-11-25 09:00 is due"):
        desk.draft_next(database, "weekly", WEDNESDAY + timedelta(seconds=20))
    desk.tick(database, WEDNESDAY + timedelta(seconds=30))
    newsroom.file(database, WEDNESDAY + timedelta(seconds=31))
    made = desk.draft_next(database, "weekly", WEDNESDAY + timedelta(seconds=40))
    assert newsroom.row(database, made).slot == "2026-11-26T09:00"


def test_each_has_no_slot_to_draft_for(sqlite_database: Database, tmp_path: Path) -> None:
    desk = site(sqlite_database, tmp_path, "each")
    with pytest.raises(Refused, match="it has no slot to draft for"):
        desk.draft_next(sqlite_database, "weekly", WEDNESDAY)


@pytest.mark.parametrize("schedule", ["thursday 10:00", "wednesday 18:00", "monthly 1 09:00"])
def test_it_goes_at_its_minute_also_when_the_schedule_has_changed(
    database: Database, tmp_path: Path, schedule: str
) -> None:
    desk = site(database, tmp_path)
    clip = newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    assert not early.off_schedule(desk.config, newsroom.row(database, made))
    changed = newsroom.editions(tmp_path, schedule)
    assert early.off_schedule(changed.config, newsroom.row(database, made))
    for hours in range(27):
        changed.tick(database, WEDNESDAY + hours * HOUR)
        state = newsroom.row(database, made).state
        assert state == ("sent" if WEDNESDAY + hours * HOUR >= THURSDAY else "draft")
    sent = [one for one in newsroom.all_editions(database, changed) if one.items]
    assert [(one.id, one.items, one.slot) for one in sent] == [(made, (clip,), "2026-11-26T09:00")]


def test_a_draft_and_a_tick_at_the_minute_make_one_edition(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path)
    newsroom.file(database, FRIDAY)

    def draft() -> None:
        # Where the tick was first, the slot after it is a week away.
        with suppress(Refused):
            desk.draft_next(database, "weekly", THURSDAY - timedelta(seconds=1))

    together(draft, lambda: desk.tick(database, THURSDAY))
    desk.tick(database, THURSDAY + MINUTE)
    [one] = newsroom.all_editions(database, desk)
    assert (one.slot, one.state, len(one.items)) == ("2026-11-26T09:00", "sent", 1)


@pytest.mark.parametrize(
    ("zone", "slot", "opens"),
    [
        ("Europe/Berlin", "2027-03-28T09:00", datetime(2027, 3, 27, 8, 0, tzinfo=UTC)),  # 23 hours before
        ("Europe/Berlin", "2026-10-25T09:00", datetime(2026, 10, 24, 7, 0, tzinfo=UTC)),  # 25 hours before
        ("Europe/Berlin", "2027-03-29T02:30", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),  # in the gap
        ("UTC", "2026-03-01T00:00", datetime(2026, 2, 28, 0, 0, tzinfo=UTC)),
    ],
)
def test_a_day_before_is_by_the_clock_on_the_wall(
    sqlite_database: Database, tmp_path: Path, zone: str, slot: str, opens: datetime
) -> None:
    config = newsroom.editions(tmp_path, timezone=zone).config
    assert early.opens(on_the_clock(ZoneInfo(zone), datetime.fromisoformat(slot)), config).at == opens


def test_a_manual_send_between_draft_and_slot_takes_only_what_came_after(database: Database, tmp_path: Path) -> None:
    desk = site(database, tmp_path)
    drafted = newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    with database.read() as session:
        empty = desk.plan(session, "weekly", WEDNESDAY + HOUR).empty
    assert empty == "nothing new since 2026-11-25 09:00"  # when the draft chose, not its slot
    later = newsroom.file(database, WEDNESDAY + HOUR)
    desk.send_now(database, "weekly", "key", WEDNESDAY + 2 * HOUR)
    desk.tick(database, THURSDAY)
    found = newsroom.all_editions(database, desk)
    assert [(one.id == made, one.items, one.number) for one in found] == [(True, (drafted,), 2), (False, (later,), 1)]


def test_a_draft_is_told_to_the_operator_when_it_waits_for_approval_at_its_slot(
    database: Database, tmp_path: Path
) -> None:
    desk = site(database, tmp_path, approval=True)
    one, _ = newsroom.file(database, FRIDAY), newsroom.file(database, FRIDAY)
    made = desk.draft_next(database, "weekly", WEDNESDAY)
    assert of_edition(desk.config, newsroom.row(database, made), WEDNESDAY + HOUR) is None  # whoever made it knows
    told = of_edition(desk.config, newsroom.row(database, made), THURSDAY)
    assert told is not None
    assert (told.facts.digest, told.facts.edition, told.facts.occasion) == ("Weekly", made, "waits")
    # An approval that became void is news at once, but where nobody is asked it is frozen anew at its slot.
    desk.approve(database, made, WEDNESDAY + HOUR, by="Ann")
    newsroom.retract(database, one, WEDNESDAY + 2 * HOUR)
    assert of_edition(desk.config, newsroom.row(database, made), WEDNESDAY + 3 * HOUR) is not None
    free = load(tmp_path / "config.toml", {"SYNDICATE_DESK__APPROVAL": "false"})
    assert of_edition(free, newsroom.row(database, made), WEDNESDAY + 3 * HOUR) is None
