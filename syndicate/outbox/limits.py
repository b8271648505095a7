"""How fast mail may go: the relay's rate and daily quota, and the pace of each receiving domain, for all processes.

Both rates are a GCRA (the leaky bucket of ITU-T I.371): one moment (`tat`) says until when all that was granted would
last at the rate; what is granted may run ahead of now by one burst. A burst is one second's worth, at least one mail. A
grant is one guarded update by the database's clock, so that all processes together keep to
granted <= rate x time + burst, over restarts too.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor

from sqlalchemy import case, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from syndicate.models import DomainPace, RelayRecord

SLOWEST = 1 / 60
"""Mails a second that a domain is never slowed below: one a minute."""

LOST_RACE_SECONDS = 0.05
"""When to ask again if another process has just drawn."""

_TINY = 1e-6  # of a second: what adding numbers up may lose
_RECOVERY_SECONDS = 60.0
_RECOVERY_SHARE = 0.1
_TOGETHER_SECONDS = 1.0


@dataclass(frozen=True)
class Limit:
    """`rate` is mails a second, `quota` mails in a day of UTC; 0 is no limit."""

    rate: float = 0.0
    quota: int = 0


NO_LIMIT = Limit()


@dataclass(frozen=True)
class Drawn:
    """How many mails may go now, of `rate` a second; where none may, how many seconds to wait before asking again, and
    whether it is the day's quota that is used up."""

    granted: int
    rate: float
    wait: float = 0.0
    spent: bool = False


def burst(rate: float) -> float:
    """How many seconds what is granted may run ahead of now."""
    return max(1.0, 1 / rate)


def draw(session: Session, clock: ColumnElement[float], name: str, want: int, limit: Limit) -> Drawn:
    """Take up to `want` mails of what the relay `name` may be given now. Its row must be there (`relays.enrol`)."""
    if limit.rate:
        _clamp(session, clock, RelayRecord.tat, limit.rate, RelayRecord.name == name)
    tat, day, count, now = session.execute(
        select(RelayRecord.tat, RelayRecord.day, RelayRecord.day_count, clock).where(RelayRecord.name == name)
    ).one()
    today = datetime.fromtimestamp(now, UTC)
    counted = day if day and _iso(today) <= day <= _iso(today + timedelta(days=1)) else _iso(today)
    used = count if counted == day else 0
    left = limit.quota - used if limit.quota else want
    if left <= 0:
        return Drawn(0, limit.rate, _to_midnight(today), spent=True)
    due = _due(tat, now, limit.rate) if limit.rate else want
    granted = min(want, left, due)
    if granted < 1:
        return Drawn(0, limit.rate, _wait(tat, now, limit.rate))
    change = update(RelayRecord).where(RelayRecord.name == name)
    if limit.rate:
        change = change.where(_fits(RelayRecord.tat, clock, granted, limit.rate))
        change = change.values(tat=_later(RelayRecord.tat, clock) + granted / limit.rate)
    if limit.quota:
        stored = RelayRecord.day_count if counted == day else literal(0)
        change = change.where(RelayRecord.day.is_not_distinct_from(day), stored + granted <= limit.quota)
        change = change.values(day=counted, day_count=stored + granted)
    done = session.execute(change).rowcount  # type: ignore[attr-defined]
    return Drawn(granted, limit.rate) if done else Drawn(0, limit.rate, LOST_RACE_SECONDS)


def give_back(session: Session, name: str, unused: int, limit: Limit) -> None:
    """Return what was granted and not used."""
    values: dict[str, object] = {}
    if limit.rate:
        values["tat"] = RelayRecord.tat - unused / limit.rate
    if limit.quota:
        values["day_count"] = case((RelayRecord.day_count > unused, RelayRecord.day_count - unused), else_=0)
    if values and unused:
        session.execute(update(RelayRecord).where(RelayRecord.name == name).values(values))


def draw_for_domain(
    session: Session, clock: ColumnElement[float], relay: str, domain: str, *, want: int, most: float
) -> Drawn:
    """Take up to `want` mails of what the domain may be given now; `most` is its rate if it never asked for less."""
    here = (DomainPace.relay == relay) & (DomainPace.domain == domain)
    _enrol_domain(session, clock, relay, domain, most)
    learned, changed_at, now = session.execute(select(DomainPace.rate, DomainPace.changed_at, clock).where(here)).one()
    rate = recovered(learned, now - changed_at, most)
    _clamp(session, clock, DomainPace.tat, rate, here)
    tat = session.execute(select(DomainPace.tat).where(here)).scalar_one()
    granted = min(want, _due(tat, now, rate))
    if granted < 1:
        return Drawn(0, rate, _wait(tat, now, rate))
    change = update(DomainPace).where(here, _fits(DomainPace.tat, clock, granted, rate))
    done = session.execute(change.values(tat=_later(DomainPace.tat, clock) + granted / rate))
    won = done.rowcount == 1  # type: ignore[attr-defined]
    return Drawn(granted, rate) if won else Drawn(0, rate, LOST_RACE_SECONDS)


def slow_down(session: Session, clock: ColumnElement[float], relay: str, domain: str, most: float) -> float:
    """The domain asked for less: halve its rate (what is said within a second counts once). Returns the rate now."""
    here = (DomainPace.relay == relay) & (DomainPace.domain == domain)
    _enrol_domain(session, clock, relay, domain, most)
    learned, changed_at, now = session.execute(
        select(DomainPace.rate, DomainPace.changed_at, clock).where(here).with_for_update()
    ).one()
    rate = recovered(learned, now - changed_at, most)
    if learned < most and 0 <= now - changed_at < _TOGETHER_SECONDS:
        return rate
    slower = min(max(rate / 2, SLOWEST), rate)
    empty = clock + burst(slower)
    session.execute(update(DomainPace).where(here).values(rate=slower, changed_at=clock, tat=empty))
    return slower


def recovered(learned: float, quiet: float, most: float) -> float:
    """The rate that `learned` has grown to after so many quiet seconds: a tenth of `most` for each minute."""
    minutes = floor(max(quiet, 0.0) / _RECOVERY_SECONDS)
    return min(learned + minutes * _RECOVERY_SHARE * most, most)


def _due(tat: float, now: float, rate: float) -> int:
    return floor((now + burst(rate) + _TINY - max(tat, now)) * rate)


def _wait(tat: float, now: float, rate: float) -> float:
    """Seconds until one mail more may go."""
    return min(max(tat + 1 / rate - burst(rate) - now, 0.001), burst(rate))


def _later(tat: InstrumentedAttribute[float], clock: ColumnElement[float]) -> ColumnElement[float]:
    return case((tat > clock, tat), else_=clock)


def _fits(
    tat: InstrumentedAttribute[float], clock: ColumnElement[float], granted: int, rate: float
) -> ColumnElement[bool]:
    return tat <= clock + (burst(rate) + _TINY - granted / rate)


def _clamp(
    session: Session,
    clock: ColumnElement[float],
    tat: InstrumentedAttribute[float],
    rate: float,
    here: ColumnElement[bool],
) -> None:
    """A clock that went back must not hold anybody up for longer than a burst."""
    ahead = clock + burst(rate)
    session.execute(update(tat.class_).where(here, tat > ahead + _TINY).values({tat: ahead}))


def _to_midnight(today: datetime) -> float:
    tomorrow = (today + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - today).total_seconds()


def _iso(moment: datetime) -> str:
    return moment.date().isoformat()


def _enrol_domain(session: Session, clock: ColumnElement[float], relay: str, domain: str, most: float) -> None:
    """Make the row of a domain if there is none. Several processes may do so at once."""
    if session.get(DomainPace, (relay, domain)) is not None:
        return
    try:
        with session.begin_nested():
            values = {"relay": relay, "domain": domain, "tat": 0.0, "rate": most, "changed_at": clock}
            session.execute(insert(DomainPace).values(values))
    except IntegrityError:  # another process was first, at this moment
        return
