"""One campaign: an edition is sent while its senders are killed again and again, and then the history is judged."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Literal

from acceptance import evidence
from acceptance.history import History, Leave, Violation, judge
from acceptance.processes import Senders
from acceptance.sites import new_site, publish_one, readers
from acceptance.table import Row
from clocks import until
from sink import SinkProcess
from sqlalchemy import select, text

from subscribers import consent, suppression
from subscribers.models import Subscriber
from syndicate.app.parts import App, open_site
from syndicate.editions.report import report
from syndicate.models import Delivery, Letter
from syndicate.outbox import ledger

CONNECTIONS = 8
_RECOVERY = ("in-recovery", "after-recovery")
_PER_MAIL = ("after-354", "after-dot", "after-250")
_PEOPLE_A_KILL = 40
_RESERVE = 80


@dataclass(frozen=True)
class Plan:
    """`url` is the address of an empty PostgreSQL database, None for SQLite. The deaths fall at `points` in turn, each
    a named one or `random`. With `life`, people leave, are suppressed and ask for letters meanwhile, and the edition
    is paused and resumed; with `cancel` it is called off at the end."""

    policy: Literal["hold", "resend"]
    points: tuple[str, ...]
    kills: int
    seed: int
    url: str | None = None
    processes: int = 1
    life: bool = True
    cancel: bool = False

    @property
    def database(self) -> str:
        return "PostgreSQL" if self.url else "SQLite"

    @property
    def where(self) -> str:
        """Where its deaths fall, in words."""
        places = self.points[0] if len(self.points) == 1 else "each in turn"
        return f"{places}, cancelled" if self.cancel else places


@dataclass(frozen=True)
class Verdict:
    """How a campaign ended: its row of the table, what it broke, and its history."""

    row: Row
    violations: list[Violation]
    history: History


class NothingMet(AssertionError):
    """The kills of a campaign met nothing on the wire: it has shown nothing."""


def run(plan: Plan, folder: Path) -> Verdict:
    """Run the campaign in this empty folder. Raises NothingMet, and NoDeath if its point was never passed."""
    began = time.monotonic()
    with SinkProcess(folder / "got.jsonl", delay=0.03, seed=plan.seed) as sink:
        config = new_site(folder / "site", smtp_port=sink.port, connections=CONNECTIONS, database_url=plan.url)
        _set_policy(config, plan.policy)
        told = folder / "told.jsonl"
        with open_site(config) as app, Senders(config, told) as senders:
            campaign = Campaign(plan, app, senders, sink)
            campaign.begin()
            campaign.kill()
            campaign.finish()
            account = evidence.read(told)
            found = evidence.history(
                app,
                campaign.edition,
                account,
                sink.received(),
                policy=plan.policy,
                expected=campaign.people,
                asked=campaign.asked,
                leaves=campaign.leaves,
            )
    met = account.met(campaign.killed)
    row = Row(
        database=plan.database,
        processes=plan.processes,
        policy=plan.policy,
        point=plan.where,
        kills=len(campaign.killed),
        met=met,
        uncertain=len(found.doubted),
        duplicates=len(found.duplicates),
        unmarked=len(found.unmarked),
        lost=len(found.lost),
        seconds=time.monotonic() - began,
    )
    _met_something(row)
    return Verdict(row, judge(found), found)


def _met_something(row: Row) -> None:
    if not row.met:
        raise NothingMet(f"{row.kills} kills met no occupied slot: {row}")
    if row.kills >= 10 and not row.uncertain:
        raise NothingMet(f"{row.kills} kills left nothing in doubt: {row}")


def _set_policy(config: Path, policy: str) -> None:
    before = config.read_text(encoding="utf-8")
    after = before.replace('uncertain = "hold"', f'uncertain = "{policy}"')
    assert policy in after.split('uncertain = "')[1][:7]
    config.write_text(after, encoding="utf-8")


@contextmanager
def small_batches() -> Iterator[None]:
    """Recipients are frozen into batches so small that each process has some, and gives many back."""
    usual = ledger.BATCH_SIZE
    ledger.BATCH_SIZE = 20
    yield
    ledger.BATCH_SIZE = usual


@dataclass
class Campaign:
    """What happens to one edition. `killed` are the process ids of the dead, `leaves` who may not be mailed any more,
    `asked` who asked for a letter."""

    plan: Plan
    app: App
    senders: Senders
    sink: SinkProcess
    edition: int = 0
    people: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.plan.seed)
        self._armed: set[int] = set()

    def begin(self) -> None:
        """An edition that is sending, and nobody sends yet."""
        self.people = readers(self.app, _RESERVE + _PEOPLE_A_KILL * self.plan.kills)
        publish_one(self.app, "What a pardon takes")
        with small_batches():
            self.edition = self.app.editions.send_now(self.app.database, "weekly", "k", self.app.clock())

    def kill(self) -> None:
        """As many deaths as planned, one after another."""
        points = cycle(self.plan.points)
        while len(self.killed) < self.plan.kills:
            point = next(points)
            if point == "random":
                self._at_random()
            elif point in _RECOVERY:
                self._in_recovery(point)
            else:
                self._at_the_point(point)

    def finish(self) -> None:
        """Nobody dies any more: the edition comes to its end, and the senders stop in order."""
        self._fill()
        if self.plan.cancel:
            self.app.editions.cancel(self.app.database, self.edition, self.app.clock())
        until(self._over, 60)
        for child in list(self.senders.alive):
            assert self.senders.end(child) == 0
        self._alone()

    def _fill(self) -> None:
        """As many processes as planned."""
        while len(self.senders.alive) < self.plan.processes:
            self.senders.begin()

    def _at_random(self) -> None:
        self._fill()
        self._flow(self._chance.randrange(5, 35))
        self._live()
        time.sleep(self._chance.uniform(0, 0.03))
        self._strike(self._chance.choice(self.senders.alive))

    def _strike(self, victim: int) -> None:
        self.senders.kill(victim)
        self.killed.append(victim)

    def _at_the_point(self, point: str) -> None:
        for child in set(self.senders.alive) - self._armed:
            self._strike(child)  # or it might send all there is while the others have not come to their point
        while len(self.senders.alive) < self.plan.processes:
            most = 25 if point in _PER_MAIL else 9
            self._armed.add(self.senders.begin(point=point, left=self._chance.randrange(2, most)))
        self._live()
        self.killed.append(self.senders.next_death())

    def _in_recovery(self, point: str) -> None:
        """Let all die with mails on the wire; of those who find them one dies of it, and then the rest is killed."""
        self._fill()
        self._flow(self._chance.randrange(5, 25))
        self._live()
        while self.senders.alive:
            self._strike(self.senders.alive[0])
        for _ in range(self.plan.processes):
            self.senders.begin(point=point)
        self.killed.append(self.senders.next_death())
        while self.senders.alive:
            self._strike(self.senders.alive[0])

    def _flow(self, mails: int) -> None:
        """Return when so many more mails have arrived."""
        floor = self.sink.count() + mails
        until(lambda: self.sink.count() >= floor, 60)

    def _live(self) -> None:
        """What goes on in a site meanwhile."""
        if not self.plan.life:
            return
        with self.app.database.write() as session:
            address = f"newcomer{len(self.asked):04}@example.net"
            self.app.signup.ask(session, address, ["weekly"], way="form", words="yes", now=self.app.clock())
        self.asked.append(address)
        for who, way in zip(self._next_ones(2), ("leave", "suppress"), strict=False):
            self._away(who, way)
        if self._chance.random() < 0.3:
            self.app.editions.pause(self.app.database, self.edition, self.app.clock())
            time.sleep(self._chance.uniform(0, 0.05))
            self.app.editions.resume(self.app.database, self.edition, self.app.clock())

    def _next_ones(self, number: int) -> list[str]:
        """Some of those whose mail is likely to be the next."""
        gone = {leave.who for leave in self.leaves}
        with self.app.database.read() as session:
            waiting = session.scalars(
                select(Delivery.address)
                .where(Delivery.edition_id == self.edition, Delivery.state == "queued")
                .order_by(Delivery.batch, Delivery.seq)
                .limit(30 + len(gone))
            ).all()
        ready = [address for address in waiting if address not in gone]
        return self._chance.sample(ready, min(number, len(ready)))

    def _away(self, who: str, way: str) -> None:
        now = self.app.clock()
        with self.app.database.write() as session:
            person = session.scalars(select(Subscriber).where(Subscriber.address == who)).one()
            if way == "leave":
                consent.unsubscribe(session, person.id, "weekly", way="link", now=now)
            else:
                suppression.suppress(session, person.address_hash, address=who, reason="by-hand", now=now)
        self.leaves.append(Leave(who, time.monotonic()))

    def _over(self) -> bool:
        time.sleep(0.03)
        with self.app.database.read() as session:
            if session.scalar(select(Letter.id).where(Letter.state == "queued").limit(1)) is not None:
                return False
            if session.scalar(select(Delivery.seq).where(Delivery.state == "queued").limit(1)) is not None:
                return False
            return report(session, self.edition).state in ("sent", "incomplete", "cancelled")

    def _alone(self) -> None:
        """Wait until PostgreSQL has ended what the dead had asked of it."""
        if self.app.database.sqlite:
            return
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        self.app.database.engine.dispose()

        def alone() -> bool:
            with self.app.database.read() as session:
                return session.scalar(others) == 0

        until(alone)
