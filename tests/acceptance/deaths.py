"""Ways in which senders die, or seem to: at a random moment, at a named point, stopped beyond their lease, with the
database server crashing under them, with one of their connections to it ended."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from acceptance import evidence
from acceptance.points import SENDING
from acceptance.processes import Senders
from clocks import until
from cluster import Cluster
from sink import SinkProcess
from sqlalchemy import select, text

from syndicate.app.parts import App
from syndicate.models import Owner

WAYS = ("random", *SENDING, "stopped", "server-crash", "backend-ended", "backend-killed")

_IN_RECOVERY = ("in-recovery", "after-recovery")
_PER_MAIL = ("after-354", "after-dot", "after-250")


@dataclass
class Deaths:
    """Lets senders die, as many at a time as there should be. `count` is how often one did, `touched` the ids of the
    processes that died or lost what they held; `meanwhile` is called while they work."""

    app: App
    senders: Senders
    sink: SinkProcess
    told: Callable[[], evidence.Told]
    processes: int
    chance: random.Random
    meanwhile: Callable[[], None]
    cluster: Cluster | None = None
    count: int = 0
    touched: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._armed: set[int] = set()

    def one(self, way: str) -> None:
        """One round: mostly one death."""
        if way in _IN_RECOVERY:
            self._in_recovery(way)
        elif way in SENDING:
            self._at_the_point(way)
        else:
            self.fill()
            self._flow(self.chance.randrange(5, 35))
            self.meanwhile()
            time.sleep(self.chance.uniform(0, 0.03))
            self._by_force(way)

    def fill(self) -> None:
        """As many processes as there should be."""
        while len(self.senders.alive) < self.processes:
            self.senders.begin()

    def calm(self) -> None:
        """Nobody dies any more: who would come to a point later is replaced."""
        for child in self._armed.intersection(self.senders.alive):
            self._strike(child)
        self.fill()

    def _by_force(self, way: str) -> None:
        victim = self.chance.choice(self.senders.alive)
        match way:
            case "random":
                self._strike(victim)
            case "stopped":
                self._stopped(victim)
            case "server-crash":
                assert self.cluster
                self.touched.update(self.senders.alive)
                self.cluster.crash()
                self.cluster.start_again()
                self.count += 1
            case "backend-ended" | "backend-killed":
                self._backend(way)

    def _strike(self, victim: int) -> None:
        self.senders.kill(victim)
        self.touched.add(victim)
        self.count += 1

    def _at_the_point(self, point: str) -> None:
        for child in set(self.senders.alive) - self._armed:
            self._strike(child)  # or it might send all there is while the others have not come to their point
        while len(self.senders.alive) < self.processes:
            most = 25 if point in _PER_MAIL else 9
            self._armed.add(self.senders.begin(point=point, left=self.chance.randrange(2, most)))
        self.meanwhile()
        self.touched.add(self.senders.next_death())
        self.count += 1

    def _in_recovery(self, point: str) -> None:
        """Let all die with mails on the wire; of those who find them one dies of it, and then the rest is killed."""
        self.fill()
        self._flow(self.chance.randrange(5, 25))
        self.meanwhile()
        while self.senders.alive:
            self._strike(self.senders.alive[0])
        for _ in range(self.processes):
            self.senders.begin(point=point)
        self.touched.add(self.senders.next_death())
        self.count += 1
        while self.senders.alive:
            self._strike(self.senders.alive[0])

    def _stopped(self, victim: int) -> None:
        """It stands still until another has taken it for dead, and for as long again as that one needs for some mails;
        then it goes on, and must be a new owner before it sends."""
        owners = self._owners_of(victim)
        self.senders.stop_for_a_while(victim)
        self.touched.add(victim)
        self.count += 1
        until(lambda: not owners & self._owners_there(), 30)
        self._flow(5)
        self.senders.go_on(victim)
        until(lambda: bool(self._owners_of(victim) - owners), 30)

    def _owners_of(self, process: int) -> set[str]:
        return {owner for owner, pid in self.told().pids.items() if pid == process}

    def _owners_there(self) -> set[str]:
        with self.app.database.read() as session:
            return set(session.scalars(select(Owner.id)).all())

    def _backend(self, way: str) -> None:
        """End one that is just then in a slot commit. A killed one takes all others with it: the server starts over."""
        end = "SELECT pid, pg_terminate_backend(pid)" if way == "backend-ended" else "SELECT pid"
        busy = text(
            f"{end} FROM pg_locks WHERE relation = 'slot'::regclass AND mode = 'RowExclusiveLock'"
            " AND pid <> pg_backend_pid() LIMIT 1"
        )
        found: list[int] = []

        def one() -> bool:
            with self.app.database.read() as session:
                found.extend(session.scalars(busy).all())
            return bool(found)

        until(one, 60)
        backend = found[0]
        if way == "backend-killed":
            assert self.cluster
            self.cluster.kill_backend(backend)
        self.touched.update(self.senders.alive)
        self.count += 1

    def _flow(self, mails: int) -> None:
        """Return when so many more mails have arrived."""
        floor = self.sink.count() + mails
        until(lambda: self.sink.count() >= floor, 60)
