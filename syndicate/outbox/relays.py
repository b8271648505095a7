"""How the relay last behaved, for everybody who asks how the outbox does."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from syndicate.models import RelayRecord


def note(session: Session, name: str, *, error: str | None, now: datetime) -> None:
    """Record that the relay `name` is `ok`, or `down` with its error in words. Several processes may do so at once."""
    values = {"state": "down" if error else "ok", "last_error": error, "at": now}
    change = update(RelayRecord).where(RelayRecord.name == name).values(values)
    if session.execute(change).rowcount:  # type: ignore[attr-defined]
        return
    try:
        with session.begin_nested():
            session.add(RelayRecord(name=name, **values))
    except IntegrityError:  # another process was first, at this moment
        session.execute(change)


def down_since(session: Session, name: str, moment: datetime) -> str | None:
    """The error of the relay `name` if it was found down at `moment` or later and has not answered since."""
    record = session.get(RelayRecord, name)
    return record.last_error if record and record.state == "down" and record.at >= moment else None
