"""A database that was put back learns from the stop list who has left since; nobody comes back by it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, delete, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool
from stops import Kept

from subscribers import consent, erasing, listing, preferences, suppression
from subscribers.addresses import parse
from subscribers.errors import HasLeft, Suppressed
from subscribers.models import Base, Subscriber
from subscribers.recipients import recipients
from subscribers.replay import Replayed, replay
from subscribers.stoplist import Stop, StopList, Stops
from subscribers.undoing import undo
from syndicate.database import Database

DIGESTS = ("daily", "weekly")
NAMES = ("alice", "bob", "cleo")


def hash_of(key: str) -> str:
    return key[:32]


def erase(session: Session, subscriber_id: int, stops: Stops, now: datetime) -> None:
    erasing.erase(session, subscriber_id, stops=stops, now=now)


@dataclass
class House:
    """A database and what its people do, each step a minute after the other. `stops` is its stop list."""

    session: Session
    stops: Stops
    now: datetime

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def id_of(self, name: str) -> int | None:
        return self.session.scalar(select(Subscriber.id).where(Subscriber.address_hash == f"{name}@example.org"))

    def add(self, name: str, *digests: str) -> None:
        consent.add(
            self.session,
            parse(f"{name}@example.org"),
            digests,
            hash_of=hash_of,
            language="en",
            consent="the sheet",
            way="command",
            now=self._tick(),
        )

    def join(self, name: str, *digests: str) -> None:
        asked = consent.ask(
            self.session,
            parse(f"{name}@example.org"),
            digests,
            hash_of=hash_of,
            language="en",
            way="form",
            words="yes",
            now=self._tick(),
        )
        consent.confirm(self.session, asked.subscriber.id, digests, way="page", stops=self.stops, now=self._tick())

    def leave(self, name: str, digest: str | None) -> None:
        subscriber_id = self.id_of(name)
        if subscriber_id is not None:
            consent.unsubscribe(
                self.session, subscriber_id, digest, way="one-click", stops=self.stops, now=self._tick()
            )

    def choose(self, name: str, *digests: str) -> None:
        found = listing.find(self.session, f"{name}@example.org")
        if found is not None and found.state == "confirmed":
            preferences.choose(self.session, found.id, digests, way="page", stops=self.stops, now=self._tick())

    def undo(self, name: str, digest: str) -> None:
        subscriber_id = self.id_of(name)
        if subscriber_id is not None:
            undo(self.session, subscriber_id, digest, way="page", words="back", stops=self.stops, now=self._tick())

    def suppress(self, name: str, reason: suppression.Reason) -> None:
        suppression.suppress(
            self.session, f"{name}@example.org", address=None, reason=reason, stops=self.stops, now=self._tick()
        )

    def lift(self, name: str) -> None:
        suppression.lift(self.session, f"{name}@example.org", way="command", stops=self.stops, now=self._tick())

    def erase(self, name: str) -> None:
        subscriber_id = self.id_of(name)
        if subscriber_id is not None:
            erase(self.session, subscriber_id, self.stops, self._tick())

    def replay(self, *lists: StopList) -> Replayed:
        return replay(self.session, lists, erase=erase, now=self._tick())

    def getting(self, digest: str) -> set[str]:
        return {
            address.partition("@")[0]
            for _, address, _ in self.session.execute(recipients(digest, now=self.now)).tuples()
        }


@pytest.fixture
def stop_list(tmp_path: Path) -> StopList:
    return StopList(tmp_path / "stop.list", mark="k1")


@pytest.fixture
def house(database: Database, stop_list: StopList, now: datetime) -> Iterator[House]:
    with database.write() as session:
        yield House(session, stop_list, now)


def test_who_left_after_the_copy_was_made_has_left_in_it_too(house: House, stop_list: StopList, now: datetime) -> None:
    for name in NAMES:
        house.add(name, *DIGESTS)
    stop_list.add(
        Stop(now + timedelta(hours=1), "left", "alice@example.org", "weekly"),
        Stop(now + timedelta(hours=1), "left", "bob@example.org", "*"),
    )
    assert house.replay(stop_list) == Replayed(lines=2, changed=2)
    assert (house.getting("weekly"), house.getting("daily")) == ({"cleo"}, {"alice", "cleo"})
    bob = listing.find(house.session, "bob@example.org")
    assert bob is not None
    assert bob.state == "unsubscribed"
    steps = listing.history(house.session, bob.id)
    assert [(step.kind, step.digest, step.way) for step in steps[-3:]] == [
        ("unsubscribed", "daily", "stop-list"),
        ("unsubscribed", "weekly", "stop-list"),
        ("unsubscribed", None, "stop-list"),
    ]
    assert house.replay(stop_list) == Replayed()


def test_who_left_and_came_back_stays_and_who_came_back_for_one_digest_has_that_one(
    house: House, stop_list: StopList, now: datetime
) -> None:
    house.add("alice", *DIGESTS)
    house.add("bob", *DIGESTS)
    later = [now + timedelta(hours=hour) for hour in range(1, 5)]
    stop_list.add(
        Stop(later[0], "left", "alice@example.org", "weekly"),
        Stop(later[1], "left", "bob@example.org", "*"),
        Stop(later[2], "back", "alice@example.org", "weekly"),
        Stop(later[3], "back", "bob@example.org", "daily"),
    )
    house.replay(stop_list)
    assert (house.getting("weekly"), house.getting("daily")) == ({"alice"}, {"alice", "bob"})


def test_what_came_back_makes_nobody_a_recipient_who_was_none(house: House, stop_list: StopList, now: datetime) -> None:
    house.add("alice", "daily")
    stop_list.add(Stop(now + timedelta(hours=1), "back", "alice@example.org", "weekly"))
    stop_list.add(Stop(now + timedelta(hours=1), "lifted", "alice@example.org", ""))
    assert house.replay(stop_list).changed == 0
    assert house.getting("weekly") == set()


def test_people_whom_the_database_does_not_know_cannot_be_brought_back_by_an_import(
    house: House, stop_list: StopList, now: datetime
) -> None:
    stop_list.add(
        Stop(now, "left", "alice@example.org", "weekly"),
        Stop(now, "left", "bob@example.org", "*"),
        Stop(now, "suppressed", "cleo@example.org", "erased"),
    )
    assert house.replay(stop_list).changed == 3
    with pytest.raises(HasLeft):
        house.add("alice", "weekly")
    with pytest.raises(HasLeft):
        house.add("bob", "daily")
    with pytest.raises(Suppressed):
        house.add("cleo", "daily")
    house.join("alice", "weekly")
    assert house.getting("weekly") == {"alice"}


def test_the_lists_of_several_machines_are_read_in_the_order_of_their_moments(
    house: House, stop_list: StopList, now: datetime, tmp_path: Path
) -> None:
    other = StopList(tmp_path / "other.list", mark="k1")
    house.add("alice", "weekly")
    house.add("bob", "weekly")
    stop_list.add(Stop(now + timedelta(hours=2), "back", "alice@example.org", "weekly"))
    stop_list.add(Stop(now + timedelta(hours=1), "back", "bob@example.org", "weekly"))
    other.add(Stop(now + timedelta(hours=1), "left", "alice@example.org", "weekly"))
    other.add(Stop(now + timedelta(hours=2), "left", "bob@example.org", "weekly"))
    house.replay(stop_list, other)
    assert house.getting("weekly") == {"alice"}


def test_what_a_stop_list_has_said_does_not_undo_what_came_later(house: House, stop_list: StopList) -> None:
    """A start reads again what was written since the last one; the database has moved on meanwhile."""
    house.join("alice", *DIGESTS)
    house.leave("alice", None)
    house.join("alice", "weekly")
    house.suppress("bob", "by-hand")
    house.lift("bob")
    house.add("bob", "weekly")
    before = house.getting("weekly"), house.getting("daily")
    assert before == ({"alice", "bob"}, set())
    assert house.replay(stop_list).changed == 0
    assert (house.getting("weekly"), house.getting("daily")) == before


def test_an_erased_person_is_erased_again_in_the_copy(house: House, stop_list: StopList, now: datetime) -> None:
    house.add("alice", "weekly")
    stop_list.add(Stop(now + timedelta(hours=1), "suppressed", "alice@example.org", "erased"))
    house.replay(stop_list)
    house.session.flush()
    alice = listing.find(house.session, "alice@example.org")
    assert alice is not None
    assert (alice.address, alice.state, alice.digests, alice.suppressed) == ("", "unsubscribed", (), "erased")
    assert house.replay(stop_list).changed == 0


def test_who_was_erased_and_allowed_again_is_erased_in_the_copy_and_allowed_again(
    house: House, stop_list: StopList, now: datetime
) -> None:
    house.add("alice", "weekly")
    stop_list.add(Stop(now + timedelta(hours=1), "suppressed", "alice@example.org", "erased"))
    stop_list.add(Stop(now + timedelta(hours=2), "lifted", "alice@example.org", ""))
    assert house.replay(stop_list).changed == 1
    alice = listing.find(house.session, "alice@example.org")
    assert alice is not None
    assert (alice.address, alice.state, alice.digests, alice.suppressed) == ("", "unsubscribed", (), None)


def test_who_came_anew_after_being_erased_is_not_erased_by_the_next_start(house: House, stop_list: StopList) -> None:
    house.add("alice", "weekly")
    house.erase("alice")
    house.lift("alice")
    house.join("alice", "weekly")
    assert house.getting("weekly") == {"alice"}
    assert house.replay(stop_list).changed == 0
    assert house.getting("weekly") == {"alice"}


@dataclass
class _Both:
    """Two databases with the same people: the one in use, and a copy that stands still from some step on."""

    used: House
    copy: House
    copying: bool = True
    got: dict[str, set[str]] = field(default_factory=dict)

    def step(self, act: str, name: str, digest: str) -> None:
        for house in (self.used, self.copy) if self.copying else (self.used,):
            _do(house, act, name, digest)
        self.copy.now = self.used.now


def _do(house: House, act: str, name: str, digest: str) -> None:
    try:
        if act == "add":
            house.add(name, digest)
        elif act == "join":
            house.join(name, digest)
        elif act == "leave":
            house.leave(name, digest)
        elif act == "leave all":
            house.leave(name, None)
        elif act == "choose":
            house.choose(name, digest)
        elif act == "undo":
            house.undo(name, digest)
        elif act == "suppress":
            house.suppress(name, "complaint")
        elif act == "lift":
            house.lift(name)
        else:
            house.erase(name)
    except (HasLeft, Suppressed):
        pass


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "join", "leave", "leave all", "undo", "choose", "suppress", "lift", "erase"]),
        st.sampled_from(NAMES),
        st.sampled_from(DIGESTS),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def two_databases() -> Iterator[tuple[Engine, Engine]]:
    """In memory, and made once: that takes longer than the lives that are lived in them."""
    engines = create_engine("sqlite://", poolclass=StaticPool), create_engine("sqlite://", poolclass=StaticPool)
    for engine in engines:
        Base.metadata.create_all(engine, tables=[Base.metadata.tables[name] for name in _TABLES])
    yield engines
    for engine in engines:
        engine.dispose()


@settings(max_examples=250, deadline=None)
@given(before=_STEPS, since=_STEPS)
def test_whatever_people_did_nobody_gets_by_a_copy_what_they_do_not_get_now(
    before: list[tuple[str, str, str]],
    since: list[tuple[str, str, str]],
    two_databases: tuple[Engine, Engine],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    begin = datetime.fromisoformat("2026-11-25T10:00:00+00:00")
    list_ = StopList(tmp_path_factory.mktemp("list") / "stop.list", mark="k1")
    with Session(two_databases[0]) as first, Session(two_databases[1]) as second:
        for session in (first, second):
            for name in reversed(_TABLES):
                session.execute(delete(Base.metadata.tables[name]))
        both = _Both(House(first, list_, begin), House(second, Kept(), begin))
        for act in before:
            both.step(*act)
        both.copying = False
        had = {digest: both.copy.getting(digest) for digest in DIGESTS}
        for act in since:
            both.step(*act)
        both.copy.replay(list_)
        for digest in DIGESTS:
            now, put_back = both.used.getting(digest), both.copy.getting(digest)
            assert put_back <= now, "somebody would get what they left"
            assert put_back <= had[digest], "somebody came back by a list"
            stayed = {name for name in NAMES if not any(name == who for _, who, _ in since)}
            assert put_back & stayed == had[digest] & stayed, "somebody who did nothing lost their digest"


_TABLES = (
    "subscriber",
    "subscription",
    "consent_event",
    "suppression",
    "stop_mark",
    "confirmation",
    "address_change",
    "bounce_score",
)
