"""A small world around the real outbox: senders that live, stall and die, a relay that keeps what arrives, people who
come and go. Nothing here runs by itself: every step is asked for, so that a test can play any order of them.

The store, the ledger writer, the decisions on replies and the life of editions are the program's own. Only the wire is
ours: a mail on it arrives or not as the player says, and the player alone knows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar, get_args

import newsroom
from people import DIGEST, outgoing
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent
from subscribers.models import Subscriber, Subscription, Suppression
from syndicate.database import Database
from syndicate.editions import decisions
from syndicate.editions.freezing import hash_of
from syndicate.editions.lifecycle import Editions
from syndicate.errors import Refused
from syndicate.mail.smtp import Reply
from syndicate.models import Delivery, Edition, Letter, Owner, Slot, Variant
from syndicate.outbox import guard, leases, ledger, letters
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Job, LetterJob, Result
from syndicate.outbox.leases import Doubt
from syndicate.sender import outcome
from syndicate.sender.errors import SenderEnded
from syndicate.sender.writer import LedgerWriter

T = TypeVar("T")

Fate = Literal["accepted", "refused", "met a policy", "put off", "lost before the dot", "lost after the dot"]
FATES: tuple[Fate, ...] = get_args(Fate)
_REPLIES = {
    "accepted": Reply(250, "2.0.0 taken", "dot"),
    "refused": Reply(550, "5.1.1 nobody here", "rcpt"),
    "met a policy": Reply(554, "5.7.1 no mail from there", "dot"),
    "put off": Reply(451, "4.3.2 not now", "rcpt"),
}
CONNECTIONS = 3


def named(job: Job) -> str:
    """What a mail is, for people: `edition 3 to reader1@example.net`."""
    return f"edition {job.edition_id} to {job.address}" if isinstance(job, DeliveryJob) else f"letter {job.letter_id}"


class OutboxBroken(AssertionError):
    """A promise of the outbox was not kept; the text begins with its name."""


@dataclass
class Line:
    """One connection: the mail that the ledger has let go and that is on the wire, and the result not told yet."""

    on_the_wire: Job | None = None
    result: Result | None = None


@dataclass
class Process:
    """A sender process. One that is `dead` does nothing more; one that only stalled finds out by its fence."""

    name: str
    writer: LedgerWriter
    hand: list[Job] = field(default_factory=list)
    batches: Counter[tuple[int, int]] = field(default_factory=Counter)
    lines: list[Line] = field(default_factory=lambda: [Line() for _ in range(CONNECTIONS)])
    dead: bool = False
    ended: bool = False


class World:
    """`arrived` counts what the relay has of each mail; `doubted` names each delivery that was ever uncertain; `resent`
    counts how often a doubt about it was answered by sending it again."""

    def __init__(self, database: Database, folder: Path, *, doubt: Doubt, now: datetime) -> None:
        self.database = database
        self.doubt = doubt
        self.now = now
        self.desk: Editions = newsroom.editions(folder)
        self.processes: list[Process] = []
        self.arrived: Counter[str] = Counter()
        self.message_ids: dict[str, set[bytes]] = {}
        self.doubted: set[str] = set()
        self.resent: Counter[str] = Counter()
        self.frozen: dict[int, set[str]] = {}
        self.editions: list[int] = []
        self._people = 0
        self._made = 0

    # -- people ------------------------------------------------------------------------------------------------

    def join(self, count: int) -> None:
        """Confirmed subscribers of the digest."""
        with self.database.write() as session:
            for _ in range(count):
                number = self._people
                self._people += 1
                person = Subscriber(
                    uid=f"uid{number:013}",
                    address=f"reader{number}@{('a', 'b', 'c')[number % 3]}.example.net",
                    address_hash=f"hash{number:028}",
                    state="confirmed",
                    language="en",
                    created_at=self.now,
                    confirmed_at=self.now,
                )
                session.add(person)
                session.flush()
                session.add(Subscription(subscriber_id=person.id, digest=DIGEST, state="active", since=self.now))

    def leave(self, chance: int) -> None:
        """Somebody unsubscribes."""
        with self.database.write() as session:
            ids = session.scalars(select(Subscriber.id).order_by(Subscriber.id)).all()
            if ids:
                consent.unsubscribe(session, ids[chance % len(ids)], DIGEST, way="link", stops=Kept(), now=self.now)

    def complain(self, chance: int) -> None:
        """Somebody's address is suppressed."""
        with self.database.write() as session:
            hashes = session.scalars(select(Subscriber.address_hash).order_by(Subscriber.id)).all()
            if hashes and (one := hashes[chance % len(hashes)]) and session.get(Suppression, one) is None:
                session.add(Suppression(address_hash=one, reason="complaint", at=self.now))

    def ask_letter(self, chance: int) -> None:
        """A letter is asked for."""
        with self.database.write() as session:
            person = f"letter{chance}@example.net"
            letters.ask(
                session,
                kind="confirm",
                address=person,
                address_hash=f"hash{chance:028}",
                subscriber_id=None,
                language="en",
                params={},
                now=self.now,
            )

    # -- editions ----------------------------------------------------------------------------------------------

    def start_edition(self) -> None:
        """An approved edition is started: its recipients are frozen."""
        self._made += 1
        with self.database.write() as session:
            made = Edition(
                uid=f"edition{self._made:09}",
                digest=DIGEST,
                kind="manual",
                key=f"k{self._made}",
                number=self._made,
                state="approved",
                created_at=self.now,
                approved_at=self.now,
                mail_date=self.now,
                expires_at=self.now + timedelta(hours=72),
            )
            session.add(made)
            session.flush()
            session.execute(
                insert(Variant).values(edition_id=made.id, language="en", composition=b"", hash=sha256(b"").hexdigest())
            )
            made.hash = hash_of(session, made.id)
            edition_id = made.id
        self.editions.append(edition_id)
        self.decide(lambda: self.desk.start(self.database, edition_id, self.now))
        self._note_frozen()

    def tick(self) -> None:
        """What the clock starts: editions that could not be started before."""
        with self.database.read() as session:
            waiting = session.scalars(select(Edition.id).where(Edition.state == "approved")).all()
        for edition_id in waiting:
            self.decide(lambda edition_id=edition_id: self.desk.start(self.database, edition_id, self.now))  # type: ignore[misc]
        self._note_frozen()

    def decide(self, step: Callable[[], object]) -> bool:
        """Somebody decides about an edition; whether it was possible."""
        try:
            step()
        except Refused:
            return False
        return True

    def answer_doubts(self, edition_id: int | None, step: Literal["resend", "leave"]) -> None:
        """Somebody decides about the mails in doubt, of one edition or of all."""

        def act() -> None:
            with self.database.write() as session:
                if step == "leave":
                    decisions.leave(session, edition_id, now=self.now)
                    return
                decided = decisions.resend(session, self.desk.config, edition_id, now=self.now)
                for place in decided.deliveries:
                    address = session.get_one(Delivery, place).address
                    self.resent[f"edition {place[0]} to {address}"] += 1
                self.resent.update(f"letter {letter_id}" for letter_id in decided.letters)

        self.decide(act)

    def take_up(self, edition_id: int) -> None:
        """Somebody takes up what expired or met a policy; nothing else may change by it."""
        before = self._others(edition_id)

        def act() -> None:
            with self.database.write() as session:
                decisions.retry(session, self.desk.config, edition_id, now=self.now)

        self.decide(act)
        if self._others(edition_id) != before:
            raise OutboxBroken(f"I1: taking up edition {edition_id} changed a mail that was no accident")

    def _others(self, edition_id: int) -> dict[str, str]:
        with self.database.read() as session:
            rows = select(Delivery.address, Delivery.state, Delivery.cause).where(Delivery.edition_id == edition_id)
            found = session.execute(rows).tuples().all()
        return {who: state for who, state, why in found if state not in ("expired", "queued") and why != "policy"}

    def _note_frozen(self) -> None:
        with self.database.read() as session:
            started = select(Edition.id).where(Edition.chosen.is_not(None), Edition.id.not_in(list(self.frozen)))
            for edition_id in session.scalars(started).all():
                rows = select(Delivery.address).where(Delivery.edition_id == edition_id)
                self.frozen[edition_id] = set(session.scalars(rows).all())

    # -- senders -----------------------------------------------------------------------------------------------

    def begin(self) -> Process:
        """A new sender process."""
        name = f"sender{len(self.processes)}"
        with self.database.write() as session:
            leases.register(
                session,
                self.database.clock(),
                name,
                lease_seconds=3600.0,
                host="here",
                version="1",
                connections=CONNECTIONS,
            )
        writer = LedgerWriter(self.database, name, clock=lambda: self.now, patience=2.0, failed=lambda _error: None)
        process = Process(name, writer)
        self.processes.append(process)
        return process

    def claim(self, process: Process) -> None:
        """Take a batch and the letters that are due."""

        def work(session: Session) -> tuple[list[LetterJob], ledger.ClaimedBatch | None]:
            return letters.claim(session, process.name, 4, self.now), ledger.claim(session, process.name, self.now)

        found = self._ask(process, lambda: process.writer.do(work))
        if found is None:
            return
        waiting, batch = found
        process.hand += waiting
        if batch:
            process.batches[(batch.edition_id, batch.batch)] = len(batch.jobs)
            process.hand += batch.jobs
            self._release_through(process)

    def exchange(self, process: Process, n: int) -> None:
        """Connection `n` tells its result and asks for its next mail, in one commit."""
        line = process.lines[n]
        if line.on_the_wire is not None:
            return
        job = process.hand[0] if process.hand else None
        told, line.result = line.result, None
        if job is None and told is None:
            return
        grant = self._ask(process, lambda: process.writer.exchange(Exchange(n, told, job)))
        if grant is None:
            return
        if told is not None:
            self._settled(process, told.job)
        if job is not None:
            process.hand.pop(0)
            if grant is Grant.SEND:
                self._may_go(job)
                line.on_the_wire = job
            else:
                self._settled(process, job)
        self._release_through(process)

    def answer(self, process: Process, n: int, fate: Fate, *, arrives: bool) -> None:
        """What becomes of the mail on connection `n`. A mail whose line is lost after the dot may have arrived."""
        line = process.lines[n]
        job = line.on_the_wire
        if job is None:
            return
        line.on_the_wire = None
        if fate == "accepted" or (fate == "lost after the dot" and arrives):
            self._arrive(job)
        line.result = self._result(job, fate)

    def die(self, process: Process, *, arrives: bool) -> None:
        """The process ends without another word; what was on its wires arrived, or not."""
        process.dead = True
        for line in process.lines:
            if line.on_the_wire is not None and arrives:
                self._arrive(line.on_the_wire)

    def expire(self, process: Process) -> None:
        """Its lease runs out: it is dead, or has been stopped for too long."""
        with self.database.write() as session:
            session.execute(update(Owner).where(Owner.id == process.name).values(lease_until=0.0))

    def recover(self, process: Process) -> None:
        """`process` takes over from those whose lease has run out."""
        clock = self.database.clock()
        with self.database.read() as session:
            gone = set(session.scalars(select(Owner.id).where(Owner.lease_until <= clock)).all()) - {process.name}
            occupied = Counter(session.scalars(select(Slot.owner)).all())
        self._note_doubts(gone)
        found = self._ask(
            process,
            lambda: process.writer.do(
                lambda s: leases.recover_dead(s, clock, process.name, alone=False, doubt=self.doubt, now=self.now)
            ),
        )
        for dead in found or ():
            if dead.uncertain > min(CONNECTIONS, occupied[dead.owner]):
                raise OutboxBroken(f"I4: {dead.owner} died with {occupied[dead.owner]} slots and left {dead.uncertain}")

    def sweep(self, process: Process) -> None:
        """What a sender does on its timer besides: free what nobody owns."""
        self._ask(process, lambda: process.writer.do(lambda s: leases.free_orphans(s, self.now)))

    def _note_doubts(self, owners: set[str]) -> None:
        """What the slots of these owners name is in doubt from now on."""
        with self.database.read() as session:
            rows = session.execute(
                select(Delivery.edition_id, Delivery.address)
                .join(
                    Slot,
                    (Slot.edition_id == Delivery.edition_id)
                    & (Slot.batch == Delivery.batch)
                    & (Slot.seq == Delivery.seq),
                )
                .where(Slot.batch == Delivery.batch, Slot.seq == Delivery.seq)
                .where(Slot.owner.in_(owners), Delivery.state == "queued")
            ).tuples()
            names = [f"edition {edition_id} to {address}" for edition_id, address in rows]
            lost = session.scalars(select(Slot.letter_id).where(Slot.owner.in_(owners), Slot.letter_id.is_not(None)))
            names += [f"letter {letter_id}" for letter_id in lost]
        self.doubted.update(names)
        if self.doubt == "resend":
            self.resent.update(names)
        else:
            self.resent.update(name for name in names if name.startswith("letter"))

    def _ask(self, process: Process, ask: Callable[[], T]) -> T | None:
        """Ask the ledger; None when the process is no sender any more, and must end without another byte."""
        try:
            return ask()
        except SenderEnded:
            process.ended = True
            process.hand.clear()
            return None

    def _result(self, job: Job, fate: Fate) -> Result:
        if fate in _REPLIES:
            return outcome.of_reply(job, _REPLIES[fate], self.now, 0.5)
        if fate == "lost before the dot":
            return outcome.later(job, job.attempt + 1, self.now, 0.5, code=None, words="lost")
        self.doubted.add(named(job))
        result = outcome.of_doubt(job, "lost at the dot", self.now, 0.5, self.doubt)
        if result.state == "queued":
            self.resent[named(job)] += 1
        return result

    def _arrive(self, job: Job) -> None:
        self.arrived[named(job)] += 1
        self.message_ids.setdefault(named(job), set()).add(outgoing(job).data)

    def _may_go(self, job: Job) -> None:
        """The ledger has let this mail go: was that right at this moment?"""
        with self.database.read() as session:
            if guard.held(session):
                raise OutboxBroken(f"held: {named(job)} was let go while the outbox is held")
            if isinstance(job, LetterJob):
                if session.get(Suppression, job.address_hash):
                    raise OutboxBroken(f"I5: {named(job)} goes to an address that may not be mailed")
                return
            state = session.get_one(Edition, job.edition_id).state
            wish = session.get(Subscription, (job.subscriber_id, DIGEST))
            person = session.get_one(Subscriber, job.subscriber_id)
            if state != "sending":
                raise OutboxBroken(f"I6: {named(job)} was let go while its edition is {state}")
            if wish is None or wish.state != "active" or session.get(Suppression, person.address_hash):
                raise OutboxBroken(f"I5: {named(job)} goes to somebody who has left")

    def _settled(self, process: Process, job: Job) -> None:
        if isinstance(job, DeliveryJob):
            process.batches[(job.edition_id, job.batch)] -= 1

    def _release_through(self, process: Process) -> None:
        for key in [key for key, left in process.batches.items() if left <= 0]:
            del process.batches[key]
            self._ask(process, lambda k=key: process.writer.do(lambda s: ledger.release(s, process.name, *k, self.now)))  # type: ignore[misc]

    # -- what must hold ----------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Raise OutboxBroken with the name of the first promise that does not hold."""
        with self.database.read() as session:
            rows = session.execute(
                select(Delivery.edition_id, Delivery.address, Delivery.state, Delivery.attempt).order_by(
                    Delivery.edition_id, Delivery.batch, Delivery.seq
                )
            ).tuples()
            states: dict[int, dict[str, str]] = {}
            for edition_id, address, state, _ in rows:
                if address in states.setdefault(edition_id, {}):
                    raise OutboxBroken(f"I1: two deliveries of edition {edition_id} to {address}")
                states[edition_id][address] = state
            for edition_id, people in self.frozen.items():
                if set(states.get(edition_id, {})) != people:
                    raise OutboxBroken(f"I1: edition {edition_id} has not exactly the people it was frozen for")
            self._judge_copies(states)
            for edition in session.scalars(select(Edition).where(Edition.chosen.is_not(None))):
                counted = Counter(states.get(edition.id, {}).values())
                stand = ledger.counts(session, edition.id)
                told = {name: number for name, number in vars(stand).items() if number}
                if told != dict(counted):
                    raise OutboxBroken(f"I6: edition {edition.id} tells {told} and has {dict(counted)}")
                if edition.state == "sent" and (counted["queued"] or counted["uncertain"]):
                    raise OutboxBroken(f"I6: edition {edition.id} is sent with {dict(counted)}")
                if edition.state == "incomplete" and (counted["queued"] or not counted["uncertain"]):
                    raise OutboxBroken(f"I6: edition {edition.id} is incomplete with {dict(counted)}")
                if stand.chosen != edition.chosen:
                    raise OutboxBroken(f"I6: edition {edition.id} chose {edition.chosen} and tells {stand.chosen}")
            self._judge_slots(session.execute(select(Slot.owner, func.count()).group_by(Slot.owner)).tuples().all())

    def _judge_copies(self, states: dict[int, dict[str, str]]) -> None:
        for name, copies in self.arrived.items():
            if copies > 1 + self.resent[name]:
                raise OutboxBroken(f"I2: {copies} copies of {name}, {self.resent[name]} times sent again")
            if copies > 1 and name not in self.doubted:
                raise OutboxBroken(f"I3: {copies} copies of {name}, which was never in doubt")
            if len(self.message_ids[name]) > 1:
                raise OutboxBroken(f"I7: copies of {name} differ")
        for edition_id, people in states.items():
            for address, state in people.items():
                if state == "accepted" and not self.arrived[f"edition {edition_id} to {address}"]:
                    raise OutboxBroken(f"I1: edition {edition_id} to {address} is called accepted and never arrived")

    def _judge_slots(self, occupied: Sequence[tuple[str, int]]) -> None:
        for owner, number in occupied:
            if number > CONNECTIONS:
                raise OutboxBroken(f"I4: {owner} occupies {number} slots with {CONNECTIONS} connections")

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Everybody dies, one sender takes over and sends all that is left to a relay that takes everything; then
        nothing may wait, and who got nothing must be named."""
        for process in self.processes:
            if not process.dead:
                self.die(process, arrives=True)
            self.expire(process)
        last = self.begin()
        with self.database.read() as session:
            is_held = guard.held(session)
        if is_held:
            with self.database.write() as session:
                guard.release(session, self.now)
        self.tick()
        for edition_id in self.editions:
            self.decide(lambda e=edition_id: self.desk.resume(self.database, e, self.now))  # type: ignore[misc]
        self.recover(last)
        self.sweep(last)
        for _ in range(20):
            self._send_all(last)
            self.judge()
            if not self._waiting():
                break
            self.now += timedelta(hours=8)
        self._judge_end()

    def _send_all(self, process: Process) -> None:
        while True:
            self.claim(process)
            if not process.hand and not any(line.result for line in process.lines):
                return
            while process.hand or any(line.result for line in process.lines):
                self.exchange(process, 0)
                self.answer(process, 0, "accepted", arrives=True)

    def _waiting(self) -> int:
        with self.database.read() as session:
            waiting = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == "queued")) or 0
            return waiting + (
                session.scalar(select(func.count()).select_from(Letter).where(Letter.state == "queued")) or 0
            )

    def _judge_end(self) -> None:
        with self.database.read() as session:
            for edition_id in self.frozen:
                state = session.get_one(Edition, edition_id).state
                if state not in ("sent", "incomplete", "cancelled"):
                    raise OutboxBroken(f"I6: edition {edition_id} is {state} though nobody is left to do anything")
            rows = session.execute(select(Delivery.edition_id, Delivery.address, Delivery.state)).tuples().all()
            undone = session.scalars(select(Letter.id).where(Letter.state == "queued")).all()
        if undone:
            raise OutboxBroken(f"I1: letters {undone} wait for ever")
        for edition_id, address, state in rows:
            if state == "queued":
                raise OutboxBroken(f"I1: edition {edition_id} to {address} waits for ever")

    def close(self) -> None:
        for process in self.processes:
            process.writer.stop()
        self.database.close()
