"""Any order of deaths, stalls, losses and decisions, played on the real store: the promises of the outbox hold after
every step, and at the end nobody is left out."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from conftest import NOW
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from outbox_world import CONNECTIONS, FATES, Fate, OutboxBroken, Process, World
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.models import Batch
from syndicate.outbox import guard, leases, ledger, slots
from syndicate.outbox import slot_statements as statements
from syndicate.outbox.leases import Doubt

LINES = st.integers(0, CONNECTIONS - 1)
ANYBODY = st.integers(0, 10**6)
# How many plays and how long each; `SYNDICATE_MACHINE=plays,steps` for the long form.
PLAYS, STEPS = (int(part) for part in os.environ.get("SYNDICATE_MACHINE", "12,40").split(","))


class OutboxMachine(RuleBasedStateMachine):
    """`fresh` makes an empty database for each play; `doubt` is the policy that is played. `began` tells of each play
    whether an edition had recipients in it, and a mail had arrived, before all was brought to its end."""

    fresh: ClassVar[Callable[[Path], Database]]
    began: ClassVar[list[tuple[bool, bool]]]
    doubt: ClassVar[Doubt] = "hold"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="syndicate-machine-"))
        self.world = World(type(self).fresh(self.folder), self.folder, doubt=self.doubt, now=NOW)

    def teardown(self) -> None:
        self.began.append((any(self.world.frozen.values()), bool(self.world.arrived)))
        try:
            self.world.finish()
        finally:
            self.world.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _process(self, chance: int) -> Process | None:
        """One of those that still do something; a stalled one that has not found out is among them."""
        living = [process for process in self.world.processes if not process.dead and not process.ended]
        return living[chance % len(living)] if living else None

    @initialize(people=st.integers(1, 9))
    def _begin(self, people: int) -> None:
        self.world.join(people)
        self.world.start_edition()
        self.world.begin()

    @rule(count=st.integers(1, 3))
    def people_join(self, count: int) -> None:
        self.world.join(count)

    @rule(who=ANYBODY)
    def somebody_leaves(self, who: int) -> None:
        self.world.leave(who)

    @rule(who=ANYBODY)
    def somebody_complains(self, who: int) -> None:
        self.world.complain(who)

    @rule(who=st.integers(0, 5))
    def a_letter_is_asked_for(self, who: int) -> None:
        self.world.ask_letter(who)

    @precondition(lambda self: len(self.world.editions) < 4)
    @rule()
    def an_edition_starts(self) -> None:
        self.world.start_edition()

    @rule()
    def the_clock_ticks(self) -> None:
        self.world.tick()

    @rule(hours=st.sampled_from([0.1, 1, 7, 100]))
    def time_passes(self, hours: float) -> None:
        self.world.now += timedelta(hours=hours)

    @rule(which=ANYBODY, step=st.sampled_from(["pause", "resume", "cancel"]))
    def somebody_decides(self, which: int, step: str) -> None:
        world = self.world
        edition = world.editions[which % len(world.editions)]
        act = getattr(world.desk, step)
        world.decide(lambda: act(world.database, edition, world.now))

    @rule(which=st.none() | ANYBODY, step=st.sampled_from(["resend", "leave"]))
    def somebody_answers_doubts(self, which: int | None, step: Literal["resend", "leave"]) -> None:
        made = self.world.editions
        self.world.answer_doubts(None if which is None else made[which % len(made)], step)

    @rule(which=ANYBODY)
    def somebody_takes_up_refused_mails(self, which: int) -> None:
        self.world.take_up(self.world.editions[which % len(self.world.editions)])

    @rule()
    def the_outbox_is_held(self) -> None:
        with self.world.database.write() as session:
            guard.hold(session, "an older copy", self.world.now)

    @rule()
    def the_outbox_is_released(self) -> None:
        def release() -> None:
            with self.world.database.write() as session:
                guard.release(session, self.world.now)

        self.world.decide(release)

    @precondition(lambda self: len(self.world.processes) < 6)
    @rule()
    def a_sender_begins(self) -> None:
        self.world.begin()

    @rule(who=ANYBODY)
    def a_sender_claims(self, who: int) -> None:
        if process := self._process(who):
            self.world.claim(process)

    @rule(who=ANYBODY, n=LINES)
    def a_connection_asks(self, who: int, n: int) -> None:
        if process := self._process(who):
            self.world.exchange(process, n)

    @rule(who=ANYBODY, n=LINES, fate=st.sampled_from(FATES), arrives=st.booleans())
    def the_relay_answers(self, who: int, n: int, fate: Fate, arrives: bool) -> None:
        if process := self._process(who):
            self.world.answer(process, n, fate, arrives=arrives)

    @rule(who=ANYBODY, steps=st.integers(1, 12), unanswered=st.integers(0, CONNECTIONS))
    def a_sender_works_on(self, who: int, steps: int, unanswered: int) -> None:
        """The usual: claims, asks and is answered, on all its connections in turn; some at the end not yet."""
        process = self._process(who)
        if process is None:
            return
        self.world.claim(process)
        for step in range(steps):
            self.world.exchange(process, step % CONNECTIONS)
            if step < steps - unanswered:
                self.world.answer(process, step % CONNECTIONS, "accepted", arrives=True)

    @rule(who=ANYBODY, arrives=st.booleans())
    def a_sender_dies(self, who: int, arrives: bool) -> None:
        if process := self._process(who):
            self.world.die(process, arrives=arrives)
            self.world.expire(process)

    @rule(who=ANYBODY)
    def a_lease_runs_out(self, who: int) -> None:
        if process := self._process(who):
            self.world.expire(process)

    @rule(who=ANYBODY)
    def a_sender_recovers_others(self, who: int) -> None:
        if process := self._process(who):
            self.world.recover(process)

    @rule(who=ANYBODY)
    def a_sender_sweeps(self, who: int) -> None:
        if process := self._process(who):
            self.world.sweep(process)

    @invariant()
    def the_promises_hold(self) -> None:
        self.world.judge()


def _fresh(template: Path, *pragmas: str) -> Callable[[Path], Database]:
    """Makes empty databases. No real process dies here, so nothing hangs on the disk."""

    def fresh(folder: Path) -> Database:
        shutil.copy(template, folder / "syndicate.db")
        database = Database(f"sqlite:///{folder / 'syndicate.db'}")
        words = "; ".join(("PRAGMA synchronous = OFF", *pragmas))
        event.listen(database.engine, "connect", lambda line, _entry: line.executescript(words))
        return database

    return fresh


@pytest.mark.parametrize("doubt", ["hold", "resend"])
def test_in_any_order_of_events_the_promises_hold(sqlite_template: Path, doubt: Doubt) -> None:
    began: list[tuple[bool, bool]] = []
    own = {"fresh": staticmethod(_fresh(sqlite_template)), "began": began, "doubt": doubt}
    machine = type("Machine", (OutboxMachine,), own)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=PLAYS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)),
    )
    started, arrived = (sum(one) for one in zip(*began, strict=True))
    assert started >= 0.9 * len(began) >= 0.9 * PLAYS, f"an edition started in {started} of {len(began)} plays"
    assert arrived, f"in {len(began)} plays no mail arrived before their end"


@dataclass(frozen=True)
class Fault:
    """A way to break the outbox, a play that shows it, and the promise that is then broken."""

    break_it: Callable[[pytest.MonkeyPatch], None]
    play: Callable[[World], None]
    promise: str


def _no_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "fence", lambda _session, _owner: True)


def _a_stalled_sender_goes_on(world: World) -> None:
    stalled, other = world.begin(), world.begin()
    world.claim(stalled)
    world.expire(stalled)
    world.recover(other)
    world.claim(other)
    for process in (other, stalled):
        world.exchange(process, 0)
    for process in (other, stalled):
        world.answer(process, 0, "accepted", arrives=True)


def _nobody_asks_for_consent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(slots, "_DELIVERIES", slots._DELIVERIES._replace(wanted=statements.WAITING))


def _all_leave_after_the_claim(world: World) -> None:
    process = world.begin()
    world.claim(process)
    for number in range(3):
        world.leave(number)
    world.exchange(process, 0)


def _slots_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "_settle", lambda *_: 0)


def _a_sender_dies_with_a_mail_on_the_wire(world: World) -> None:
    process = world.begin()
    world.claim(process)
    world.exchange(process, 0)
    world.die(process, arrives=True)


def _a_release_forgets_what_waits(patch: pytest.MonkeyPatch) -> None:
    def release(session: Session, owner: str, edition_id: int, batch: int, now: datetime) -> None:
        here = (Batch.edition_id == edition_id, Batch.batch == batch, Batch.owner == owner)
        session.execute(update(Batch).where(*here).values(owner=None, done=True))

    patch.setattr(ledger, "release", release)
    patch.setattr(leases, "release", release)


def _the_relay_puts_all_off(world: World) -> None:
    process = world.begin()
    world.claim(process)
    for _ in range(4):
        world.exchange(process, 0)
        world.answer(process, 0, "put off", arrives=False)


FAULTS = {
    "no fence": Fault(_no_fence, _a_stalled_sender_goes_on, "I2"),
    "no consent check": Fault(_nobody_asks_for_consent, _all_leave_after_the_claim, "I5"),
    "slots forgotten": Fault(_slots_are_forgotten, _a_sender_dies_with_a_mail_on_the_wire, "I2"),
    "retries forgotten": Fault(_a_release_forgets_what_waits, _the_relay_puts_all_off, "I6"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_broken_outbox_is_noticed_and_a_whole_one_passes_the_same_play(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    # Without foreign keys: that of the slots stands behind the fence and would stop a sender that nobody fences.
    fresh = _fresh(sqlite_template, "PRAGMA foreign_keys = OFF")

    def act() -> None:
        world = World(fresh(tmp_path), tmp_path, doubt="hold", now=NOW)
        try:
            world.join(3)
            world.start_edition()
            fault.play(world)
            world.judge()
            world.finish()
        finally:
            world.close()

    act()
    fault.break_it(monkeypatch)
    with pytest.raises(OutboxBroken, match=f"^{fault.promise}"):
        act()
