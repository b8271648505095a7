"""The start of an edition: its recipients are frozen, range by range, and then the sender has it."""

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions import snapshot as snapshots
from syndicate.editions.freezing import intact
from syndicate.editions.schedule import may_start
from syndicate.editions.sending import extend, locked, withdraw_approval
from syndicate.errors import Refused
from syndicate.models import Edition
from syndicate.outbox import guard, ranges

_BREATH_SECONDS = 0.12


@dataclass(frozen=True)
class Start:
    """What starting an edition led to: its state now, and how many recipients were chosen. While its slot is to come or
    the hold period runs the state is still `approved`, and `not_before` says until when; the tick then starts it."""

    state: str
    chosen: int = 0
    not_before: datetime | None = None


def start(
    database: Database, config: Config, edition_id: int, *, now: datetime, range_size: int = ranges.RANGE_SIZE
) -> Start:
    """Freeze the recipients of an approved edition and let the sender have it; `sent` at once if there are none.

    Up to `range_size` recipients are one transaction; of more, each range is one, and the state comes last. Until
    then the edition is `approved` and wanted, so that the tick goes on with it where this was killed. Raises NotFound,
    and Refused for an edition in any other state (also if it gets there meanwhile) or while the outbox is held."""
    going_on = False
    while True:
        with database.write_much() as session:
            done = _step(session, config, edition_id, now=now, range_size=range_size, going_on=going_on)
        if done:
            return done
        going_on = True
        if database.sqlite:
            # Other processes have no place in our line; they look whether the file is free at least this often.
            time.sleep(_BREATH_SECONDS)


def _step(
    session: Session, config: Config, edition_id: int, *, now: datetime, range_size: int, going_on: bool
) -> Start | None:
    """One transaction of a start; None if more are to come."""
    edition = locked(session, edition_id, now=now)
    if going_on and edition.chosen is not None:
        return Start(edition.state, edition.chosen)  # another process was at it too, and has done the rest
    guard.require_free(session)
    if edition.state != "approved" or edition.approved_at is None:
        raise Refused(f"edition {edition_id} is {edition.state}: only an approved one can be started")
    begins = not_before(config, edition)
    if begins is not None and now < begins:
        edition.started_at = now  # the wish, for the tick; the real moment is written below
        return Start("approved", not_before=begins)
    if config.desk.approval and edition.approved_by is None:
        withdraw_approval(session, edition, reason="approval void: nobody is named who approved it")
        return Start(edition.state)
    if not intact(session, edition):
        withdraw_approval(session, edition, reason="approval void: what is stored is not what was approved")
        return Start(edition.state)
    items = snapshots.take(session, edition_id).items
    if edition.corrects is None and any(item.state != "published" for item in items):
        withdraw_approval(session, edition, reason="approval void: a clipping in it was retracted")
        return Start(edition.state)
    if not edition.frozen_to:
        edition.started_at = now  # whoever confirmed before this moment is among the recipients
    if ranges.freeze_range(session, edition, now, size=range_size):
        return None
    edition.state, edition.reason = "sending", None
    extend(config, edition, now=now)
    if not edition.chosen:
        edition.state, edition.finished_at = "sent", now
    session.flush()
    return Start(edition.state, edition.chosen or 0)


def not_before(config: Config, edition: Edition) -> datetime | None:
    """Before which moment no mail of an approved edition goes, or of a draft that has a slot; else None. Pure."""
    if edition.state == "draft":
        return edition.slot_at
    if edition.state != "approved" or edition.approved_at is None:
        return None
    hold = config.sending.hold_period
    return may_start(approved_at=edition.approved_at, slot_at=edition.slot_at, hold_period=hold)


def clear_abandoned(database: Database, edition_id: int) -> None:
    """Remove what is left of a start that was given up, some batches at a time."""
    more = True
    while more:
        with database.write() as session:
            more = ranges.clear(session, snapshots.edition(session, edition_id, lock=True))
