"""A person decides about mails in doubt and about refused ones: once, in one transaction, beside whoever sends."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
import senders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relays import ScriptedRelay, Session, usual
from sqlalchemy import event, select, text, update

from subscribers.models import Subscriber
from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions import decisions, sending
from syndicate.editions import people as roll
from syndicate.editions.decisions import Decided
from syndicate.editions.lifecycle import Editions
from syndicate.editions.report import report
from syndicate.errors import NotFound, Refused
from syndicate.models import Batch, Delivery, Edition, Letter, Variant
from syndicate.outbox import guard, leases, ledger, letters, slots
from syndicate.outbox.jobs import Exchange, Grant, Result
from syndicate.outbox.ranges import BATCH_SIZE

STATES = ("queued", "accepted", "rejected", "skipped", "expired", "uncertain", "unknown")
CAUSES = (None, "address", "mailbox", "content", "policy", "other")
READERS = 4


@dataclass(frozen=True)
class Room:
    """A site with four readers and an edition that is sending; what a test decides there."""

    database: Database
    desk: Editions
    edition: int
    now: datetime

    @property
    def config(self) -> Config:
        return self.desk.config

    @property
    def states(self) -> list[str]:
        rows = select(Delivery.state).where(Delivery.edition_id == self.edition).order_by(Delivery.batch, Delivery.seq)
        with self.database.read() as session:
            return list(session.scalars(rows))

    @property
    def state(self) -> str:
        return people.edition_state(self.database, self.edition)

    def stand(self, *rows: str, state: str | None = None) -> None:
        """Put the deliveries into these states (`rejected/policy` names a cause), the edition into `state`."""
        with self.database.write() as session:
            for seq, row in enumerate(rows):
                word, _, cause = row.partition("/")
                session.execute(
                    update(Delivery)
                    .where(Delivery.edition_id == self.edition, Delivery.seq == seq)
                    .values(state=word, cause=cause or None, attempt=3, code=250, reply="as it was", next_try_at=None)
                )
            if "queued" not in rows:
                session.execute(update(Batch).where(Batch.edition_id == self.edition).values(done=True))
            ledger.tally_all(session, self.edition)
            edition = session.get_one(Edition, self.edition)
            if state:
                edition.state = state
            if state in ("sent", "incomplete"):
                edition.finished_at = self.now

    def resend(self, edition: int | None = None, *, later: timedelta = timedelta(0)) -> Decided:
        with self.database.write() as session:
            return decisions.resend(session, self.config, edition, now=self.now + later)

    def leave(self, edition: int | None = None) -> Decided:
        with self.database.write() as session:
            return decisions.leave(session, edition, now=self.now)

    def retry(self, *, later: timedelta = timedelta(0)) -> int:
        with self.database.write() as session:
            return decisions.retry(session, self.config, self.edition, now=self.now + later)

    def claimable(self) -> bool:
        with self.database.read() as session:
            return ledger.has_claimable(session, self.now)


def _room(database: Database, tmp_path: Path, now: datetime) -> Room:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, now - timedelta(days=1))
    people.subscribe(database, READERS, now)
    newsroom.file(database, now - timedelta(hours=1))
    return Room(database, desk, desk.send_now(database, "weekly", "key", now), now)


@pytest.fixture
def room(database: Database, tmp_path: Path, now: datetime) -> Room:
    return _room(database, tmp_path, now)


@pytest.fixture
def sqlite_room(sqlite_database: Database, tmp_path: Path, now: datetime) -> Room:
    return _room(sqlite_database, tmp_path, now)


def _owned(room: Room) -> tuple[str, ledger.ClaimedBatch]:
    with room.database.write() as session:
        leases.register(session, room.database.clock(), "o", lease_seconds=30, host="h", version="1", connections=4)
        claimed = ledger.claim(session, "o", room.now)
    assert claimed
    return "o", claimed


# ---- mails in doubt ----


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
    _tallies_are_true(room.database)
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
        letter = letters.ask(
            session,
            kind="confirm",
            address="ann@example.net",
            address_hash="a" * 32,
            subscriber_id=None,
            language="en",
            params={},
            now=room.now,
        )
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
    _tallies_are_true(room.database)


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


# ---- what was refused ----


def test_what_expired_or_met_a_policy_is_taken_up_with_the_same_number_and_bytes(room: Room) -> None:
    room.stand("accepted", "expired", "rejected/policy", "rejected/address", state="sent")
    old = newsroom.row(room.database, room.edition)
    with room.database.read() as session:
        frozen = session.scalars(select(Variant.composition)).all()
    assert room.retry(later=timedelta(days=30)) == 2
    assert room.states == ["accepted", "queued", "queued", "rejected"]
    new = newsroom.row(room.database, room.edition)
    assert (new.state, new.number, new.hash, new.mail_date) == ("sending", 1, old.hash, old.mail_date)
    assert (new.finished_at, new.started_at) == (room.now, old.started_at)
    assert new.expires_at
    assert new.expires_at >= room.now + timedelta(days=30, hours=6)
    with room.database.read() as session:
        assert session.scalars(select(Variant.composition)).all() == frozen
        taken = session.scalars(select(Delivery).where(Delivery.state == "queued")).all()
        assert {(one.attempt, one.code, one.reply, one.cause) for one in taken} == {(0, None, None, None)}
        assert report(session, room.edition).finished_at is None, "it has not ended now"
    with pytest.raises(Refused, match="nothing to take up"):
        room.retry()


def test_an_edition_that_was_taken_up_again_keeps_the_moment_of_its_first_end(room: Room) -> None:
    room.stand("accepted", "expired", "accepted", "accepted", state="sent")
    room.retry()
    room.stand("accepted", "accepted", "accepted", "accepted")
    with room.database.write() as session:
        assert ledger.close_if_done(session, room.edition, room.now + timedelta(days=1))
    assert newsroom.row(room.database, room.edition).finished_at == room.now


def test_a_paused_edition_stays_paused_when_its_refused_mails_are_taken_up(room: Room) -> None:
    room.stand("accepted", "expired", "accepted", "queued", state="paused")
    assert room.retry() == 1
    assert (room.state, room.claimable()) == ("paused", False)


@pytest.mark.parametrize("state", ["cancelled", "skipped", "draft", "approved", "held"])
def test_an_edition_that_was_not_sent_cannot_be_taken_up(room: Room, state: str) -> None:
    room.stand("accepted", "expired", "rejected/policy", "accepted", state=state)
    with pytest.raises(Refused, match=f"is {state}"):
        room.retry()
    assert room.states == ["accepted", "expired", "rejected", "accepted"]


_ROWS = st.tuples(st.sampled_from(STATES), st.sampled_from(CAUSES))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(_ROWS, min_size=READERS, max_size=READERS),
    state=st.sampled_from(["sent", "incomplete", "sending", "paused"]),
)
def test_a_retry_touches_nothing_but_what_expired_or_met_a_policy(
    sqlite_room: Room, rows: list[tuple[str, str | None]], state: str
) -> None:
    """Whatever states a mail and its edition are in, with every cause: no other row changes in any column."""
    room = sqlite_room
    room.stand(*(f"{word}/{cause or ''}" for word, cause in rows), state=state)
    before, after = _rows(room), None
    meant = {
        seq for seq, (word, cause) in enumerate(rows) if word == "expired" or (word, cause) == ("rejected", "policy")
    }
    try:
        assert room.retry() == len(meant)
    except Refused:
        assert not meant
    after = _rows(room)
    assert {seq for seq in range(READERS) if before[seq] != after[seq]} == meant
    assert {after[seq][0] for seq in meant} <= {"queued"}
    assert not meant or room.state == ("paused" if state == "paused" else "sending")
    _tallies_are_true(room.database)


def _rows(room: Room) -> list[tuple[object, ...]]:
    columns = (Delivery.state, Delivery.attempt, Delivery.code, Delivery.reply, Delivery.cause, Delivery.at)
    with room.database.read() as session:
        found = select(*columns).where(Delivery.edition_id == room.edition).order_by(Delivery.seq)
        return [tuple(row) for row in session.execute(found)]


def _tallies_are_true(database: Database) -> None:
    with database.read() as session:
        for batch in session.scalars(select(Batch).where(Batch.owner.is_(None))):
            states = session.scalars(
                select(Delivery.state).where(Delivery.edition_id == batch.edition_id, Delivery.batch == batch.batch)
            ).all()
            assert {state: getattr(batch, state) for state in STATES} == {s: states.count(s) for s in STATES}


# ---- by name ----


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


# ---- called off after it was taken up again ----


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


# ---- while the outbox is held ----


def test_while_the_outbox_is_held_nothing_is_sent_again_but_doubts_may_be_left(room: Room) -> None:
    room.stand("accepted", "uncertain", "expired", "accepted", state="incomplete")
    with room.database.write() as session:
        guard.hold(session, "this database is an older copy", room.now)
    for decide in (room.resend, room.retry):
        with pytest.raises(Refused, match=r"an older copy.*outbox release"):
            decide()
    assert room.states == ["accepted", "uncertain", "expired", "accepted"]
    assert len(room.leave().deliveries) == 1


# ---- beside a sender ----


@pytest.fixture
def deadlocks(database: Database) -> Iterator[None]:
    """Fails if PostgreSQL had to break a deadlock meanwhile: a sender tries again, so it would go unseen."""
    if database.sqlite:
        yield
        return
    count = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with database.read() as session:
        before = session.scalar(count)
    yield
    with database.read() as session:
        session.execute(text("SELECT pg_stat_clear_snapshot()"))
        assert session.scalar(count) == before


@pytest.mark.usefixtures("deadlocks")
def test_decisions_beside_a_working_sender_lose_and_repeat_nothing(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    """The relay loses the line after the dot now and then; meanwhile two people resend, retry, pause and resume without
    a pause. Everybody gets the mail, those too whose mail had expired; twice only who was in doubt."""
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, now)
    people.subscribe(database, 120, now)
    made = people.edition(database, now)
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.seq % 29 == 7).values(state="expired"))
        ledger.tally_all(session, made)
    lock, seen, doubted = threading.Lock(), dict[str, int](), set[str]()

    def script(session: Session, stage: str) -> str | None:
        if stage != "dot":
            return usual(session, stage)
        with lock:
            seen[session.to] = seen.get(session.to, 0) + 1
            first, number = seen[session.to] == 1, int(session.to.partition("@")[0].removeprefix("reader"))
            if first and number % 60 == 9:
                doubted.add(session.to)
                return None
        return usual(session, stage)

    over, faults = threading.Event(), list[BaseException]()

    def decide() -> None:
        while not over.wait(0.05):
            for one in (_resend, _retry, _pause, _resume):
                try:
                    with database.write() as session:
                        one(session, desk.config, made, now)
                except Refused:
                    continue
                except BaseException as fault:  # noqa: BLE001 - the test tells it
                    faults.append(fault)
                    return

    people_deciding = [threading.Thread(target=decide) for _ in range(2)]
    with ScriptedRelay(script) as relay:
        sender = senders.make(database, relay.port)
        for thread in people_deciding:
            thread.start()
        try:
            senders.run(sender, lambda: people.edition_state(database, made) == "sent", seconds=60)
        finally:
            over.set()
            for thread in people_deciding:
                thread.join()
    assert faults == []
    assert sender.failure is None
    assert len(doubted) == 2
    assert set(people.states(database, made).values()) == {"accepted"}
    assert {address for address, copies in seen.items() if copies > 1} == doubted
    assert max(seen.values()) == 2
    _tallies_are_true(database)


def _resend(session: object, config: Config, edition_id: int, now: datetime) -> None:
    decisions.resend(session, config, edition_id, now=now)  # type: ignore[arg-type]


def _retry(session: object, config: Config, edition_id: int, now: datetime) -> None:
    decisions.retry(session, config, edition_id, now=now)  # type: ignore[arg-type]


def _pause(session: object, _: Config, edition_id: int, now: datetime) -> None:
    sending.pause(session, edition_id, now=now)  # type: ignore[arg-type]


def _resume(session: object, config: Config, edition_id: int, now: datetime) -> None:
    sending.resume(session, config, edition_id, now=now)  # type: ignore[arg-type]
