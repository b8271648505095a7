"""Whatever people do, in whatever order, the one query names exactly those who may get a mail."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool
from stops import Kept

from subscribers import consent, pausing, preferences, suppression
from subscribers.addresses import parse
from subscribers.errors import HasLeft, NotConfirmed, Suppressed
from subscribers.listing import listing
from subscribers.models import Base, BounceScore, ConsentEvent, Subscriber, Subscription
from subscribers.models import Suppression as SuppressionRow
from subscribers.recipients import count, recipients, still_wanted
from subscribers.undoing import OWN_WAYS, UNDO, undo
from syndicate.database import Database

DIGESTS = ("daily", "weekly", "monthly")
NAMES = ("ann", "bob", "cleo")
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ACTS = ("ask", "confirm", "add", "leave", "choose", "suppress", "lift", "undo", "pause", "end_pause")
MODELS = (Subscriber, Subscription, ConsentEvent, SuppressionRow, BounceScore)
TABLES = [Base.metadata.tables[model.__tablename__] for model in MODELS]


@dataclass
class Person:
    """What the rules say of one person, kept apart from any database."""

    state: str = "unconfirmed"
    wishes: dict[str, str] = field(default_factory=dict)
    suppressed: bool = False
    known: bool = False
    paused_until: datetime = START
    ended: dict[str, tuple[datetime, bool]] = field(default_factory=dict)

    def gets(self, digest: str, at: datetime) -> bool:
        wanted = self.state == "confirmed" and self.wishes.get(digest) == "active"
        return wanted and not self.suppressed and self.paused_until <= at

    def confirm(self) -> None:
        if self.state != "confirmed":
            self.state, self.paused_until = "confirmed", START

    def back(self, digest: str, at: datetime) -> tuple[str, ...]:
        """What the button of this digest's link brings back: all that came and that the person ended in that step."""
        step, undone = self.ended.get(digest, (START, False))
        if not undone or self.wishes.get(digest) != "ended" or self.suppressed or at >= step + UNDO:
            return ()
        same = (d for d, ended in self.ended.items() if ended == (step, True))
        return tuple(sorted(d for d in same if self.wishes[d] == "ended"))

    def leave(self, digests: Iterable[str], at: datetime, way: str) -> tuple[str, ...]:
        gone = tuple(sorted(d for d in digests if self.wishes.get(d) in ("asked", "active")))
        self.ended |= {d: (at, way in OWN_WAYS and self.wishes[d] == "active") for d in gone}
        self.wishes |= dict.fromkeys(gone, "ended")
        needed = "active" if self.state == "confirmed" else "asked"
        if gone and needed not in self.wishes.values():
            self.state = "unsubscribed"
        return gone


class World:
    """The rooms and the rules side by side: each act is done to both, and what it answers is compared."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.people = {name: Person() for name in NAMES}
        self.ids: dict[str, int] = {}
        self.now = START

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def ask(self, name: str, digests: tuple[str, ...]) -> None:
        person = self.people[name]
        asked = consent.ask(
            self.session,
            parse(f"{name}@example.org"),
            digests,
            hash_of=lambda key: key,
            language="en",
            way="form",
            words="Yes",
            now=self.tick(),
        )
        assert asked.suppressed == person.suppressed
        self.ids[name], person.known = asked.subscriber.id, True
        if not person.suppressed:
            person.wishes |= {d: "asked" for d in digests if person.wishes.get(d) != "active"}

    def confirm(self, name: str, digests: tuple[str, ...]) -> None:
        person = self.people[name]
        works = not person.suppressed and any(person.wishes.get(d) in ("asked", "active") for d in digests)
        done = consent.confirm(self.session, self.ids.get(name, -1), digests, way="page", stops=Kept(), now=self.tick())
        assert done == works
        if works:
            if any(person.wishes.get(d) == "asked" for d in digests):
                person.confirm()
            person.wishes |= {d: "active" for d in digests if person.wishes.get(d) == "asked"}

    def add(self, name: str, digests: tuple[str, ...]) -> None:
        person, refusal = self.people[name], None
        left = any(person.wishes.get(d) == "ended" for d in digests)
        try:
            added = consent.add(
                self.session,
                parse(f"{name}@example.org"),
                digests,
                hash_of=lambda key: key,
                language="en",
                consent="on paper",
                way="command",
                now=self.tick(),
            )
        except (Suppressed, HasLeft) as error:
            refusal = type(error)
        if person.suppressed:
            assert refusal is Suppressed
        elif person.state == "unsubscribed" or left:
            assert refusal is HasLeft
        else:
            assert refusal is None
            self.ids[name], person.known = added.id, True
            person.confirm()
            person.wishes |= dict.fromkeys(digests, "active")

    def leave(self, name: str, digest: str | None, way: str = "page") -> None:
        person = self.people[name]
        if not person.known:
            return
        ended = consent.unsubscribe(self.session, self.ids[name], digest, way=way, stops=Kept(), now=self.tick())
        assert ended == person.leave(DIGESTS if digest is None else (digest,), self.now, way)
        if digest is None:
            person.state = "unsubscribed"

    def choose(self, name: str, digests: tuple[str, ...]) -> None:
        person = self.people[name]
        if not person.known:
            return
        try:
            change = preferences.choose(
                self.session, self.ids[name], digests, way="page", stops=Kept(), now=self.tick()
            )
        except NotConfirmed:
            assert person.state != "confirmed"
            return
        assert person.state == "confirmed"
        assert set(change.added) == {d for d in digests if person.wishes.get(d) != "active"}
        person.wishes |= dict.fromkeys(digests, "active")
        assert change.ended == person.leave(set(DIGESTS) - set(digests), self.now, "page")

    def undo(self, name: str, digest: str) -> None:
        person = self.people[name]
        if not person.known:
            return
        back = undo(self.session, self.ids[name], digest, way="page", words="back", stops=Kept(), now=self.tick())
        assert back == person.back(digest, self.now)
        if back:
            person.wishes |= dict.fromkeys(back, "active")
            person.state = "confirmed"

    def pause(self, name: str, days: int) -> None:
        person = self.people[name]
        if person.state != "confirmed":
            return
        until = self.tick() + timedelta(days=days)
        pausing.pause(self.session, self.ids[name], until, way="page", words="x", now=self.now)
        person.paused_until = until

    def end_pause(self, name: str) -> None:
        person = self.people[name]
        if not person.known:
            return
        over = pausing.end_pause(self.session, self.ids[name], way="page", now=self.tick())
        assert over == (person.paused_until > self.now)
        person.paused_until = min(person.paused_until, self.now)

    def suppress(self, name: str) -> None:
        new = suppression.suppress(
            self.session, f"{name}@example.org", address=None, reason="by-hand", stops=Kept(), now=self.tick()
        )
        assert new != self.people[name].suppressed
        self.people[name].suppressed = True

    def lift(self, name: str) -> None:
        lifted = suppression.lift(self.session, f"{name}@example.org", way="command", stops=Kept(), now=self.tick())
        assert lifted == self.people[name].suppressed
        self.people[name].suppressed = False

    def check(self) -> None:
        """The query, its count and its second look agree with the rules, and so does what people read."""
        for digest in DIGESTS:
            expected = sorted(self.ids[name] for name, person in self.people.items() if person.gets(digest, self.now))
            assert [row.subscriber_id for row in self.session.execute(recipients(digest, now=self.now))] == expected
            assert count(self.session, digest, now=self.now) == len(expected)
            again = still_wanted(digest, list(self.ids.values()), now=self.now)
            assert list(self.session.scalars(again)) == expected
        listed = {who.address: who for who in listing(self.session)}
        known: Mapping[str, Person] = {name: person for name, person in self.people.items() if person.known}
        assert set(listed) == {f"{name}@example.org" for name in known}
        for name, person in known.items():
            who = listed[f"{name}@example.org"]
            assert who.state == person.state
            assert set(who.digests) == {d for d, wish in person.wishes.items() if wish == "active"}
            assert set(who.asked) == {d for d, wish in person.wishes.items() if wish == "asked"}


class AnyOrder(RuleBasedStateMachine):
    """The rooms on a database of their own, with no other table than theirs."""

    names = st.sampled_from(NAMES)
    some = st.lists(st.sampled_from(DIGESTS), min_size=1, max_size=3).map(tuple)
    letters = Bundle("letters")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        Base.metadata.create_all(self.engine, tables=TABLES)
        self.session = Session(self.engine)
        self.world = World(self.session)

    @rule(target=letters, name=names, digests=some)
    def ask(self, name: str, digests: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        self.world.ask(name, digests)
        return name, digests

    @rule(letter=letters)
    def confirm_what_a_letter_asked(self, letter: tuple[str, tuple[str, ...]]) -> None:
        self.world.confirm(*letter)

    @rule(name=names, digests=some)
    def add(self, name: str, digests: tuple[str, ...]) -> None:
        self.world.add(name, digests)

    @rule(name=names, digest=st.sampled_from((*DIGESTS, None)), way=st.sampled_from(("page", "one-click", "command")))
    def leave(self, name: str, digest: str | None, way: str) -> None:
        self.world.leave(name, digest, way)

    @rule(name=names, digest=st.sampled_from(DIGESTS))
    def undo(self, name: str, digest: str) -> None:
        self.world.undo(name, digest)

    @rule(name=names, days=st.integers(1, 20))
    def pause(self, name: str, days: int) -> None:
        self.world.pause(name, days)

    @rule(name=names)
    def end_pause(self, name: str) -> None:
        self.world.end_pause(name)

    @rule(days=st.integers(1, 9))
    def time_goes_by(self, days: int) -> None:
        self.world.now += timedelta(days=days)

    @rule(name=names, digests=st.one_of(some, st.just(())))
    def choose(self, name: str, digests: tuple[str, ...]) -> None:
        self.world.choose(name, digests)

    @rule(name=names)
    def suppress(self, name: str) -> None:
        self.world.suppress(name)

    @rule(name=names)
    def lift(self, name: str) -> None:
        self.world.lift(name)

    @invariant()
    def the_query_is_right(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        self.session.close()
        self.engine.dispose()


AnyOrder.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None, derandomize=True)
TestAnyOrder = AnyOrder.TestCase


def test_a_long_random_life_is_right_on_both_databases(database: Database) -> None:
    """The same acts as above, many in a row, each in a transaction of its own."""
    chance = random.Random(20261124)
    with database.read() as session:
        world = World(session)
    for step in range(150):
        name = chance.choice(NAMES)
        digests = tuple(chance.sample(DIGESTS, chance.randint(1, 3)))
        act = chance.choices(ACTS, (6, 6, 3, 3, 3, 1, 2, 4, 2, 1))[0]
        with database.write() as session:
            world.session = session
            match act:
                case "leave":
                    world.leave(name, chance.choice((*DIGESTS, None)))
                case "undo":
                    world.undo(name, digests[0])
                case "pause":
                    world.pause(name, 2)
                    world.now += timedelta(hours=chance.choice((1, 30)))
                case "suppress" | "lift" | "end_pause":
                    getattr(world, act)(name)
                case _:
                    getattr(world, act)(name, digests)
        if step % 5 == 0:
            with database.read() as session:
                world.session = session
                world.check()
    assert len(world.ids) == len(NAMES)
