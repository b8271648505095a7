"""Editions are decided once, take each clipping once, freeze what was previewed, and go on after a crash."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from sqlalchemy import select, text

from syndicate.clippings import store
from syndicate.clippings.archive_pages.values import ArchivedClipping
from syndicate.database import Database
from syndicate.datelines import Dateline
from syndicate.editions import lifecycle
from syndicate.editions.lifecycle import TickFailed
from syndicate.errors import NotFound, Refused, UsageError
from syndicate.mail.compose import Composition
from syndicate.models import EditionItem, Variant

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # the site starts
THURSDAY = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # 09:00 in New York
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def _summary(database: Database, desk: lifecycle.Editions) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.slot or one.kind, one.state, one.items) for one in newsroom.all_editions(database, desk)]


def test_the_week_goes_from_slot_to_sent_in_one_tick(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 3, FRIDAY)
    first = newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY - timedelta(minutes=1))
    assert newsroom.all_editions(database, desk) == []
    desk.tick(database, THURSDAY + timedelta(seconds=1))
    [made] = newsroom.all_editions(database, desk)
    assert (made.kind, made.slot, made.state, made.number, made.items) == (
        "scheduled",
        "2026-11-26T09:00",
        "sending",
        1,
        (first,),
    )
    stored = newsroom.row(database, made.id)
    assert stored.mail_date == THURSDAY
    assert stored.chosen == 3
    assert stored.expires_at == THURSDAY + timedelta(hours=72, seconds=1)
    assert set(people.states(database, made.id).values()) == {"queued"}
    desk.tick(database, THURSDAY + timedelta(minutes=1))
    assert len(newsroom.all_editions(database, desk)) == 1


def test_send_now_takes_what_the_week_would_and_the_week_then_only_what_came_after(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    news, letter = newsroom.file(database, FRIDAY), newsroom.file(database, FRIDAY + DAY, section="letters")
    with database.read() as session:
        would = tuple(item.clipping_id for item in desk.plan(session, "weekly", FRIDAY + 2 * DAY).items)
    manual = desk.send_now(database, "weekly", "key-1", FRIDAY + 2 * DAY)
    later = newsroom.file(database, FRIDAY + 3 * DAY)
    desk.tick(database, THURSDAY)
    found = newsroom.all_editions(database, desk)
    assert [one.items for one in found] == [(letter, news), (later,)] == [would, (later,)]
    assert [(one.id, one.kind, one.number) for one in found] == [(manual, "manual", 1), (found[1].id, "scheduled", 2)]


def test_the_week_first_and_then_send_now_finds_nothing_new(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    empty = desk.send_now(database, "weekly", "key", THURSDAY + HOUR)
    one = newsroom.all_editions(database, desk)[1]
    assert (one.id, one.state, one.number, one.items) == (empty, "skipped", None, ())
    assert one.reason == "nothing new since 2026-11-26 09:00"


def test_two_slots_a_week_share_the_clippings_without_repeating_any(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, "mon,thu 07:30")
    newsroom.seen(database, desk, FRIDAY)
    made = []
    now = FRIDAY
    while now < FRIDAY + 2 * WEEK:
        made.append(newsroom.file(database, now))
        now += 12 * HOUR
        desk.tick(database, now + HOUR)
    found = newsroom.all_editions(database, desk)
    assert [one.slot for one in found] == [
        "2026-11-23T07:30",
        "2026-11-26T07:30",
        "2026-11-30T07:30",
        "2026-12-03T07:30",
    ]
    taken = [item for one in reversed(found) for item in one.items]
    assert len(taken) == len(set(taken))
    assert taken == made[: len(taken)][::-1]
    assert all(one.items for one in found)


def test_a_schedule_changed_in_the_middle_of_a_week_counts_from_the_last_slot(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    before = newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    after = newsroom.file(database, THURSDAY + DAY)
    changed = newsroom.editions(tmp_path, "tuesday 18:00")
    newsroom.seen(database, changed, THURSDAY + 2 * DAY)  # it must not be seen for the first time again
    for hours in range(0, 24 * 9, 6):
        changed.tick(database, THURSDAY + 2 * DAY + hours * HOUR)
    assert _summary(database, changed) == [
        ("2026-11-26T09:00", "sent", (before,)),
        ("2026-12-01T18:00", "sent", (after,)),
    ]


def test_an_empty_slot_is_stored_as_skipped_and_decided_once(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    desk.tick(database, THURSDAY)
    newsroom.file(database, THURSDAY - HOUR)  # published with an older moment, after the slot was decided
    desk.tick(database, THURSDAY + timedelta(minutes=1))
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number, one.reason) == ("skipped", None, "nothing new since 2026-11-12 07:00")
    assert newsroom.row(database, one.id).finished_at == THURSDAY


def test_archival_clippings_are_never_in_a_digest(sqlite_database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, FRIDAY)
    pages = (
        ArchivedClipping(f"Old story {n}", Dateline.iso("2026-11"), None, None, None, None, "Text.")
        for n in range(5000)
    )
    with sqlite_database.write() as session:
        report = store.import_archived(session, pages, section="news", as_drafts=False, now=THURSDAY - HOUR)
    assert len(report.added) == 5000
    desk.tick(sqlite_database, THURSDAY)
    assert [one.state for one in newsroom.all_editions(sqlite_database, desk)] == ["skipped"]
    with sqlite_database.read() as session:
        assert store.published(session) == []


def test_clippings_published_within_the_cutoff_wait_for_the_next_slot(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, digest='cutoff = "2h"')
    newsroom.seen(database, desk, FRIDAY)
    early, late = newsroom.file(database, THURSDAY - 3 * HOUR), newsroom.file(database, THURSDAY - HOUR)
    desk.tick(database, THURSDAY)
    desk.tick(database, THURSDAY + WEEK)
    assert [one.items for one in newsroom.all_editions(database, desk)] == [(early,), (late,)]


def test_a_slot_decided_some_hours_late_takes_what_was_there_at_its_minute(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    before, _ = newsroom.file(database, THURSDAY - HOUR), newsroom.file(database, THURSDAY + HOUR)
    desk.tick(database, THURSDAY + 2 * HOUR)
    assert [one.items for one in newsroom.all_editions(database, desk)] == [(before,)]


def test_each_clipping_has_an_edition_of_its_own(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, "each")
    newsroom.file(database, FRIDAY - DAY)
    newsroom.seen(database, desk, FRIDAY)
    one, two = newsroom.file(database, FRIDAY + HOUR), newsroom.file(database, FRIDAY + 2 * HOUR)
    for minute in range(3):
        desk.tick(database, FRIDAY + 3 * HOUR + timedelta(minutes=minute))
    found = newsroom.all_editions(database, desk)
    assert [(edition.kind, edition.slot, edition.items, edition.number) for edition in found] == [
        ("scheduled", None, (one,), 1),
        ("scheduled", None, (two,), 2),
    ]
    stored = newsroom.row(database, found[0].id)
    assert stored.key == one
    assert stored.mail_date == FRIDAY + 3 * HOUR


@pytest.mark.parametrize(("late", "state", "items"), [("send", "sent", 1), ("hold", "held", 0), ("skip", "skipped", 0)])
def test_after_a_long_night_the_newest_slot_follows_the_policy_and_the_older_were_missed(
    database: Database, tmp_path: Path, late: str, state: str, items: int
) -> None:
    desk = newsroom.editions(tmp_path, sending=f'late = "{late}"')
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    for _ in range(2):
        desk.tick(database, THURSDAY + WEEK + 7 * HOUR)
    old, new = newsroom.all_editions(database, desk)
    assert (old.slot, old.state, old.items) == ("2026-11-26T09:00", "skipped", ())
    assert old.reason == "missed; the slot of 2026-12-03T09:00 followed it"
    assert (new.slot, new.state, len(new.items)) == ("2026-12-03T09:00", state, items)


def test_a_held_slot_gets_its_items_when_a_person_approves_it_and_is_still_tried_for_days(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 1, FRIDAY)
    clip = newsroom.file(database, FRIDAY)
    back = THURSDAY + 4 * DAY
    desk.tick(database, back)
    [held] = newsroom.all_editions(database, desk)
    assert (held.state, held.items) == ("held", ())
    assert desk.approve(database, held.id, back + HOUR) == "approved"
    assert newsroom.row(database, held.id).expires_at == datetime(2026, 12, 3, 14, 0, tzinfo=UTC)
    assert desk.start(database, held.id, back + HOUR).state == "sending"
    stored = newsroom.row(database, held.id)
    assert stored.mail_date == THURSDAY
    assert stored.expires_at == THURSDAY + WEEK
    assert newsroom.all_editions(database, desk)[0].items == (clip,)


def test_a_held_slot_whose_clippings_were_sent_meanwhile_is_skipped_when_approved(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    back = THURSDAY + 4 * DAY
    desk.tick(database, back)
    desk.send_now(database, "weekly", "key", back)
    held = newsroom.all_editions(database, desk)[0]
    assert desk.approve(database, held.id, back) == "skipped"


def test_the_same_key_twice_is_one_edition(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    first = desk.draft_now(database, "weekly", "form-7", FRIDAY + HOUR)
    assert desk.draft_now(database, "weekly", "form-7", FRIDAY + 2 * HOUR) == first
    assert len(newsroom.all_editions(database, desk)) == 1


@pytest.mark.parametrize("key", ["", "x" * 41, "a\nb", "kéy", "\x00"])
def test_a_key_that_cannot_be_stored_is_refused(sqlite_database: Database, tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError):
        newsroom.editions(tmp_path).draft_now(sqlite_database, "weekly", key, FRIDAY)


def test_unknown_digests_and_editions_are_not_found(sqlite_database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    with pytest.raises(NotFound):
        desk.draft_now(sqlite_database, "daily", "key", FRIDAY)
    for number in (1, 0, -1, 2**70):
        with pytest.raises(NotFound):
            desk.approve(sqlite_database, number, FRIDAY)
        with pytest.raises(NotFound):
            desk.start(sqlite_database, number, FRIDAY)
        with pytest.raises(NotFound):
            desk.cancel(sqlite_database, number, FRIDAY)


def test_a_digest_not_seen_before_is_seen_by_the_first_who_asks(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    desk.tick(database, THURSDAY)
    assert newsroom.all_editions(database, desk) == []
    desk.tick(database, THURSDAY + WEEK)
    assert [one.slot for one in newsroom.all_editions(database, desk)] == ["2026-12-03T09:00"]


def _at_once(*calls: object) -> None:
    together, errors = threading.Barrier(len(calls)), []

    def run(call: object) -> None:
        together.wait()
        try:
            call()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_many_ticks_at_one_moment_make_one_edition_and_one_mail_each(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 4, FRIDAY)
    clip = newsroom.file(database, FRIDAY)
    _at_once(*[lambda: desk.tick(database, THURSDAY)] * 4)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.items, one.number) == ("sending", (clip,), 1)
    assert list(people.states(database, one.id).values()) == ["queued"] * 4


def test_a_send_by_hand_and_the_tick_at_one_moment_share_the_clippings(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    clips = {newsroom.file(database, FRIDAY + n * HOUR) for n in range(3)}
    _at_once(
        lambda: desk.tick(database, THURSDAY),
        lambda: desk.send_now(database, "weekly", "one", THURSDAY),
        lambda: desk.send_now(database, "weekly", "two", THURSDAY),
    )
    found = newsroom.all_editions(database, desk)
    assert sorted(one.state for one in found) == ["sent", "skipped", "skipped"]
    assert [set(one.items) for one in found if one.items] == [clips]
    assert [one.number for one in found if one.number] == [1]


def test_what_was_stored_is_what_was_composed_with_its_hash(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(
        database,
        FRIDAY,
        "Court <b>frees</b> ]]> three",
        link="https://courier.test/a",
        summary="Why it matters.",
        publication="The Courier",
        body="Never in the mail.",
    )
    desk.tick(database, THURSDAY)
    [one] = newsroom.all_editions(database, desk)
    with database.read() as session:
        [variant] = session.scalars(select(Variant)).all()
        composition = Composition.from_bytes(variant.composition)
        assert variant.hash == composition.hash
    assert variant.language == "en"
    for part in (composition.text, composition.html):
        assert "https://courier.test/a" in part
        assert "Why it matters." in part
        assert "https://valley.test/editions/weekly/1" in part
        assert "Never in the mail." not in part
        assert "https://allies.test" in part
    assert "Court &lt;b&gt;frees&lt;/b&gt; ]]&gt; three" in composition.html
    assert len(newsroom.row(database, one.id).hash or "") == 64


def test_rights_decide_what_of_a_clipping_the_mail_carries(sqlite_database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, FRIDAY)
    more = {"link": "https://courier.test/x", "summary": "Ours.", "deck": "Theirs."}
    newsroom.file(sqlite_database, FRIDAY, "Link alone", rights="link", **more)
    full = newsroom.file(sqlite_database, FRIDAY, "All of it", rights="full", rights_reason="the author", **more)
    desk.tick(sqlite_database, THURSDAY)
    with sqlite_database.read() as session:
        html = Composition.from_bytes(session.scalars(select(Variant.composition)).one()).html
    assert html.count("Ours.") == html.count("Theirs.") == 1
    assert f'href="https://valley.test/clippings/{full}/all-of-it"' in html


def test_where_approval_is_asked_the_tick_leaves_the_draft_and_starts_it_once_approved(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path, approval=True)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    desk.tick(database, THURSDAY)
    desk.tick(database, THURSDAY + HOUR)
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number) == ("draft", None)
    desk.approve(database, one.id, THURSDAY + 2 * HOUR, by="Ann")
    with pytest.raises(Refused, match="is approved"):
        desk.approve(database, one.id, THURSDAY + 2 * HOUR, by="Ann")
    desk.tick(database, THURSDAY + 3 * HOUR)
    assert newsroom.row(database, one.id).state == "sent"
    assert newsroom.row(database, one.id).mail_date == THURSDAY


def test_a_manual_draft_waits_for_a_person_and_so_does_one_that_was_only_approved(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    made = desk.draft_now(database, "weekly", "key", FRIDAY + HOUR)
    desk.tick(database, FRIDAY + 2 * HOUR)
    assert newsroom.row(database, made).state == "draft"
    desk.approve(database, made, FRIDAY + 3 * HOUR)
    desk.tick(database, FRIDAY + 4 * HOUR)
    assert newsroom.row(database, made).state == "approved"
    assert newsroom.row(database, made).mail_date == FRIDAY + 3 * HOUR
    assert desk.start(database, made, FRIDAY + 5 * HOUR).state == "sent"
    with pytest.raises(Refused, match="is sent"):
        desk.start(database, made, FRIDAY + 5 * HOUR)


def test_the_hold_period_leaves_time_to_cancel(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, sending='hold_period = "10m"')
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 1, FRIDAY)
    newsroom.file(database, FRIDAY)
    manual = desk.send_now(database, "weekly", "key", FRIDAY + HOUR)
    started = desk.start(database, manual, FRIDAY + HOUR)
    assert (started.state, started.not_before) == ("approved", FRIDAY + HOUR + timedelta(minutes=10))
    desk.tick(database, FRIDAY + HOUR + timedelta(minutes=9))
    assert newsroom.row(database, manual).state == "approved"
    desk.tick(database, FRIDAY + HOUR + timedelta(minutes=10))
    stored = newsroom.row(database, manual)
    assert (stored.state, stored.started_at) == ("sending", FRIDAY + HOUR + timedelta(minutes=10))


@pytest.mark.parametrize("step", ["made", "frozen"])
def test_a_tick_goes_on_where_the_one_before_was_killed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 2, FRIDAY)
    newsroom.file(database, FRIDAY)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(
            lifecycle if step == "made" else lifecycle.starting, "freeze" if step == "made" else "start", die
        )
        desk.tick(database, THURSDAY)
    assert newsroom.all_editions(database, desk)[0].state == ("draft" if step == "made" else "approved")
    desk.tick(database, THURSDAY + timedelta(minutes=1))
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number) == ("sending", 1)
    assert len(people.states(database, one.id)) == 2


@pytest.mark.parametrize("step", ["made", "frozen"])
def test_a_tick_goes_on_with_a_send_by_hand_that_was_killed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(
            lifecycle if step == "made" else lifecycle.starting, "freeze" if step == "made" else "start", die
        )
        desk.send_now(database, "weekly", "key", FRIDAY + HOUR)
    desk.tick(database, FRIDAY + 2 * HOUR)
    assert [one.state for one in newsroom.all_editions(database, desk)] == ["sent"]


def test_one_edition_that_cannot_be_made_keeps_no_other_back(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(
        tmp_path,
        digest='template = "broken"\n\n[[digests]]\nslug = "letters"\nname = "Letters"\nschedule = "thursday 09:00"\n'
        'sections = ["letters"]',
    )
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY), newsroom.file(database, FRIDAY, section="letters")
    with pytest.raises(TickFailed, match="template"):
        desk.tick(database, THURSDAY)
    found = newsroom.all_editions(database, desk)
    assert [one.state for one in found] == ["draft", "sent"]


def test_a_clipping_that_changes_while_it_is_composed_is_composed_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    stays, goes = newsroom.file(database, FRIDAY, "Stays"), newsroom.file(database, FRIDAY, "Goes away")
    made = desk.draft_now(database, "weekly", "key", FRIDAY + HOUR)
    real, times = lifecycle.Composer.compose, []

    def retract_first(self: lifecycle.Composer, *args: object, **more: object) -> Composition:
        composition = real(self, *args, **more)  # type: ignore[arg-type]
        if not times:
            newsroom.retract(database, goes, FRIDAY + HOUR)
        times.append(1)
        return composition

    monkeypatch.setattr(lifecycle.Composer, "compose", retract_first)
    assert desk.approve(database, made, FRIDAY + HOUR) == "approved"
    assert len(times) == 2
    assert newsroom.all_editions(database, desk)[0].items == (stays,)
    with database.read() as session:
        html = Composition.from_bytes(session.scalars(select(Variant.composition)).one()).html
    assert "Stays" in html
    assert "Goes away" not in html


def test_an_edition_that_never_stops_changing_is_given_up_in_words(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, FRIDAY)
    clip = newsroom.file(sqlite_database, FRIDAY)
    made = desk.draft_now(sqlite_database, "weekly", "key", FRIDAY + HOUR)
    real = lifecycle.Composer.compose

    def restless(self: lifecycle.Composer, *args: object, **more: object) -> Composition:
        with sqlite_database.write() as session:
            found = store.get(session, clip)
            found.headline += "!"
        return real(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(lifecycle.Composer, "compose", restless)
    with pytest.raises(Refused, match="kept changing"):
        desk.approve(sqlite_database, made, FRIDAY + HOUR)
    assert newsroom.row(sqlite_database, made).state == "draft"


def test_the_database_itself_lets_no_clipping_into_two_editions_of_a_digest(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    clip = newsroom.file(database, FRIDAY)
    desk.draft_now(database, "weekly", "one", FRIDAY + HOUR)
    other = desk.draft_now(database, "weekly", "two", FRIDAY + HOUR)
    item = {"position": 1, "digest": "weekly", "clipping_id": clip, "section": "news"}
    with pytest.raises(Exception, match=r"(?i)unique"), database.write() as session:
        session.add(EditionItem(edition_id=other, claims=True, **item))
    with database.write() as session:
        session.add(EditionItem(edition_id=other, claims=False, **item))


def test_a_tick_with_nothing_to_do_writes_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, FRIDAY)
    newsroom.file(sqlite_database, FRIDAY)
    desk.tick(sqlite_database, THURSDAY)
    with sqlite_database.read() as watcher:
        before = watcher.execute(text("PRAGMA data_version")).scalar()
        for minute in range(1, 4):
            desk.tick(sqlite_database, THURSDAY + timedelta(minutes=minute))
    with sqlite_database.read() as watcher:
        assert watcher.execute(text("PRAGMA data_version")).scalar() == before
