"""Months of a newsroom's life, played at random on a real database: clippings come and go, ticks fall whenever they
fall, people send by hand, cancel, pause and change the timetable. `weeks_rules` says what must hold after each step."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
from sqlalchemy import select

from syndicate.clippings import store
from syndicate.clippings.archive_pages.values import ArchivedClipping
from syndicate.clippings.store import NewClipping
from syndicate.database import Database
from syndicate.datelines import Dateline
from syndicate.editions.lifecycle import Editions
from syndicate.editions.retractions import item_changed
from syndicate.errors import Refused
from syndicate.models import Clipping, Edition
from syndicate.outbox import leases, ledger, slots
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Result
from syndicate.timetable import parse

OWNER = "sender"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCHEDULES = (
    "thursday 09:00",
    "mon,thu 07:30",
    "daily 02:30",
    "monthly 31 09:00",
    "30 1 * * sun,wed",
    "*/40 0-3 * * sun",
    "each",
)
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC")
STEPS_OF = {
    "draft": ("approve", "approve"),
    "approved": ("start", "start", "withdraw"),
    "held": ("approve",),
    "sending": ("pause",),
    "paused": ("resume", "resume"),
}
STARTS = (datetime(2026, 10, 20, 12, 7, tzinfo=UTC), datetime(2027, 3, 3, 23, 58, 30, tzinfo=UTC))


@dataclass(frozen=True)
class Settings:
    """What an operator may change between two starts of the program."""

    schedule: str = "thursday 09:00"
    zone: str = "America/New_York"
    min_items: int = 1
    max_items: int = 30
    max_age: timedelta = 45 * DAY
    cutoff: timedelta = timedelta(0)
    hold_period: timedelta = timedelta(0)
    late: str = "hold"
    approval: bool = False

    def editions(self, folder: Path) -> Editions:
        digest = (
            f'min_items = {self.min_items}\nmax_items = {self.max_items}\ncutoff = "{_minutes(self.cutoff)}"\n'
            f'max_age = "{_minutes(self.max_age)}"'
        )
        sending = f'late = "{self.late}"\nhold_period = "{_minutes(self.hold_period)}"'
        return newsroom.editions(
            folder, self.schedule, timezone=self.zone, sending=sending, approval=self.approval, digest=digest
        )


QUIET = Settings(schedule="daily 09:00", zone="UTC", max_items=300, late="send")


@dataclass
class Weeks:
    """One newsroom at one moment. `received` is what each reader got or may have got, mail by mail."""

    database: Database
    folder: Path
    seed: int
    settings: Settings = Settings()
    story: list[str] = field(default_factory=list)
    received: list[tuple[int, int]] = field(default_factory=list)  # reader, edition
    gone: dict[int, int] = field(default_factory=dict)  # cancelled edition: how many mails had gone
    hand: list[DeliveryJob] = field(default_factory=list)
    wire: DeliveryJob | None = None
    batch: tuple[int, int] | None = None
    ended: tuple[int, int] = (0, 0)  # clippings and editions at the end

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.first_seen = self.now = self.latest = self.rng.choice(STARTS)
        self.decided_until = self.first_seen
        self.desk = self.settings.editions(self.folder)
        newsroom.seen(self.database, self.desk, self.now)
        people.subscribe(self.database, self.rng.choice((0, 3)), self.now)
        with self.database.write() as session:
            leases.register(
                session, self.database.clock(), OWNER, lease_seconds=1e9, host="h", version="1", connections=1
            )

    def tell(self, words: str) -> None:
        self.latest = max(self.latest, self.now)
        self.story.append(f"{self.now:%m-%d %H:%M:%S} {words}")

    # time and settings

    def wait(self) -> None:
        kind = self.rng.random()
        if kind < 0.45:
            self.wait_for_slot()
        elif kind < 0.75:
            self.now += timedelta(minutes=self.rng.randint(1, 50), seconds=self.rng.randint(0, 59))
        elif kind < 0.95:
            self.now += self.rng.randint(1, 60) * HOUR
        elif kind < 0.98:
            self.now += self.rng.randint(3, 16) * DAY
        else:
            self.now -= self.rng.randint(1, 5) * HOUR  # a clock set right
        self.tell("it is")

    def wait_for_slot(self) -> None:
        """To the very instant of the next slot, a second before or soon after."""
        coming = parse(self.settings.schedule).coming(self.desk.config.zone, self.now, 1)
        self.now = (coming[0].at if coming else self.now + HOUR) + timedelta(seconds=self.rng.choice((-1, 0, 0, 1, 59)))

    def change(self) -> None:
        rng = self.rng
        options: dict[str, object] = {
            "schedule": rng.choice(SCHEDULES),
            "zone": rng.choice(ZONES),
            "min_items": rng.choice((1, 1, 2, 3)),
            "max_items": rng.choice((3, 5, 30)),
            "max_age": rng.choice((10, 45, 45)) * DAY,
            "cutoff": rng.choice((0, 0, 2, 24)) * HOUR,
            "hold_period": rng.choice((0, 0, 1, 3)) * HOUR,
            "late": rng.choice(("send", "hold", "skip")),
            "approval": rng.random() < 0.2,
        }
        names = rng.sample(sorted(options), rng.randint(1, 3))
        self.restart(replace(self.settings, **{name: options[name] for name in names}))  # type: ignore[arg-type]

    def restart(self, settings: Settings) -> None:
        self.settings = settings
        self.desk = settings.editions(self.folder)
        newsroom.seen(self.database, self.desk, self.now)
        self.tell(f"starts with {settings}")

    # clippings

    def file(self) -> None:
        for _ in range(self.rng.choice((1, 1, 1, 2, 4))):
            section = self.rng.choice(("news", "news", "letters", "sport"))
            with self.database.write() as session:
                clip = store.add(session, NewClipping("Story", section), now=self.now)
                clip.never_mail = self.rng.random() < 0.06
                if self.rng.random() < 0.9:
                    store.publish(session, clip.id, now=self.now)
                self.tell(f"files {clip.id} in {section}, {clip.state}")

    def bring_in_the_archive(self) -> None:
        old = ArchivedClipping(f"Old {self.rng.random()}", Dateline.iso("2026-10"), None, None, None, None, "Text.")
        with self.database.write() as session:
            store.import_archived(session, [old], section="news", as_drafts=False, now=self.now)

    def retract(self) -> None:
        clip = self.some(select(Clipping.id).where(Clipping.state == "published").order_by(Clipping.id))
        if clip:
            with self.database.write() as session:
                store.retract(session, str(clip), now=self.now)
                told = item_changed(session, str(clip), self.now)
            self.tell(f"retracts {clip}: {[(one.edition_id, one.before, one.after) for one in told]}")

    def publish(self) -> None:
        clip = self.some(select(Clipping.id).where(Clipping.state.in_(("draft", "retracted"))).order_by(Clipping.id))
        if clip:
            with self.database.write() as session:
                store.publish(session, str(clip), now=self.now)
            self.tell(f"publishes {clip}")

    def redate(self) -> None:
        """Somebody sets the moment of publication of a clipping to another one, as imports and corrections do."""
        clip = self.some(select(Clipping.id).where(Clipping.state == "published").order_by(Clipping.id))
        if clip:
            with self.database.write() as session:
                found = session.get_one(Clipping, str(clip))
                if found.published_at and not found.archival:
                    found.published_at = min(self.now, found.published_at + self.rng.randint(-60, 60) * HOUR)
                    self.tell(f"dates {clip} to {found.published_at:%m-%d %H:%M}")

    # editions

    def tick(self) -> None:
        self.latest = max(self.latest, self.now)
        self.desk.tick(self.database, self.now)
        self.tell("tick")

    def rush(self) -> None:
        """Ticks and sends by hand at one moment, from several threads."""
        keys = [self._key() for _ in range(2)]
        calls: list[Callable[[], object]] = [
            lambda: self.desk.tick(self.database, self.now),
            lambda: self.desk.tick(self.database, self.now),
            lambda: self._send_or_draft(keys[0]),
        ]
        together(*self.rng.sample(calls, 2))
        self.tell("rush")

    def send(self) -> None:
        made = self._send_or_draft(self._key())
        self.tell(f"sends {made} by hand")

    def _send_or_draft(self, key: str) -> int:
        """Where a second person has to approve it, sending by hand begins with a draft."""
        step = self.desk.draft_now if self.settings.approval else self.desk.send_now
        return step(self.database, "weekly", key, self.now)

    def draft(self) -> None:
        made = self.desk.draft_now(self.database, "weekly", self._key(), self.now)
        self.tell(f"drafts {made} by hand")

    def decide(self) -> None:
        """A person does to an edition what its state allows, and now and then what it does not."""
        edition = self.some(select(Edition.id).where(Edition.state.in_(tuple(STEPS_OF))).order_by(Edition.id))
        if edition is None:
            return
        name = self.rng.choice(("cancel", *STEPS_OF[newsroom.row(self.database, int(str(edition))).state]))
        if self.rng.random() < 0.1:
            name = self.rng.choice(("approve", "start", "pause", "resume"))
        try:
            who = {"by": "Ann"} if name == "approve" else {}
            found = getattr(self.desk, name)(self.database, edition, self.now, **who)
        except Refused as refusal:
            self.tell(f"{refusal}")
            return
        if name == "cancel":
            self.gone[int(str(edition))] = found
        self.tell(f"{name} {edition}: {found}")

    # the sender

    def carry(self) -> None:
        """One to four steps of a connection; it may stop anywhere, also with a mail on the wire."""
        for _ in range(self.rng.randint(1, 4)):
            self._carry()

    def _carry(self) -> None:
        if self.wire:
            self.land(self.wire)
        elif self.hand:
            job = self.hand.pop()
            with self.database.write() as session:
                [grant] = slots.exchange(session, OWNER, [Exchange(0, None, job)], self.now)
            self.wire = job if grant is Grant.SEND else None
        elif self.batch:
            with self.database.write() as session:
                ledger.release(session, OWNER, *self.batch, self.now)
            self.batch = None
        else:
            self._claim()

    def _claim(self) -> bool:
        with self.database.write() as session:
            claimed = ledger.claim(session, OWNER, self.now)
        if claimed:
            self.batch, self.hand = (claimed.edition_id, claimed.batch), list(claimed.jobs)
        return claimed is not None

    def land(self, job: DeliveryJob) -> None:
        state = self.rng.choice(("accepted", "accepted", "accepted", "rejected", "uncertain", "queued"))
        again = self.now + timedelta(minutes=5) if state == "queued" else None
        result = Result(job, state, job.attempt + 1, self.now, None, None, again)  # type: ignore[arg-type]
        with self.database.write() as session:
            slots.exchange(session, OWNER, [Exchange(0, result, None)], self.now)
        if state in ("accepted", "uncertain"):
            self.received.append((job.subscriber_id, job.edition_id))
        self.wire = None
        self.tell(f"{state}: edition {job.edition_id} at reader {job.subscriber_id}")

    # the end

    def settle(self) -> None:
        """Bring everything to its end: a daily digest of any size, nobody asked, no slot late."""
        self.restart(QUIET)
        for _ in range(3):
            with self.database.read() as session:
                open_ones = session.execute(
                    select(Edition.id, Edition.state).where(Edition.state.in_(("draft", "approved", "paused", "held")))
                ).all()
            for edition, state in open_ones:
                if state == "paused":
                    self.desk.resume(self.database, edition, self.now)
                elif state in ("draft", "held"):
                    self.desk.approve(self.database, edition, self.now)
                self.tell(f"settles {edition}, {state}")
            self.now += DAY
            self.tick()
            while self.wire or self.hand or self.batch or self._claim():
                self._carry()

    def _key(self) -> str:
        return f"{self.rng.getrandbits(60):x}"

    def some(self, query: object) -> object:
        """One of what the query finds, by chance; None if it finds nothing."""
        with self.database.read() as session:
            found = session.scalars(query).all()  # type: ignore[call-overload]
        return self.rng.choice(found) if found else None


def together(*calls: Callable[[], object]) -> None:
    """Run all at once; whatever one of them raises is raised here."""
    barrier, errors = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001 - it is raised in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _minutes(duration: timedelta) -> str:
    return f"{duration // timedelta(minutes=1)}m" if duration else "0s"
