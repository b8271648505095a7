"""A person decides about mails in doubt and about refused ones: once, in one transaction, beside whoever sends."""

from datetime import datetime, timedelta

import newsroom
import people
import pytest
from decision_rooms import Room, tallies_are_true
from sqlalchemy import event, select, update

from subscribers.models import Subscriber
from syndicate.database import Database
from syndicate.editions import people as roll
from syndicate.editions.decisions import Decided
from syndicate.editions.report import report
from syndicate.errors import NotFound, Refused
from syndicate.models import Delivery, Letter
from syndicate.outbox import guard, leases, ledger, letters, slots
from syndicate.outbox.jobs import Exchange, Grant, Result
from syndicate.outbox.ranges import BATCH_SIZE


def _owned(room: Room) -> tuple[str, ledger.ClaimedBatch]:
    with room.database.write() as session:
        leases.register(session, room.database.clock(), "o", lease_seconds=30, host="h", version="1", connections=4)
        claimed = ledger.claim(session, "o", room.now)
    assert claimed
    return "o", claimed


def test_a_doubt_is_sent_again_once_and_the_edition_goes_on(room: Room) -> None:
    room.stand("accepted", "uncertain", "rejected", "uncertain", state="incomplete")
    old = newsroom.row(room.database, room.edition)
    decided = room.resend(room.edition, later=timedelta(days=30))
    assert decided == Decided(((room.edition, 0, 1), (room.edition, 0, 3)))
    assert decided.editions == (room.edition,)
    assert room.states == ["accepted", "queued", "rejected", "queued"]
    stored = newsroom.row(room.database, room.edition)
    assert (stored.state, stored.finished_at, stored.hash) == ("sending", room.now, old.hash)
    assert old.expires_at
    assert stored.expires_at
    assert stored.expires_at >= room.now + timedelta(days=30, hours=6), "it must not expire unseen"
    assert room.resend(room.edition) == Decided(), "once for each doubt"
    tallies_are_true(room.database)
    with room.database.read() as session:
        assert ledger.has_claimable(session, room.now + timedelta(days=30))


def test_all_doubts_are_decided_at_once_and_letters_with_them(room: Room) -> None:
    room.stand("accepted", "uncertain", "accepted", "accepted", state="incomplete")
    number = _doubtful_letter(room)
    assert room.resend(room.edition).letters == (), "of one edition"
    with room.database.read() as session:
        assert session.get_one(Letter, number).state == "uncertain"
    assert room.resend() == Decided((), (number,))
    with room.database.read() as session:
        assert letters.has_due(session, room.now)


def _doubtful_letter(room: Room) -> int:
    with room.database.write() as session:
        letter = people.ask_letter(session, "ann@example.net", room.now)
        letter.state, letter.attempt = "uncertain", 2
        return letter.id


def test_a_letter_that_would_come_too_late_can_only_be_left(room: Room) -> None:
    """Queued, it would expire, and that it did not come is not known."""
    number = _doubtful_letter(room)
    assert room.resend(later=letters.GIVE_UP) == Decided(too_old=(number,))
    assert room.leave() == Decided((), (number,))


def test_doubts_of_a_letter_are_left_too(room: Room) -> None:
    number = _doubtful_letter(room)
    assert room.leave() == Decided((), (number,))
    with room.database.read() as session:
        assert session.get_one(Letter, number).state == "unknown"


def test_without_doubts_nothing_happens(room: Room) -> None:
    room.stand("accepted", "rejected", "skipped", "expired", state="sent")
    assert room.resend() == room.resend(room.edition) == room.leave() == room.leave(room.edition) == Decided()
    assert room.state == "sent"
    with pytest.raises(NotFound):
        room.resend(99)
    with pytest.raises(NotFound):
        room.leave(99)


def test_in_a_paused_edition_doubts_wait_until_it_is_resumed(room: Room) -> None:
    room.stand("accepted", "uncertain", "accepted", "accepted", state="paused")
    assert len(room.resend(room.edition).deliveries) == 1
    assert (room.state, room.claimable()) == ("paused", False)
    assert room.desk.resume(room.database, room.edition, room.now) == "sending"
    assert room.claimable()


def test_doubts_of_a_cancelled_edition_can_only_be_left(room: Room) -> None:
    room.stand("accepted", "uncertain", "skipped", "skipped", state="cancelled")
    with pytest.raises(Refused, match="--leave"):
        room.resend(room.edition)
    assert room.resend() == Decided(cancelled=(room.edition,))
    assert room.states[1] == "uncertain"
    assert len(room.leave(room.edition).deliveries) == 1
    assert (room.state, room.states[1]) == ("cancelled", "unknown")
    assert room.resend(room.edition) == Decided()


@pytest.mark.parametrize(("before", "after"), [("incomplete", "sent"), ("sending", "sending"), ("paused", "paused")])
def test_doubts_that_are_left_close_an_edition_that_had_only_them(room: Room, before: str, after: str) -> None:
    room.stand("accepted", "uncertain", "uncertain", "queued" if before != "incomplete" else "accepted", state=before)
    assert len(room.leave(room.edition).deliveries) == 2
    assert room.state == after
    assert room.states[1:3] == ["unknown", "unknown"]
    with room.database.read() as session:
        assert report(session, room.edition).counts.unknown == 2
    assert room.resend() == Decided(), "what was left is never sent"
    tallies_are_true(room.database)


def test_an_edition_with_doubts_that_is_still_being_sent_ends_as_sent_when_they_are_left(room: Room) -> None:
    owner, claimed = _owned(room)
    room.stand("accepted", "uncertain", "accepted", "accepted")
    room.leave()
    with room.database.write() as session:
        ledger.release(session, owner, room.edition, claimed.batch, room.now)
    assert room.state == "sent"


def test_a_doubt_in_a_batch_that_somebody_holds_waits_for_its_return(room: Room) -> None:
    owner, claimed = _owned(room)
    room.stand("accepted", "uncertain", "accepted", "accepted")
    room.resend(room.edition)
    with room.database.write() as session:
        ledger.release(session, owner, room.edition, claimed.batch, room.now)
    assert (room.state, room.claimable()) == ("sending", True)
    with room.database.write() as session:
        again = ledger.claim(session, owner, room.now)
    assert again
    assert [job.seq for job in again.jobs] == [1]


def test_who_left_meanwhile_is_skipped_when_a_doubt_goes_again(room: Room) -> None:
    room.stand("accepted", "uncertain", "accepted", "uncertain", state="incomplete")
    room.resend(room.edition)
    owner, claimed = _owned(room)
    with room.database.write() as session:
        session.execute(
            update(Subscriber).where(Subscriber.id == claimed.jobs[0].subscriber_id).values(state="unsubscribed")
        )
    with room.database.write() as session:
        asked = [Exchange(n, None, job) for n, job in enumerate(claimed.jobs)]
        assert slots.exchange(session, owner, asked, room.now) == [Grant.SKIPPED, Grant.SEND]


def test_everybody_is_read_batch_by_batch_each_once_and_in_order(sqlite_database: Database, now: datetime) -> None:
    """However many they are, no more than one batch of them is in memory."""
    people.subscribe(sqlite_database, 2 * BATCH_SIZE + 3, now)
    made = people.edition(sqlite_database, now)
    read: list[str] = []
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda *told: read.append(told[2]))
    with sqlite_database.read() as session:
        everybody = roll.everybody(session, made)
        first = next(everybody)
        assert sum("FROM delivery" in statement for statement in read) == 1
        rest = list(everybody)
        places = select(Delivery.address).order_by(Delivery.batch, Delivery.seq)
        assert [one.address for one in (first, *rest)] == list(session.scalars(places))


def test_calling_off_what_was_taken_up_again_leaves_an_edition_that_was_sent(room: Room) -> None:
    room.stand("accepted", "expired", "rejected/policy", "accepted", state="sent")
    room.retry()
    later = room.now + timedelta(days=1)
    assert room.desk.cancel(room.database, room.edition, later) == 2
    stored = newsroom.row(room.database, room.edition)
    assert (stored.state, stored.number, stored.finished_at) == ("sent", 1, room.now)
    assert room.states == ["accepted", "skipped", "skipped", "accepted"]
    with pytest.raises(Refused, match="nothing left to cancel"):
        room.desk.cancel(room.database, room.edition, later)


def test_what_is_on_the_wire_when_that_is_called_off_is_finished_before_it_ends(room: Room) -> None:
    room.stand("accepted", "expired", "expired", "accepted", state="sent")
    room.retry()
    owner, claimed = _owned(room)
    with room.database.write() as session:
        slots.exchange(session, owner, [Exchange(0, None, claimed.jobs[0])], room.now)
    assert room.desk.cancel(room.database, room.edition, room.now) == 3
    assert (room.state, room.states) == ("sending", ["accepted", "queued", "skipped", "accepted"])
    assert newsroom.row(room.database, room.edition).expires_at == room.now, "if it is put off, its time is over"
    with room.database.write() as session:
        slots.exchange(session, owner, [Exchange(0, _accepted(claimed, room.now), None)], room.now)
        ledger.release(session, owner, room.edition, claimed.batch, room.now)
    assert (room.state, room.states[1]) == ("sent", "accepted")


def _accepted(claimed: ledger.ClaimedBatch, now: datetime) -> Result:
    return Result(claimed.jobs[0], "accepted", 1, now, 250, "ok")


def test_while_the_outbox_is_held_nothing_is_sent_again_but_doubts_may_be_left(room: Room) -> None:
    room.stand("accepted", "uncertain", "expired", "accepted", state="incomplete")
    with room.database.write() as session:
        guard.hold(session, "this database is an older copy", room.now)
    for decide in (room.resend, room.retry):
        with pytest.raises(Refused, match=r"an older copy.*outbox release"):
            decide()
    assert room.states == ["accepted", "uncertain", "expired", "accepted"]
    assert len(room.leave().deliveries) == 1
