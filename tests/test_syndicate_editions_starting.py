"""The start of an edition with a long list: by ranges, whatever comes between them; nobody twice, nobody left out."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from clocks import until
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription
from syndicate.database import Database, FairLock
from syndicate.editions import starting
from syndicate.editions.lifecycle import Editions
from syndicate.editions.report import report
from syndicate.errors import Refused
from syndicate.mail.render import Renderer
from syndicate.models import Batch, Delivery, Edition
from syndicate.outbox import ledger, ranges

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = FRIDAY + timedelta(hours=1)
MINUTE = timedelta(minutes=1)
READERS = 25
SIZES = [7, 7, 7, 4]


@pytest.fixture
def desk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editions:
    """A site with 25 readers, whose recipients are frozen seven at a time."""
    whole = newsroom.editions(tmp_path)
    newsroom.seen(database, whole, FRIDAY)
    newsroom.file(database, FRIDAY)
    people.subscribe(database, READERS, FRIDAY)
    monkeypatch.setattr(starting, "_BREATH_SECONDS", 0.0)
    return Editions(whole.config, Renderer(None), range_size=7)


def _approved(database: Database, desk: Editions) -> int:
    made = desk.draft_now(database, "weekly", "k", LATER)
    desk.approve(database, made, LATER)
    return made


class Killed(Exception):
    """Stands for the death of the process at this point."""


class Hook:
    """Does something in the transaction of the range of a given number (from 1), when its rows are written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ranges = 0
        self._at: dict[int, Callable[[], None]] = {}
        self._real = ranges._freeze
        monkeypatch.setattr(ranges, "_freeze", self._freeze)

    def at(self, number: int, act: Callable[[], None]) -> None:
        self._at[number] = act

    def kill_at(self, number: int) -> None:
        def die() -> None:
            raise Killed

        self.at(number, die)

    def _freeze(self, session: Session, edition: Edition, after: int, up_to: int | None, now: datetime) -> None:
        self._real(session, edition, after, up_to, now)
        self.ranges += 1
        self._at.get(self.ranges, lambda: None)()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Hook:
    return Hook(monkeypatch)


def _whole(database: Database, edition_id: int, readers: int = READERS) -> None:
    """Everybody is there once, the batches say so, and the sender may have it."""
    with database.read() as session:
        who = session.scalars(select(Delivery.address).where(Delivery.edition_id == edition_id)).all()
        assert sorted(who) == sorted(f"reader{n}@example.net" for n in range(readers))
        batches = session.execute(select(Batch.batch, Batch.size, Batch.queued).order_by(Batch.batch)).tuples().all()
        in_each = Counter(session.scalars(select(Delivery.batch)))
        assert [(batch, in_each[batch], in_each[batch]) for batch in range(len(in_each))] == batches
        made = session.get_one(Edition, edition_id)
        assert (made.state, made.chosen, made.frozen_to) == ("sending", readers, None)
        assert report(session, edition_id).counts == ledger.Counts(queued=readers)


def _nothing_left(database: Database, edition_id: int) -> None:
    with database.read() as session:
        assert session.scalars(select(Delivery.seq)).all() == []
        assert session.scalars(select(Batch.batch)).all() == []
        made = session.get_one(Edition, edition_id)
        assert (made.chosen, made.frozen_to) == (None, None)


def test_each_range_is_a_transaction_and_the_state_comes_last(database: Database, desk: Editions, hook: Hook) -> None:
    made = _approved(database, desk)
    hook.kill_at(3)
    with pytest.raises(Killed):
        desk.start(database, made, LATER)
    with database.read() as session:
        stored = session.get_one(Edition, made)
        assert (stored.state, stored.chosen, stored.started_at) == ("approved", None, LATER)
        assert session.scalars(select(Batch.size).order_by(Batch.batch)).all() == SIZES[:2]
        assert not ledger.has_claimable(session, LATER), "nothing goes before everybody is chosen"
        assert report(session, made).counts.chosen == ledger.waiting(session).queued == 0
    desk.tick(database, LATER + MINUTE)
    _whole(database, made)
    with database.read() as session:
        assert session.scalars(select(Batch.size).order_by(Batch.batch)).all() == SIZES


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_killed_inside_any_range_it_goes_on_and_nobody_is_there_twice(
    database: Database, desk: Editions, hook: Hook, number: int
) -> None:
    made = _approved(database, desk)
    hook.kill_at(number)
    with pytest.raises(Killed):
        desk.start(database, made, LATER)
    desk.start(database, made, LATER + MINUTE)
    _whole(database, made)


def test_a_list_that_fits_is_one_transaction(database: Database, desk: Editions, hook: Hook) -> None:
    made = _approved(database, desk)
    assert Editions(desk.config, desk.renderer, range_size=READERS).start(database, made, LATER).chosen == READERS
    assert hook.ranges == 1
    _whole(database, made)


def test_an_edition_that_nobody_gets_is_sent_at_once(database: Database, desk: Editions) -> None:
    with database.write() as session:
        session.execute(update(Subscription).values(state="ended"))
    made = _approved(database, desk)
    assert desk.start(database, made, LATER) == starting.Start("sent", 0)


def test_who_comes_or_leaves_between_the_ranges(database: Database, desk: Editions, hook: Hook) -> None:
    """Whoever was there before the start is in; who left before their range was frozen is not; nobody is in twice."""
    with database.write() as session:
        session.execute(update(Subscriber).where(Subscriber.id == 2).values(state="unconfirmed"))
    made = _approved(database, desk)
    hook.kill_at(3)
    with pytest.raises(Killed):
        desk.start(database, made, LATER)
    people.subscribe(database, 1, LATER, first=READERS)
    with database.write() as session:
        session.execute(update(Subscriber).where(Subscriber.id == 2).values(state="confirmed"))
        session.execute(update(Subscription).where(Subscription.subscriber_id == 20).values(state="ended"))
        session.execute(update(Subscription).where(Subscription.subscriber_id == 5).values(state="ended"))
        session.execute(update(Subscription).where(Subscription.subscriber_id == 5).values(state="active"))
    desk.start(database, made, LATER + MINUTE)
    with database.read() as session:
        frozen = session.scalars(select(Delivery.subscriber_id).order_by(Delivery.subscriber_id)).all()
        assert frozen == [n for n in range(1, READERS + 2) if n not in (2, 20)]
        assert session.get_one(Edition, made).started_at == LATER


@pytest.mark.parametrize("how", ["cancelled", "retracted", "late"])
def test_given_up_between_two_ranges_nothing_of_it_stays(
    database: Database, desk: Editions, hook: Hook, how: str
) -> None:
    clip = newsroom.file(database, FRIDAY, "Another")
    made = _approved(database, desk)
    hook.kill_at(3)
    with pytest.raises(Killed):
        desk.start(database, made, LATER)
    if how == "cancelled":
        assert desk.cancel(database, made, LATER) == 0
    elif how == "retracted":
        newsroom.retract(database, clip, LATER)
    at = LATER + (timedelta(hours=7) if how == "late" else MINUTE)
    desk.tick(database, at)
    _nothing_left(database, made)
    if how != "cancelled":
        people.subscribe(database, 1, at, first=READERS)
        if newsroom.row(database, made).state == "draft":
            desk.approve(database, made, at)
        desk.start(database, made, at)
        _whole(database, made, READERS + 1)


def test_approved_and_started_again_before_it_was_cleared_it_begins_anew(
    database: Database, desk: Editions, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "_CLEARED_AT_ONCE", 1)
    clip = newsroom.file(database, FRIDAY, "Another")
    made = _approved(database, desk)
    hook.kill_at(4)
    with pytest.raises(Killed):
        desk.start(database, made, LATER)
    newsroom.retract(database, clip, LATER)
    desk.approve(database, made, LATER + MINUTE)
    desk.start(database, made, LATER + MINUTE)
    _whole(database, made)
    assert newsroom.row(database, made).started_at == LATER + MINUTE


def test_what_is_called_off_in_the_middle_refuses_to_go_on(
    database: Database, desk: Editions, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _approved(database, desk)
    step = starting._step

    def cancelled_after_the_first(*args: object, going_on: bool, **more: object) -> object:
        if going_on:
            session = args[0]
            assert isinstance(session, Session)
            session.execute(update(Edition).values(state="cancelled"))
        return step(*args, going_on=going_on, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(starting, "_step", cancelled_after_the_first)
    with pytest.raises(Refused, match="is cancelled"):
        desk.start(database, made, LATER)


def test_two_that_start_one_edition_at_once_share_the_work(database: Database, desk: Editions) -> None:
    made = _approved(database, desk)
    ends: list[object] = []
    together = threading.Barrier(2)

    def start() -> None:
        together.wait(5)
        try:
            ends.append(desk.start(database, made, LATER).state)
        except Refused:  # the other had done all of it before this one began
            ends.append("sending")

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert ends == ["sending", "sending"]
    _whole(database, made)


def test_another_thread_writes_between_two_ranges(database: Database, desk: Editions, hook: Hook) -> None:
    """The web waits for one range at most: who has asked for the lock is served before the next."""
    made = _approved(database, desk)
    seen: list[int] = []

    def write() -> None:
        with database.write() as session:
            session.execute(update(Subscriber).where(Subscriber.id == 1).values(language="fr"))
            seen.append(len(session.scalars(select(Batch.batch)).all()))

    writer = threading.Thread(target=write)

    def ask() -> None:
        writer.start()
        if isinstance(database._turn, FairLock):
            line = database._turn._waiting
            until(lambda: bool(line))
        else:
            writer.join(10)  # nothing here is locked against it

    hook.at(2, ask)
    desk.start(database, made, LATER)
    writer.join(10)
    assert seen == [2] if database.sqlite else seen == [1]


def test_another_process_writes_between_two_ranges(
    sqlite_url: str, tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, other = Database(sqlite_url), Database(sqlite_url)
    whole = newsroom.editions(tmp_path)
    newsroom.seen(database, whole, FRIDAY)
    newsroom.file(database, FRIDAY)
    people.subscribe(database, 20, FRIDAY)
    desk = Editions(whole.config, whole.renderer, range_size=4)
    made = _approved(database, desk)
    seen: list[str] = []

    def write() -> None:
        with other.write() as session:
            seen.append(session.get_one(Edition, made).state)

    writer = threading.Thread(target=write)
    hook.at(1, writer.start)
    desk.start(database, made, LATER)
    writer.join(10)
    assert seen == ["approved"], "it came to its turn before the last range"
    database.close()
    other.close()


def test_a_list_sorted_by_provider_is_spread_over_all_batches(
    database: Database, desk: Editions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imported by provider, one after the other; each batch has its share of each, and no run of one provider."""
    monkeypatch.setattr(ranges, "BATCH_SIZE", 100)
    people.subscribe(database, 975, FRIDAY, first=READERS)
    provider = ["gmail.test", "yahoo.test", "web.test", "rest.test"]
    with database.write() as session:
        for n, name in enumerate(provider):
            these = Subscriber.id.between(n * 250 + 1, n * 250 + 250)
            session.execute(
                update(Subscriber).where(these).values(address=Subscriber.address + name),
                execution_options={"synchronize_session": False},
            )
    made = people.edition(database, FRIDAY)
    with database.read() as session:
        rows = session.execute(
            select(Delivery.batch, Delivery.address)
            .where(Delivery.edition_id == made)
            .order_by(Delivery.batch, Delivery.seq)
        ).tuples()
        names = [next(name for name in provider if address.endswith(name)) for _, address in rows]
    assert len(names) == 1000
    for begin in range(0, 1000, 100):
        shares = Counter(names[begin : begin + 100])
        assert all(20 <= shares[name] <= 30 for name in provider), shares
    for begin in range(990):
        assert max(Counter(names[begin : begin + 10]).values()) <= 5
