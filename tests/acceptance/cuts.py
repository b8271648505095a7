"""A campaign of power cuts: a sender under the library is cut again and again, and what a disk may hold is judged."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acceptance.powercut import Disk
from acceptance.sites import new_site, publish_one, readers
from acceptance.table import Row
from acceptance.victims import Victims
from clocks import until
from sink import SinkProcess

from syndicate.app.parts import open_site

CONNECTIONS = 8
_MAILS_A_CUT = 20
_KEEPS = (0.0, 0.5, 0.9)

# How often a sender comes by, in the time it is given.
_REACHED = {
    ("write", "-wal"): 120,
    ("sync", "-wal"): 20,
    ("write", ".db"): 8,
    ("sync", ".db"): 3,
    ("rename", ".count"): 3,
}

# Operation, end of the file's name, and whether the cut comes after it.
POINTS = (
    ("write", "-wal", False),  # in the middle of a commit
    ("sync", "-wal", False),  # the commit is written, not synced
    ("sync", "-wal", True),  # synced, and nobody knows yet
    ("write", ".db", False),  # in the middle of a checkpoint
    ("sync", ".db", False),  # all of a checkpoint is written, not synced
    ("sync", ".db", True),
    ("rename", ".count", False),  # the number beside the secret
    ("rename", ".count", True),
)


@dataclass
class Account:
    """What a campaign has shown. `calls` counts the operations that the library saw. `lost_marks` names each mail that
    the relay has while some possible disk knows nothing of it; `unmarked` names who got a second copy without being
    called uncertain. `met` counts the mails that were on the wire at the cuts."""

    seed: int
    cuts: int = 0
    at_points: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    met: int = 0
    at_risk: int = 0
    disks: int = 0
    uncertain: int = 0
    duplicates: int = 0
    lost_marks: list[str] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    state: str = ""
    held: str | None = None
    seconds: float = 0.0

    def faults(self) -> list[str]:
        """What this shows to be wrong, in words; or that it has shown nothing."""
        found = [f"a power cut made the outbox held: {self.held}"] if self.held else []
        found += [f"the ledger forgets the mail of {address}" for address in self.lost_marks]
        found += [f"{address} got a second copy that nobody marked" for address in self.unmarked]
        found += [f"{address} got nothing, and nobody knows" for address in self.lost]
        if self.state != ("incomplete" if self.uncertain else "sent"):
            found.append(f"the edition ended {self.state} with {self.uncertain} uncertain")
        seen = {
            "the library": self.calls["write"],
            "the wire": self.met,
            "syncs": self.at_risk,
            "points": self.at_points,
        }
        return found + [
            f"nothing was met of {name}: this has shown nothing" for name, number in seen.items() if not number
        ]

    def row(self, point: str) -> Row:
        """The row of this campaign in the table of a chaos run."""
        return Row(
            database="SQLite",
            processes=1,
            policy="hold",
            point=point,
            kills=self.cuts,
            met=self.met,
            uncertain=self.uncertain,
            duplicates=self.duplicates,
            unmarked=len(self.unmarked),
            lost=len(self.lost),
            seconds=self.seconds,
        )


@dataclass(frozen=True)
class Marks:
    """What a database knows: the state of each address, and the addresses that slots name."""

    states: dict[str, str]
    named: set[str]

    @classmethod
    def of(cls, database: Path) -> "Marks":
        """Read as the next process would find it. Fails if the database is damaged."""
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            states = dict(connection.execute("SELECT address, state FROM delivery"))
            named = connection.execute("SELECT address FROM delivery JOIN slot USING (edition_id, batch, seq)")
            return cls(states, {address for (address,) in named})

    def forgotten(self, received: set[str]) -> set[str]:
        """Who has the mail while nothing here says that they may."""
        marked = {address for address, state in self.states.items() if state in ("accepted", "uncertain")}
        return received - marked - self.named


class Campaign:
    """A site with its readers, a sink and a sender that is cut; made and run once."""

    def __init__(
        self, room: Path, library: Path, *, cuts: int, synchronous: str | None = None, seed: int = 1, disks: int = 3
    ) -> None:
        """`room` is an empty folder; at each cut that many `disks` are judged, of which one goes on. `synchronous`
        stands in for the durability that the program asks of SQLite."""
        self._room = room
        self._library = library
        self._log = room / "senders.log"
        self._cuts = cuts
        self._synchronous = synchronous
        self._disks = disks
        self._chance = random.Random(seed)
        self.account = Account(seed)
        self._people: list[str] = []
        self._named: set[str] = set()

    def run(self, enough: Callable[[Account], bool] = lambda _: False) -> Account:
        """All the cuts, or until it is `enough`; then a fresh process without the library goes on to the end."""
        began = time.monotonic()
        with SinkProcess(self._room / "got.jsonl", delay=0.02, seed=self.account.seed) as sink:
            config = new_site(self._room / "site", smtp_port=sink.port, connections=CONNECTIONS)
            self._edition(config)
            journal = self._room / "journal"
            journal.mkdir()
            disk = Disk(config.parent, self._library, journal)
            with Victims(config, disk.environment(sync_microseconds=300), self._log) as victims:
                while self.account.cuts < self._cuts and not (enough(self.account) or self._is_held()):
                    disk.begin()
                    self._one(victims, sink)
                    self._judge(disk, sink)
            self._finish(config, sink)
        self.account.seconds = time.monotonic() - began
        return self.account

    def _edition(self, config: Path) -> None:
        with open_site(config, clock=lambda: datetime.now(UTC)) as app:
            self._people = readers(app, self._cuts * (_MAILS_A_CUT + CONNECTIONS) + 60)
            publish_one(app, "What a pardon takes")
            app.editions.send_now(app.database, "weekly", "k", app.clock())

    def _one(self, victims: Victims, sink: SinkProcess) -> None:
        """One sender from its beginning to the cut: at a moment, or at a point in its way through the files."""
        chance = self._chance
        wish: dict[str, Any] = {"synchronous": self._synchronous, "checkpoint": chance.choice((20, 60, 1000))}
        before = len(sink.received())
        at_point = chance.random() < 0.6
        if at_point:
            operation, suffix, after = chance.choice(POINTS)
            wish["point"] = (operation, suffix, chance.randrange(1, _REACHED[operation, suffix]), after)
        victims.begin(**wish)
        floor = before + (2 * _MAILS_A_CUT if at_point else chance.randrange(3, 2 * _MAILS_A_CUT))
        until(lambda: victims.gone or len(sink.received()) >= floor or self._is_held() or self._is_over(), 120)
        if not victims.gone:
            time.sleep(chance.uniform(0, 0.02))
        elif at_point:
            self.account.at_points[f"{'after' if after else 'before'} {operation} {suffix}"] += 1
        victims.cut()
        self.account.cuts += 1

    def _is_over(self) -> bool:
        """Whether nothing is left to be sent: then no more mails come, and those in doubt may never have come."""
        file = (self._room / "site" / "syndicate.db").as_uri()
        with closing(sqlite3.connect(f"{file}?mode=ro", uri=True)) as ledger:
            return bool(ledger.execute("SELECT count(*) FROM edition WHERE state <> 'sending'").fetchone()[0])

    def _is_held(self) -> bool:
        """Whether a sender has found its database to be older than the number beside the secret, and sends nothing."""
        return "the outbox is held" in self._log.read_text(encoding="utf-8")

    def _judge(self, disk: Disk, sink: SinkProcess) -> None:
        """Look at several disks that this cut may have left; the first is the one that goes on."""
        account, replay = self.account, disk.replay()
        account.calls.update(replay.calls)
        account.at_risk += bool(replay.at_risk)
        received = {row["to"] for row in sink.received()}
        for number in range(self._disks):
            files = replay.after_cut(self._chance, self._chance.choice(_KEEPS))
            marks = self._marks(disk, files)
            account.disks += 1
            account.lost_marks += sorted(marks.forgotten(received))
            if not number:
                account.met += len(marks.named)
                self._named |= marks.named
                goes_on = files
        disk.become(goes_on)

    def _marks(self, disk: Disk, files: dict[str, bytes]) -> Marks:
        place = self._room / "look"
        place.mkdir(exist_ok=True)
        disk.become(files, place)
        return Marks.of(place / "syndicate.db")

    def _finish(self, config: Path, sink: SinkProcess) -> None:
        database, account = config.with_name("syndicate.db"), self.account

        def over() -> bool:
            with closing(sqlite3.connect(database)) as connection:
                account.state, account.held = connection.execute(
                    "SELECT edition.state, held_reason FROM edition, outbox"
                ).fetchone()
            return account.state in ("sent", "incomplete", "held")

        with Victims(config, {}, self._log) as fresh:
            fresh.begin()
            until(over, 120)
            assert fresh.end() == 0
        marks = Marks.of(database)
        copies = Counter(row["to"] for row in sink.received())
        uncertain = {address for address, state in marks.states.items() if state == "uncertain"}
        twice = {address for address, number in copies.items() if number > 1}
        accepted = {address for address, state in marks.states.items() if state == "accepted"}
        account.uncertain = len(uncertain)
        account.duplicates = len(twice)
        account.unmarked = sorted(twice - uncertain)
        account.lost = sorted((set(self._people) - set(copies) - uncertain) | (accepted - set(copies)))
        assert uncertain <= self._named | twice, "uncertain, and no slot ever named it"
