"""How the relay does, in one row for all sender processes: the breaker, who may try it, and a login that was refused.

Moments are measured by the database's clock; only `at` is dated by the caller's. Each function is part of the caller's
transaction, and takes the relay's row last.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from syndicate.models import RelayRecord

Trouble = Literal["down", "busy", "spent"]
"""It cannot be used; it asks us to slow down; or it has taken all that we may send in a day."""

SHORT_PAUSES = 4
"""After so many failures in a row the pauses get long: the breaker is open."""

_SPREAD = 0.2
_PROBE_SECONDS = 60.0
_BUSY_LONGEST = 600.0
_BREAKER_FIRST, _BREAKER_LONGEST = 30.0, 900.0
_SPENT_SECONDS, _DAY_SECONDS = 3600.0, 86400.0
_AWAY_AFTER = 2


@dataclass(frozen=True)
class Standing:
    """The row as it was read. `rest` is how many seconds nobody may try it; `probed`: another process tries it now."""

    state: str = "unknown"
    error: str | None = None
    failures: int = 0
    open_until: float = 0.0
    rest: float = 0.0
    probed: bool = False

    @property
    def fine(self) -> bool:
        """Whether nothing is known against it."""
        return self.state in ("ok", "unknown")

    @property
    def stopped(self) -> bool:
        """Whether it refused our login: nobody tries again before a person has acted."""
        return self.state == "stopped"

    @property
    def away(self) -> bool:
        """Whether who waits for a mail need not wait here: it failed when it was tried again too, or for long."""
        if self.state == "busy":
            return self.rest > _BUSY_LONGEST
        return self.stopped or (self.state == "down" and self.failures >= _AWAY_AFTER)


def pause(trouble: Trouble, failures: int, chance: float) -> float:
    """Seconds of rest after so many failures in a row (1 is the first).

    Down: 1, 2, 4, 8 s, then 30 s doubling to 15 min; busy: 1 s doubling to 10 min; spent: an hour. Those of a minute
    and more lie within 20 % either way as `chance` (0 to 1) says, so that processes and sites do not return together.
    """
    doubled = 2.0 ** min(failures - 1, 30)
    if trouble == "spent":
        seconds = _SPENT_SECONDS
    elif trouble == "busy":
        seconds = min(doubled, _BUSY_LONGEST)
    elif failures <= SHORT_PAUSES:
        return doubled
    else:
        seconds = min(_BREAKER_FIRST * 2.0 ** min(failures - SHORT_PAUSES - 1, 30), _BREAKER_LONGEST)
    return seconds * (1 + _SPREAD * (2 * chance - 1))


def standing(session: Session, clock: ColumnElement[float], name: str, me: str) -> Standing:
    """How the relay `name` stands for the owner `me`; reads only."""
    row = session.execute(
        select(
            RelayRecord.state,
            RelayRecord.last_error,
            RelayRecord.failures,
            RelayRecord.open_until,
            RelayRecord.probe_by,
            RelayRecord.probe_until,
            clock,
        ).where(RelayRecord.name == name)
    ).one_or_none()
    if row is None:
        return Standing()
    state, error, failures, open_until, probe_by, probe_until, now = row
    longest = _DAY_SECONDS if state == "busy" else _BREAKER_LONGEST * (1 + _SPREAD)
    rest = min(max(open_until - now, 0.0), longest)  # a clock that went back makes no rest longer than any is
    probed = probe_by not in (None, me) and now < probe_until <= now + _PROBE_SECONDS
    return Standing(state, error, failures, open_until, rest, probed)


def failed(
    session: Session,
    clock: ColumnElement[float],
    name: str,
    me: str,
    *,
    trouble: Trouble,
    error: str,
    chance: float,
    now: datetime,
    rest: float | None = None,
) -> None:
    """Count a failure that the owner `me` met, and close the way for everybody, for `rest` seconds or as `pause` says.

    While it is closed already nothing more is counted, except of who tries it for all: what fails together counts once.
    Of a relay that refused the login nothing is counted either."""
    enrol(session, name, now)
    # Locked first: what is read after it is what the last one wrote.
    prober = session.execute(
        select(RelayRecord.probe_by).where(RelayRecord.name == name).with_for_update()
    ).scalar_one()
    record, moment = standing(session, clock, name, me), float(session.execute(select(clock)).scalar_one())
    closed = record.rest > (_BUSY_LONGEST * (1 + _SPREAD) if trouble == "spent" else 0.0)
    if record.stopped or (closed and prober != me):
        return
    failures = record.failures + 1
    session.execute(
        update(RelayRecord)
        .where(RelayRecord.name == name)
        .values(
            state="down" if trouble == "down" else "busy",
            last_error=error,
            at=now,
            failures=failures,
            open_until=moment + (pause(trouble, failures, chance) if rest is None else rest),
            probe_by=None,
            probe_until=0.0,
        )
    )


def answered(session: Session, name: str, seen: Standing, *, now: datetime) -> None:
    """The relay answered to a mail: the way is free for everybody, unless it refuses the login, or something was found
    since it was seen so."""
    enrol(session, name, now)
    change = update(RelayRecord).where(RelayRecord.name == name, RelayRecord.state != "stopped", _as_seen(seen))
    session.execute(change.values(_freed("ok", now)))


def stopped(session: Session, name: str, *, error: str, login: str | None, now: datetime) -> None:
    """The relay refuses the login (`login` is its keyed hash): nobody tries again before a person has acted."""
    enrol(session, name, now)
    values = {"state": "stopped", "last_error": error, "at": now, "login": login, "probe_by": None, "probe_until": 0.0}
    session.execute(update(RelayRecord).where(RelayRecord.name == name).values(values))


def is_stopped(session: Session, name: str) -> bool:
    """Whether the relay `name` refuses the login, so that nobody tries it before a person has acted; reads only."""
    return session.scalar(select(RelayRecord.state).where(RelayRecord.name == name)) == "stopped"


def login_changed(session: Session, name: str, *, login: str | None, now: datetime) -> bool:
    """Let a stopped relay be tried again if it is another login now. Whether it was so."""
    another = RelayRecord.login.is_distinct_from(login)
    change = update(RelayRecord).where(RelayRecord.name == name, RelayRecord.state == "stopped", another)
    return bool(session.execute(change.values(_freed("unknown", now))).rowcount)  # type: ignore[attr-defined]


def release(session: Session, name: str, *, now: datetime) -> bool:
    """A person has looked: whatever is known against the relay `name` is forgotten. Whether anything was."""
    change = update(RelayRecord).where(RelayRecord.name == name, RelayRecord.state.not_in(("ok", "unknown")))
    return bool(session.execute(change.values(_freed("unknown", now))).rowcount)  # type: ignore[attr-defined]


def reached(session: Session, name: str, *, now: datetime) -> None:
    """A session could be had, login included: that it was down, or refused the login, is over."""
    change = update(RelayRecord).where(RelayRecord.name == name, RelayRecord.state.in_(("down", "stopped")))
    session.execute(change.values(_freed("unknown", now)))


def claim_probe(session: Session, clock: ColumnElement[float], name: str, me: str, seen: Standing) -> bool:
    """Whether `me` may be the one process that tries the relay, after the rest that `seen` told is over.

    Over all processes one gets it: until it says how it went, or, if it died, until its time (a minute) is over. That
    the rest is over is the caller's to know, who has waited: so a clock that is set back holds nobody up."""
    free = or_(
        RelayRecord.probe_by.is_(None),
        RelayRecord.probe_by == me,
        RelayRecord.probe_until <= clock,
        RelayRecord.probe_until > clock + _PROBE_SECONDS,
    )
    change = update(RelayRecord).where(RelayRecord.name == name, RelayRecord.state == seen.state, _as_seen(seen), free)
    done = session.execute(change.values(probe_by=me, probe_until=clock + _PROBE_SECONDS))
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def down_since(session: Session, clock: ColumnElement[float], name: str, moment: datetime) -> str | None:
    """The error of the relay `name` if it was found away at `moment` or later, or nobody may try it now; None if it
    has answered since."""
    record = session.get(RelayRecord, name)
    if record is None:
        return None
    now = standing(session, clock, name, "")
    return now.error if now.away and (now.stopped or now.rest > 0 or record.at >= moment) else None


def _as_seen(seen: Standing) -> ColumnElement[bool]:
    return (RelayRecord.open_until == seen.open_until) & (RelayRecord.failures == seen.failures)


def _freed(state: str, now: datetime) -> dict[str, object]:
    return {
        "state": state,
        "last_error": None,
        "at": now,
        "failures": 0,
        "open_until": 0.0,
        "probe_by": None,
        "probe_until": 0.0,
        "login": None,
    }


def enrol(session: Session, name: str, now: datetime) -> None:
    """Make the row of the relay `name` if there is none. Several processes may do so at once."""
    if session.scalar(select(RelayRecord.name).where(RelayRecord.name == name)) is not None:
        return
    try:
        with session.begin_nested():
            session.add(RelayRecord(name=name, state="unknown", at=now))
    except IntegrityError:  # another process was first, at this moment
        return
