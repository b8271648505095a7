"""An edition whose mails are in any state, for tests of decisions; loaded by conftest.py for its fixtures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from sqlalchemy import select, update

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions import decisions
from syndicate.editions.decisions import Decided
from syndicate.editions.lifecycle import Editions
from syndicate.models import Batch, Delivery, Edition
from syndicate.outbox import ledger

STATES = ("queued", "accepted", "rejected", "skipped", "expired", "uncertain", "unknown")

CAUSES = (None, "address", "mailbox", "content", "policy", "other")

READERS = 4


@dataclass(frozen=True)
class Room:
    """A site with four readers and an edition that is sending; what a test decides there."""

    database: Database
    desk: Editions
    edition: int
    now: datetime

    @property
    def config(self) -> Config:
        return self.desk.config

    @property
    def states(self) -> list[str]:
        rows = select(Delivery.state).where(Delivery.edition_id == self.edition).order_by(Delivery.batch, Delivery.seq)
        with self.database.read() as session:
            return list(session.scalars(rows))

    @property
    def state(self) -> str:
        return people.edition_state(self.database, self.edition)

    def stand(self, *rows: str, state: str | None = None) -> None:
        """Put the deliveries into these states (`rejected/policy` names a cause), the edition into `state`."""
        with self.database.write() as session:
            for seq, row in enumerate(rows):
                word, _, cause = row.partition("/")
                session.execute(
                    update(Delivery)
                    .where(Delivery.edition_id == self.edition, Delivery.seq == seq)
                    .values(state=word, cause=cause or None, attempt=3, code=250, reply="as it was", next_try_at=None)
                )
            if "queued" not in rows:
                session.execute(update(Batch).where(Batch.edition_id == self.edition).values(done=True))
            ledger.tally_all(session, self.edition)
            edition = session.get_one(Edition, self.edition)
            if state:
                edition.state = state
            if state in ("sent", "incomplete"):
                edition.finished_at = self.now

    def resend(self, edition: int | None = None, *, later: timedelta = timedelta(0)) -> Decided:
        with self.database.write() as session:
            return decisions.resend(session, self.config, edition, now=self.now + later)

    def leave(self, edition: int | None = None) -> Decided:
        with self.database.write() as session:
            return decisions.leave(session, edition, now=self.now)

    def retry(self, *, later: timedelta = timedelta(0)) -> int:
        with self.database.write() as session:
            return decisions.retry(session, self.config, self.edition, now=self.now + later)

    def claimable(self) -> bool:
        with self.database.read() as session:
            return ledger.has_claimable(session, self.now)


def _room(database: Database, tmp_path: Path, now: datetime) -> Room:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, now - timedelta(days=1))
    people.subscribe(database, READERS, now)
    newsroom.file(database, now - timedelta(hours=1))
    return Room(database, desk, desk.send_now(database, "weekly", "key", now), now)


@pytest.fixture
def room(database: Database, tmp_path: Path, now: datetime) -> Room:
    return _room(database, tmp_path, now)


@pytest.fixture
def sqlite_room(sqlite_database: Database, tmp_path: Path, now: datetime) -> Room:
    return _room(sqlite_database, tmp_path, now)


def tallies_are_true(database: Database) -> None:
    with database.read() as session:
        for batch in session.scalars(select(Batch).where(Batch.owner.is_(None))):
            states = session.scalars(
                select(Delivery.state).where(Delivery.edition_id == batch.edition_id, Delivery.batch == batch.batch)
            ).all()
            assert {state: getattr(batch, state) for state in STATES} == {s: states.count(s) for s in STATES}
