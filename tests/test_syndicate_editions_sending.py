"""Pause, resume, cancel and retraction do what an editor expects, and the account always adds up."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import newsroom
import people
import pytest
from sqlalchemy import delete, select, update

from syndicate.clippings import store
from syndicate.database import Database
from syndicate.editions.lifecycle import Editions
from syndicate.editions.report import report, reports
from syndicate.editions.retractions import item_changed
from syndicate.errors import NotFound, Refused
from syndicate.models import Batch, Delivery, Edition, EditionItem, Owner, Slot, Variant
from syndicate.outbox import guard, leases, ledger, slots
from syndicate.outbox.jobs import Exchange, Result

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = FRIDAY + HOUR


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Editions:
    """A site with one digest and three readers."""
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, 3, FRIDAY)
    return desk


def _sending(database: Database, desk: Editions, *headlines: str) -> tuple[int, list[str]]:
    clips = [newsroom.file(database, FRIDAY, headline) for headline in headlines or ["One"]]
    return desk.send_now(database, "weekly", f"key-{clips[0]}", LATER), clips


def _set(database: Database, edition_id: int, seq: int, state: str) -> None:
    with database.write() as session:
        session.execute(
            update(Delivery).where(Delivery.edition_id == edition_id, Delivery.seq == seq).values(state=state)
        )
        ledger.tally_all(session, edition_id)


def test_paused_and_resumed_an_edition_goes_on(database: Database, desk: Editions) -> None:
    made, _ = _sending(database, desk)
    desk.pause(database, made, LATER)
    with pytest.raises(Refused, match="is paused"):
        desk.pause(database, made, LATER)
    assert desk.resume(database, made, LATER) == "sending"
    with pytest.raises(Refused, match="only a paused one"):
        desk.resume(database, made, LATER)


def test_an_edition_that_ended_while_paused_is_closed_when_resumed(database: Database, desk: Editions) -> None:
    made, _ = _sending(database, desk)
    desk.pause(database, made, LATER)
    for seq in range(3):
        _set(database, made, seq, "accepted")
    with database.write() as session:
        session.execute(update(Batch).values(done=True))
    assert desk.resume(database, made, LATER) == "sent"
    assert newsroom.row(database, made).finished_at == LATER


def test_cancelled_before_its_first_mail_an_edition_gives_everything_back(database: Database, desk: Editions) -> None:
    made, clips = _sending(database, desk, "One", "Two")
    assert desk.cancel(database, made, LATER) == 0
    stored = newsroom.row(database, made)
    assert (stored.state, stored.number, stored.finished_at) == ("cancelled", None, LATER)
    assert set(people.states(database, made).values()) == {"skipped"}
    again = desk.send_now(database, "weekly", "again", LATER + HOUR)
    with database.read() as session:
        shape = report(session, again)
        assert (set(shape.items), shape.number, shape.counts.queued) == (set(clips), 1, 3)
        # The cancelled one still says what it held.
        assert set(report(session, made).items) == set(clips)
    with pytest.raises(Refused, match="nothing left to cancel"):
        desk.cancel(database, made, LATER)


@pytest.mark.parametrize("state", ["accepted", "uncertain", "unknown"])
def test_cancelled_after_a_mail_had_gone_it_keeps_its_clippings(database: Database, desk: Editions, state: str) -> None:
    made, _ = _sending(database, desk)
    _set(database, made, 1, state)
    assert desk.cancel(database, made, LATER) == 1
    assert sorted(people.states(database, made).values()) == sorted([state, "skipped", "skipped"])
    assert newsroom.row(database, made).number == 1
    nothing = desk.send_now(database, "weekly", "again", LATER + HOUR)
    assert newsroom.row(database, nothing).state == "skipped"


def test_a_mail_on_the_wire_counts_as_gone_and_is_left_to_its_connection(database: Database, desk: Editions) -> None:
    made, _ = _sending(database, desk)
    with database.write() as session:
        session.add(Owner(id="o", lease_until=0.0, seen=0.0, beat=0, host="h", version="1", connections=1))
        session.flush()
        session.add(Slot(owner="o", n=0, edition_id=made, batch=0, seq=2, letter_id=None, attempt=1, since=LATER))
    assert desk.cancel(database, made, LATER) == 1
    assert people.states(database, made) == {
        "reader0@example.net": "skipped",
        "reader1@example.net": "skipped",
        "reader2@example.net": "queued",
    }
    with database.read() as session:
        assert session.scalars(select(EditionItem.claims)).all() == [True]


@pytest.mark.parametrize(
    ("outcome", "free"),
    [("rejected", True), ("queued", True), ("expired", True), ("accepted", False), ("uncertain", False)],
)
def test_when_the_only_mail_on_the_wire_fails_a_cancelled_edition_gives_its_clippings_back(
    database: Database, desk: Editions, outcome: Any, free: bool
) -> None:
    """Only when the last of them is settled: another may be on the wire of somebody else."""
    made, clips = _sending(database, desk)
    with database.write() as session:
        leases.register(session, database.clock(), "o", lease_seconds=30, host="h", version="1", connections=2)
        claimed = ledger.claim(session, "o", LATER)
        assert claimed
        slots.exchange(session, "o", [Exchange(0, None, claimed.jobs[0])], LATER)
    assert desk.cancel(database, made, LATER) == 1
    with database.write() as session:
        slots.exchange(session, "o", [Exchange(0, Result(claimed.jobs[0], outcome, 1, LATER), None)], LATER)
        session.add(Slot(owner="o", n=1, edition_id=made, batch=0, seq=1, letter_id=None, attempt=1, since=LATER))
        session.flush()
        ledger.release(session, "o", made, 0, LATER)
        assert session.scalars(select(EditionItem.claims)).all() == [True], "one is still on the wire"
        session.execute(delete(Slot))
        ledger.release(session, "o", made, 0, LATER)
        assert session.scalars(select(EditionItem.claims)).all() == [not free]
    with database.read() as session:
        assert (clips == [item.clipping_id for item in desk.plan(session, "weekly", LATER).items]) is free


def test_what_was_called_off_while_the_outbox_was_held_keeps_its_clippings_when_a_dead_sender_is_recovered(
    database: Database, desk: Editions
) -> None:
    """The copy does not know of a mail; in truth they may all have gone."""
    made, _ = _sending(database, desk)
    with database.write() as session:
        leases.register(session, database.clock(), "o", lease_seconds=-1, host="h", version="1", connections=2)
        assert ledger.claim(session, "o", LATER)
        guard.hold(session, "the database is an older copy", LATER)
    assert desk.cancel(database, made, LATER) == 0
    with database.write() as session:
        guard.release(session, LATER)
        leases.recover_dead(session, database.clock(), "me", alone=False, doubt="hold", now=LATER)
        assert session.scalars(select(Batch.owner)).all() == [None]
        assert session.scalars(select(EditionItem.claims)).all() == [True]


def test_drafts_and_approved_editions_can_be_cancelled_and_their_number_is_free_again(
    database: Database, desk: Editions
) -> None:
    newsroom.file(database, FRIDAY)
    draft = desk.draft_now(database, "weekly", "a", LATER)
    assert desk.cancel(database, draft, LATER) == 0
    approved = desk.draft_now(database, "weekly", "b", LATER)
    desk.approve(database, approved, LATER)
    assert newsroom.row(database, approved).number == 1
    assert desk.cancel(database, approved, LATER) == 0
    third = desk.send_now(database, "weekly", "c", LATER)
    assert newsroom.row(database, third).number == 1


def test_numbers_have_no_gaps_and_never_move(database: Database, desk: Editions) -> None:
    made = []
    for n in range(3):
        newsroom.file(database, FRIDAY + n * HOUR)
        edition = desk.draft_now(database, "weekly", f"k{n}", FRIDAY + n * HOUR)
        desk.approve(database, edition, FRIDAY + n * HOUR)
        made.append(edition)
        desk.draft_now(database, "weekly", f"empty{n}", FRIDAY + n * HOUR)
    assert desk.cancel(database, made[1], LATER) == 0
    assert [newsroom.row(database, one).number for one in made] == [1, 2, 3]


def test_retracting_an_item_of_an_approved_edition_voids_the_approval(database: Database, desk: Editions) -> None:
    keeps, goes = newsroom.file(database, FRIDAY, "Keeps"), newsroom.file(database, FRIDAY, "Goes")
    made = desk.draft_now(database, "weekly", "k", LATER)
    desk.approve(database, made, LATER)
    old = newsroom.row(database, made).hash
    [affected] = newsroom.retract(database, goes, LATER)
    assert (affected.edition_id, affected.before, affected.after) == (made, "approved", "draft")
    stored = newsroom.row(database, made)
    assert (stored.state, stored.hash, stored.approved_at, stored.mail_date) == ("draft", None, None, None)
    assert "void" in (stored.reason or "")
    with database.read() as session:
        assert session.scalars(select(Variant)).all() == []
    with pytest.raises(Refused, match="is draft"):
        desk.start(database, made, LATER)
    desk.approve(database, made, LATER + HOUR)
    again = newsroom.row(database, made)
    assert (again.state, again.number, again.reason) == ("approved", 1, None)
    assert again.hash not in (None, old)
    with database.read() as session:
        assert report(session, made).items == (keeps,)


def test_a_scheduled_edition_with_a_retracted_item_is_frozen_anew_by_the_tick(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path, sending='hold_period = "10m"')
    newsroom.seen(database, desk, FRIDAY)
    keeps, goes = newsroom.file(database, FRIDAY, "Keeps"), newsroom.file(database, FRIDAY, "Goes")
    thursday = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    desk.tick(database, thursday)
    newsroom.retract(database, goes, thursday + timedelta(minutes=5))
    desk.tick(database, thursday + timedelta(minutes=6))
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.items) == ("approved", (keeps,))
    desk.tick(database, thursday + timedelta(minutes=11))
    assert newsroom.row(database, one.id).state == "approved"  # the hold period begins again
    desk.tick(database, thursday + timedelta(minutes=16))
    assert newsroom.row(database, one.id).state == "sent"


def test_a_draft_whose_last_clipping_is_retracted_is_skipped(database: Database, desk: Editions) -> None:
    clip = newsroom.file(database, FRIDAY)
    made = desk.draft_now(database, "weekly", "k", LATER)
    [affected] = newsroom.retract(database, clip, LATER)
    assert affected.after == "skipped"
    stored = newsroom.row(database, made)
    assert (stored.reason, stored.number, stored.finished_at) == ("every clipping in it was retracted", None, LATER)


def test_an_approved_edition_whose_last_clipping_is_retracted_is_a_draft_until_it_is_frozen_anew(
    database: Database, desk: Editions
) -> None:
    """What was approved never ends unseen: it is a draft first, like any that lost a clipping, and says why."""
    clip = newsroom.file(database, FRIDAY)
    made = desk.draft_now(database, "weekly", "k", LATER)
    desk.approve(database, made, LATER)
    [affected] = newsroom.retract(database, clip, LATER)
    assert (affected.before, affected.after) == ("approved", "draft")
    stored = newsroom.row(database, made)
    assert (stored.hash, stored.number) == (None, None)
    assert (stored.reason or "").startswith(f"approval void: the clipping {clip}")
    newsroom.file(database, FRIDAY, "Comes after")
    following = desk.draft_now(database, "weekly", "k2", LATER)
    desk.approve(database, following, LATER)
    assert newsroom.row(database, following).number == 1
    assert desk.approve(database, made, LATER + HOUR) == "skipped"
    stored = newsroom.row(database, made)
    assert (stored.reason, stored.number) == ("every clipping in it was retracted", None)


def test_a_scheduled_edition_that_lost_its_last_clipping_is_skipped_by_the_tick(
    database: Database, tmp_path: Path
) -> None:
    desk = newsroom.editions(tmp_path, sending='hold_period = "10m"')
    newsroom.seen(database, desk, FRIDAY)
    clip = newsroom.file(database, FRIDAY)
    thursday = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    desk.tick(database, thursday)
    newsroom.retract(database, clip, thursday + timedelta(minutes=5))
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.items) == ("draft", ())
    desk.tick(database, thursday + timedelta(minutes=6))
    [one] = newsroom.all_editions(database, desk)
    assert (one.state, one.number) == ("skipped", None)


def test_retracting_an_item_of_a_sending_edition_pauses_it_for_a_person(database: Database, desk: Editions) -> None:
    made, clips = _sending(database, desk, "One", "Two")
    [affected] = newsroom.retract(database, clips[0], LATER)
    assert (affected.before, affected.after) == ("sending", "paused")
    stored = newsroom.row(database, made)
    assert stored.state == "paused"
    assert clips[0] in (stored.reason or "")
    with database.read() as session:
        assert len(report(session, made).items) == 2
    desk.resume(database, made, LATER)
    assert newsroom.row(database, made).reason is None


def test_what_was_sent_stays_as_it_was_when_a_clipping_is_retracted(database: Database, desk: Editions) -> None:
    made, clips = _sending(database, desk)
    with database.write() as session:
        session.execute(update(Edition).values(state="sent"))
    assert newsroom.retract(database, clips[0], LATER) == ()
    assert newsroom.row(database, made).state == "sent"


def test_a_clipping_mailed_retracted_and_published_again_is_mailed_once(database: Database, desk: Editions) -> None:
    made, clips = _sending(database, desk)
    _set(database, made, 0, "accepted")
    newsroom.retract(database, clips[0], LATER)
    with database.write() as session:
        store.publish(session, clips[0], now=LATER + HOUR)
    again = desk.send_now(database, "weekly", "again", LATER + 2 * HOUR)
    assert newsroom.row(database, again).state == "skipped"


def test_retracting_while_the_edition_is_approved_and_started_never_sends_it_unseen(
    database: Database, desk: Editions
) -> None:
    """Whoever comes first, the retracted clipping is either not in the edition or the edition is paused."""
    for number in range(4):
        keeps = newsroom.file(database, FRIDAY, f"Keeps {number}")
        goes = newsroom.file(database, FRIDAY, f"Goes {number}")
        errors: list[Exception] = []

        def send(number: int = number, errors: list[Exception] = errors) -> None:
            try:
                desk.send_now(database, "weekly", f"race-{number}", LATER)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                errors.append(error)

        def take_down(goes: str = goes, errors: list[Exception] = errors) -> None:
            try:
                newsroom.retract(database, goes, LATER)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                errors.append(error)

        threads = [threading.Thread(target=send), threading.Thread(target=take_down)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        with database.read() as session:
            newest = reports(session, limit=1)[0]
        assert keeps in newest.items
        assert goes not in newest.items or newest.state == "paused"


def test_an_edition_made_while_a_clipping_is_being_retracted_waits_and_does_without_it(
    database: Database, desk: Editions
) -> None:
    """The retraction is not committed yet when the edition is asked for."""
    keeps, goes = newsroom.file(database, FRIDAY, "Keeps"), newsroom.file(database, FRIDAY, "Goes")
    drafting = threading.Thread(target=lambda: desk.draft_now(database, "weekly", "k", LATER))
    with database.write() as session:
        store.retract(session, goes, now=LATER)
        item_changed(session, goes, LATER)
        drafting.start()
        drafting.join(0.3)
        assert drafting.is_alive()
    drafting.join()
    with database.read() as session:
        assert reports(session)[0].items == (keeps,)


def test_the_report_adds_up_and_has_the_promised_keys(database: Database, desk: Editions) -> None:
    newsroom.file(database, FRIDAY)
    draft = desk.draft_now(database, "weekly", "k", LATER)
    with database.read() as session:
        assert report(session, draft).counts.chosen == 0
    desk.approve(database, draft, LATER)
    desk.start(database, draft, LATER)
    _set(database, draft, 0, "accepted")
    _set(database, draft, 1, "uncertain")
    with database.read() as session:
        shape = report(session, draft).as_json()
        with pytest.raises(NotFound):
            report(session, 99)
    seven = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
    assert shape["chosen"] == 3 == sum(int(str(shape[key])) for key in seven)
    assert (shape["accepted"], shape["uncertain"], shape["queued"]) == (1, 1, 1)
    assert {"edition", "digest", "number", "kind", "slot", "state", "items", "hash", *seven} < set(shape)
    assert (shape["started_at"], shape["finished_at"]) == ("2026-11-20T13:00:00Z", None)


def test_a_listing_is_newest_first_and_of_one_digest_if_asked(database: Database, desk: Editions) -> None:
    first, _ = _sending(database, desk, "One")
    second, _ = _sending(database, desk, "Two")
    with database.read() as session:
        assert [one.edition for one in reports(session)] == [second, first]
        assert [one.edition for one in reports(session, digest="weekly", limit=1)] == [second]
        assert reports(session, digest="daily") == []
        assert [one.counts.queued for one in reports(session)] == [3, 3]
