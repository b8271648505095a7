"""The front door of an edition's life: what the tick, the commands and the web call. Each step may be repeated, by
another process or after a crash: it is guarded by the state it starts from.

A manual edition is sent because somebody asked for it (`send_now`, `start`). Until recipients are frozen its
`started_at` holds that wish, so that the tick can go on where a command was killed; `report` does not show it.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions import early, four_eyes, lateness, records, sending, starting
from syndicate.editions import snapshot as snapshots
from syndicate.editions.choosing import planned, store, there
from syndicate.editions.composing import Composer, MailTooLarge
from syndicate.editions.deciding import decide
from syndicate.editions.freezing import freeze, hold_unfit
from syndicate.editions.plan import Plan
from syndicate.editions.preflight.examination import Unfit
from syndicate.editions.starting import Start
from syndicate.errors import Refused, SyndicateError, UsageError
from syndicate.mail.render import Renderer
from syndicate.models import Edition
from syndicate.outbox import guard, ranges

log = logging.getLogger(__name__)

_KEY_CHARACTERS = 40


class TickFailed(SyndicateError):
    """Some step of a tick failed; all others were done. The next tick tries again."""


@dataclass(frozen=True)
class Editions:
    """Makes, freezes and starts the editions of a site's digests; recipients by ranges of `range_size`."""

    config: Config
    renderer: Renderer
    range_size: int = ranges.RANGE_SIZE
    composer: Composer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "composer", Composer(self.config, self.renderer))

    def first_seen(self, session: Session, now: datetime) -> None:
        """Remember the digests of the configuration; slots before this moment are nobody's. Call at init and start."""
        records.first_seen(session, self.config.digest_slugs, now=now)

    def plan(self, session: Session, slug: str, now: datetime) -> Plan:
        """What a manual edition of this digest would hold now, and why the rest stays out. Reads only. NotFound."""
        digest = self.config.digest(slug)
        record = records.find(session, slug) or records.Record(slug, now, None)
        return planned(session, self.config, digest, record=record, at=now, slot=False)

    def draft_now(
        self, database: Database, slug: str, key: str, now: datetime, *, by: str | None = None, send: bool = False
    ) -> int:
        """Make a manual edition with the items the scheduled run would take; `skipped` if there is nothing new.

        `key` (up to 40 characters) comes from the form or command: the same key twice is one edition. `by` is the
        person who makes it. With `send` the tick goes on with it if the caller cannot. Returns the edition's id. Raises
        NotFound, UsageError, and Refused to send while the outbox is held."""
        maker = four_eyes.named(by)
        digest = self.config.digest(slug)
        if not 1 <= len(key) <= _KEY_CHARACTERS or not key.isascii() or not key.isprintable():
            raise UsageError(f"an edition's key is 1 to {_KEY_CHARACTERS} printable ASCII characters")
        with database.write() as session:
            record = records.hold(session, slug, now=now)
            if send:
                guard.require_free(session)
            made = there(session, slug, kind="manual", key=key)
            if made is not None:
                return made.id
            chosen = planned(session, self.config, digest, record=record, at=now, slot=False)
            wanted_at = now if send else None
            new = store(
                session,
                slug,
                kind="manual",
                key=key,
                chosen=chosen,
                slot=None,
                now=now,
                wanted_at=wanted_at,
                by=maker,
            )
            if new is None:
                raise Refused(f"the edition with the key {key} was made at this moment by somebody else")
            return new

    def draft_next(self, database: Database, slug: str, now: datetime, *, by: str | None = None) -> int:
        """Make the draft of the digest's coming slot, at most a day before it. Returns its id. It may be edited and
        approved early, and goes at its slot. Raises NotFound, UsageError, Refused (see `early`)."""
        digest, maker = self.config.digest(slug), four_eyes.named(by)
        with database.write() as session:
            return early.draft(session, self.config, digest, now=now, by=maker)

    def send_now(self, database: Database, slug: str, key: str, now: datetime, *, by: str | None = None) -> int:
        """Draft, freeze and start a manual edition in one step. Returns its id; its state says how far it came:
        `skipped` with nothing new, `approved` while the hold period runs, else `sending` or already `sent`. Refused
        where approval is asked: there a second person comes between."""
        if self.config.desk.approval:
            four_eyes.refuse_alone(self.config.digest(slug).slug)
        edition_id = self.draft_now(database, slug, key, now, by=by, send=True)
        if freeze(database, self.config, self.composer, edition_id, now=now, by=four_eyes.named(by)) == "approved":
            self._start_if_first(database, edition_id, now)
        return edition_id

    def approve(self, database: Database, edition_id: int, now: datetime, *, by: str | None = None) -> str:
        """Freeze the content of a draft, or of a slot held for a person; `by` names who does it. Returns `approved`, or
        `skipped` if nothing is left to say. Raises NotFound, and Refused for an edition in any other state. Where
        approval is asked it must be a person who did not make the edition (see `four_eyes`)."""
        approver = self.require_approver(database, edition_id, by)
        after = freeze(database, self.config, self.composer, edition_id, now=now, by=approver)
        if after not in ("approved", "skipped"):
            raise Refused(f"edition {edition_id} is {after}: somebody else was first")
        return after

    def require_approver(self, database: Database, edition_id: int, by: str | None) -> str | None:
        """Raise what `approve` would raise to this person before it looks at the content. Returns their name as it is
        stored. Reads only."""
        approver = four_eyes.named(by)
        with database.read() as session:
            edition = snapshots.edition(session, edition_id)
            before, made_by = edition.state, edition.made_by
        if before not in ("draft", "held"):
            raise Refused(f"edition {edition_id} is {before}: only a draft can be approved")
        if self.config.desk.approval:
            four_eyes.require_second(edition_id, made_by=made_by, by=approver)
        return approver

    def start(self, database: Database, edition_id: int, now: datetime) -> Start:
        """Freeze the recipients of an approved edition and let the sender have it, unless its slot is to come or the
        hold period still runs: then this is the wish that the tick fulfils. Raises NotFound, Refused."""
        return starting.start(database, self.config, edition_id, now=now, range_size=self.range_size)

    def pause(self, database: Database, edition_id: int, now: datetime) -> int:
        """Stop a sending edition until it is resumed; returns how many of its mails had gone. Raises NotFound,
        Refused."""
        with database.write() as session:
            return sending.pause(session, edition_id, now=now)

    def resume(self, database: Database, edition_id: int, now: datetime) -> str:
        """Let a paused edition go on; returns its state. Raises NotFound, Refused."""
        with database.write() as session:
            return sending.resume(session, self.config, edition_id, now=now)

    def cancel(self, database: Database, edition_id: int, now: datetime) -> int:
        """Call an edition off; returns how many of its mails had gone. Raises NotFound, Refused."""
        with database.write() as session:
            gone = sending.cancel(session, edition_id, now=now)
        starting.clear_abandoned(database, edition_id)
        return gone

    def withdraw(self, database: Database, edition_id: int, now: datetime) -> None:
        """Make an approved edition a draft again, before its first mail; it then waits for a person's approval. Raises
        NotFound, and Refused for an edition in any other state."""
        with database.write() as session:
            sending.withdraw(session, edition_id, now=now)
        starting.clear_abandoned(database, edition_id)

    def tick(self, database: Database, now: datetime) -> None:
        """Set aside what was left lying for too long, decide the slots that are due, freeze what needs no approval,
        start what may start, remove what is left of starts that were given up.

        Whatever fails does not keep the others back; TickFailed then names the failures at the end."""
        failures: list[str] = []

        def step(name: str, work: Callable[[], object]) -> None:
            try:
                work()
            except SyndicateError as error:
                failures.append(f"{name}: {error}")
            except Exception as error:
                log.exception("%s: a fault in the program", name)
                failures.append(f"{name}: {error!r}")

        for edition_id in self._overdue(database, now):
            step(f"edition {edition_id}", partial(self._set_aside, database, edition_id, now))
        for digest in self.config.digests:
            step(digest.slug, partial(decide, database, self.config, digest, now))
        for edition_id in self._to_freeze(database, now):
            step(f"edition {edition_id}", partial(self._freeze_unasked, database, edition_id, now))
        for edition_id in self._to_start(database, now):
            step(f"edition {edition_id}", partial(self._start_if_first, database, edition_id, now))
        for edition_id in self._abandoned(database):
            step(f"edition {edition_id}", partial(starting.clear_abandoned, database, edition_id))
        if failures:
            raise TickFailed("; ".join(failures))

    def _freeze_unasked(self, database: Database, edition_id: int, now: datetime) -> None:
        try:
            freeze(database, self.config, self.composer, edition_id, now=now)
        except (Unfit, MailTooLarge) as fault:
            hold_unfit(database, edition_id, fault)
            raise

    def _abandoned(self, database: Database) -> Iterable[int]:
        with database.read() as session:
            return ranges.abandoned(session)

    def _overdue(self, database: Database, now: datetime) -> Iterable[int]:
        with database.read() as session:
            return lateness.overdue(session, self.config, now=now)

    def _set_aside(self, database: Database, edition_id: int, now: datetime) -> None:
        with database.write() as session:
            lateness.set_aside(session, self.config, edition_id, now=now)

    def _start_if_first(self, database: Database, edition_id: int, now: datetime) -> None:
        """A tick and a command may want to start one edition at the same moment; or its approval became void."""
        with suppress(Refused):
            self.start(database, edition_id, now)

    def _to_freeze(self, database: Database, now: datetime) -> Iterable[int]:
        """Drafts that wait for no person: scheduled ones whose slot has come and that nobody withdrew, and manual ones
        somebody wanted sent; none where approval is asked."""
        if self.config.desk.approval:
            return ()
        with database.read() as session:
            return session.scalars(
                select(Edition.id)
                .where(Edition.state == "draft", Edition.digest.in_(self.config.digest_slugs))
                .where((Edition.kind == "scheduled") | Edition.started_at.is_not(None))
                .where(Edition.withdrawn.is_(False), _has_come(now))
                .order_by(Edition.id)
            ).all()

    def _to_start(self, database: Database, now: datetime) -> Iterable[int]:
        with database.read() as session:
            if guard.held(session):  # slots are decided and contents frozen, but nothing starts
                return ()
            return session.scalars(
                select(Edition.id)
                .where(Edition.state == "approved", Edition.digest.in_(self.config.digest_slugs))
                .where((Edition.kind == "scheduled") | Edition.started_at.is_not(None))
                .where(Edition.approved_at <= now - self.config.sending.hold_period, _has_come(now))
                .order_by(Edition.id)
            ).all()


def _has_come(now: datetime) -> ColumnElement[bool]:
    return Edition.slot_at.is_(None) | (Edition.slot_at <= now)
