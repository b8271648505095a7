"""A correction goes to those who have what it corrects, says what was wrong, and lives as any other edition."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from sqlalchemy import select, update
from stops import Kept

from subscribers import consent, suppression
from subscribers.models import Subscriber
from syndicate.clippings import correcting
from syndicate.database import Database
from syndicate.editions.corrections import draft
from syndicate.editions.lifecycle import Editions
from syndicate.editions.report import report
from syndicate.errors import NotFound, Refused, UsageError
from syndicate.mail.compose import Composition
from syndicate.models import Delivery, Edition, EditionItem, Variant
from syndicate.outbox import ledger

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = FRIDAY + HOUR
STATES = ("accepted", "unknown", "rejected", "skipped", "expired", "uncertain", "accepted", "accepted", "accepted")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Editions:
    """A site with one digest and nine readers."""
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    people.subscribe(database, len(STATES), FRIDAY)
    return desk


def sent(database: Database, desk: Editions, *headlines: str) -> tuple[int, list[str]]:
    """An edition that has ended, with a delivery in every state; its clippings."""
    clips = [newsroom.file(database, FRIDAY, headline) for headline in headlines]
    edition = desk.send_now(database, "weekly", "one", FRIDAY)
    with database.write() as session:
        for number, state in enumerate(STATES):
            this = (Delivery.edition_id == edition) & (Delivery.address == people.Person(number).address)
            session.execute(update(Delivery).where(this).values(state=state))
        ledger.tally_all(session, edition)
        session.execute(update(Edition).where(Edition.id == edition).values(state="incomplete", finished_at=FRIDAY))
    return edition, clips


def put_right(database: Database, clipping: str, note: str = "It was Tuesday.", **changes: str) -> None:
    with database.write() as session:
        correcting.correct(session, clipping, note=note, changes=changes, now=LATER)


def corrected(database: Database, edition: int, note: str | None = None, *clips: str) -> int:
    with database.write() as session:
        return draft(session, edition, note=note, clips=clips, now=LATER)


def text_of(database: Database, edition: int) -> str:
    with database.read() as session:
        data = session.scalars(select(Variant.composition).where(Variant.edition_id == edition)).one()
    return Composition.from_bytes(data).text


def started(database: Database, desk: Editions, correction: int) -> list[str]:
    desk.approve(database, correction, LATER)
    desk.start(database, correction, LATER)
    return sorted(people.states(database, correction))


def test_exactly_those_get_it_who_have_the_edition_or_may_have_it(database: Database, desk: Editions) -> None:
    edition, (clip,) = sent(database, desk, "One")
    put_right(database, clip)
    people.subscribe(database, 2, LATER, first=20)
    with database.write() as session:
        ids = dict(session.execute(select(Subscriber.address, Subscriber.id)).tuples().all())
        consent.unsubscribe(session, ids[people.Person(6).address], "weekly", way="page", stops=Kept(), now=LATER)
        suppression.suppress(session, f"hash{7:028}", address=None, reason="complaint", stops=Kept(), now=LATER)
    correction = corrected(database, edition)
    assert started(database, desk, correction) == [people.Person(n).address for n in (0, 1, 8)]
    with database.read() as session:
        stand = report(session, correction)
    assert (stand.kind, stand.number, stand.counts.chosen, stand.state) == ("correction", None, 3, "sending")


def test_its_recipients_freeze_range_by_range_and_nobody_twice(database: Database, desk: Editions) -> None:
    edition, (clip,) = sent(database, desk, "One")
    put_right(database, clip)
    by_two = Editions(desk.config, desk.renderer, range_size=2)
    correction = corrected(database, edition)
    assert started(database, by_two, correction) == [people.Person(n).address for n in (0, 1, 6, 7, 8)]


def test_it_names_what_was_corrected_and_what_was_retracted_and_nothing_else(
    database: Database, desk: Editions
) -> None:
    edition, (right, wrong, gone) = sent(database, desk, "Right", "Wrong headline", "Gone")
    put_right(database, wrong, note="The court sat on Tuesday.", headline="Put right")
    newsroom.retract(database, gone, LATER)
    correction = corrected(database, edition, "Two things were wrong.")
    assert set(newsroom.all_editions(database, desk)[-1].items) == {wrong, gone}
    assert right not in newsroom.all_editions(database, desk)[-1].items
    desk.approve(database, correction, LATER)
    text = text_of(database, correction)
    assert "Two things were wrong." in text
    assert "Put right" in text
    assert "Gone" in text
    assert "We have withdrawn this clipping." in text
    assert f"/clippings/{gone}" not in text


def test_it_claims_nothing_and_the_next_edition_is_as_without_it(database: Database, desk: Editions) -> None:
    edition, (clip,) = sent(database, desk, "One")
    put_right(database, clip)
    correction = corrected(database, edition)
    with database.read() as session:
        items = session.execute(
            select(EditionItem.clipping_id, EditionItem.claims).where(EditionItem.edition_id == correction)
        ).all()
    assert [tuple(item) for item in items] == [(clip, False)]
    started(database, desk, correction)
    new = newsroom.file(database, LATER, "Two")
    second = desk.send_now(database, "weekly", "two", LATER + HOUR)
    (seen,) = [one for one in newsroom.all_editions(database, desk) if one.id == second]
    assert (seen.items, seen.number) == ((new,), 2)


def test_the_note_is_that_of_the_clippings_or_must_be_given(database: Database, desk: Editions) -> None:
    edition, (one, two) = sent(database, desk, "One", "Two")
    newsroom.retract(database, two, LATER)
    with pytest.raises(UsageError, match="--note"):
        corrected(database, edition)
    with pytest.raises(UsageError, match="--note"):
        corrected(database, edition, " \n\x00")
    put_right(database, one, note="It was Tuesday.")
    made = corrected(database, edition)
    assert newsroom.row(database, made).note == "It was Tuesday."


def test_a_named_clipping_must_be_in_the_edition(database: Database, desk: Editions) -> None:
    edition, (one, _) = sent(database, desk, "One", "Two")
    other = newsroom.file(database, LATER, "Three")
    for clip in (other, "x" * 500, "\ud800"):
        with pytest.raises(NotFound, match=f"edition {edition} holds no clipping"):
            corrected(database, edition, "Wrong.", clip)
    made = corrected(database, edition, "Wrong.", one, one)
    assert newsroom.all_editions(database, desk)[-1].items == (one,)
    assert newsroom.row(database, made).corrects == edition


def test_the_same_correction_twice_is_one_and_another_after_that_was_called_off(
    database: Database, desk: Editions
) -> None:
    edition, (clip,) = sent(database, desk, "One")
    put_right(database, clip)
    first = corrected(database, edition)
    with pytest.raises(Refused, match=f"edition {first} corrects edition {edition} in the same words already; it is d"):
        corrected(database, edition)
    assert corrected(database, edition, "In other words.") != first
    desk.cancel(database, first, LATER)
    assert corrected(database, edition) > first


@pytest.mark.parametrize("state", ["draft", "approved", "sending", "paused", "skipped", "cancelled", "held"])
def test_what_was_not_sent_cannot_be_corrected(database: Database, desk: Editions, state: str) -> None:
    edition, (clip,) = sent(database, desk, "One")
    put_right(database, clip)
    with database.write() as session:
        session.execute(update(Edition).where(Edition.id == edition).values(state=state))
    with pytest.raises(Refused, match=f"is {state}: only one that was sent"):
        corrected(database, edition)


def test_an_edition_without_errors_is_said_and_nothing_is_made(database: Database, desk: Editions) -> None:
    edition, _ = sent(database, desk, "One")
    with pytest.raises(Refused, match="nothing in edition 1 was corrected or retracted"):
        corrected(database, edition)
    with pytest.raises(NotFound):
        corrected(database, 99)
    assert len(newsroom.all_editions(database, desk)) == 1


def test_a_correction_is_paused_resumed_and_cancelled_as_any_other(database: Database, desk: Editions) -> None:
    edition, (clip,) = sent(database, desk, "One")
    put_right(database, clip)
    correction = corrected(database, edition)
    started(database, desk, correction)
    desk.pause(database, correction, LATER)
    assert desk.resume(database, correction, LATER) == "sending"
    newsroom.retract(database, clip, LATER)
    assert newsroom.row(database, correction).state == "paused"
    desk.cancel(database, correction, LATER)
    assert newsroom.row(database, correction).state == "cancelled"


def test_a_correction_of_what_is_retracted_starts_though_its_clipping_is_gone(
    database: Database, desk: Editions
) -> None:
    edition, (clip,) = sent(database, desk, "One")
    newsroom.retract(database, clip, LATER)
    correction = corrected(database, edition, "It was not true.")
    assert len(started(database, desk, correction)) == 5
    assert newsroom.row(database, correction).state == "sending"
