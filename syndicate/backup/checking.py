"""`syndicate db check`: whether the database is sound, and its account of the outbox adds up."""

from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from syndicate.backup import sqlite
from syndicate.database import Database
from syndicate.migrations import WrongShape, require_current
from syndicate.models import Batch, Delivery
from syndicate.outbox import guard, leases
from syndicate.outbox.ledger import STATES


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at: `fault` is what is wrong with it, None if nothing is; `note` says more."""

    what: str
    fault: str | None = None
    note: str | None = None


def check(database: Database) -> list[Checked]:
    """Look at the whole database; reads only. After a fault in the file or in its shape nothing more is looked at."""
    found = [_file(database)]
    if found[0].fault:
        return found
    try:
        require_current(database)
    except WrongShape as error:
        return [*found, Checked("tables", str(error))]
    with database.read() as session:
        reason = guard.held(session)
        return [
            *found,
            Checked("tables"),
            _tallies(session),
            _owners(session),
            Checked("held", note=f"yes: {reason}" if reason else "no"),
        ]


def _file(database: Database) -> Checked:
    if not database.sqlite:
        return Checked("file", note="PostgreSQL looks after its files itself")
    wrong = sqlite.faults(database.file)
    return Checked("file", f"{wrong[0]}: restore a backup" if wrong else None)


def _tallies(session: Session) -> Checked:
    """What a batch says of its deliveries must be so, while nobody owns it."""
    counted = [func.sum(case((Delivery.state == state, 1), else_=0)).label(state) for state in STATES]
    place = (Delivery.edition_id, Delivery.batch)
    real = select(*place, func.count().label("size"), *counted).group_by(*place).subquery()
    differs = or_(*(getattr(Batch, name) != func.coalesce(real.c[name], 0) for name in ("size", *STATES)))
    wrong = session.execute(
        select(Batch.edition_id, Batch.batch)
        .outerjoin(real, (real.c.edition_id == Batch.edition_id) & (real.c.batch == Batch.batch))
        .where(Batch.owner.is_(None), differs)
        .order_by(Batch.edition_id, Batch.batch)
        .limit(1)
    ).one_or_none()
    if wrong is None:
        return Checked("accounts")
    return Checked("accounts", f"batch {wrong.batch} of edition {wrong.edition_id} does not add up: please report it")


def _owners(session: Session) -> Checked:
    if leases.any_orphans(session):
        return Checked("senders", note="work of a sender that is not there; the next sender frees it")
    return Checked("senders")
