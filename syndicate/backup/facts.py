"""What a database holds, whatever revision of the tables it has."""

from dataclasses import dataclass

from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber
from syndicate.models import Clipping, Edition, Outbox, Site
from syndicate.outbox import guard


@dataclass(frozen=True)
class Facts:
    """`revision` is None of a database without tables; all else is then empty."""

    revision: str | None
    site: str
    counter: int
    counts: dict[str, int]


def facts(connection: Connection) -> Facts:
    """Read them in the transaction of this connection."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return Facts(None, "", 0, {})
    session = Session(bind=connection)
    counted = inspect(connection).has_table(Outbox.__tablename__)
    return Facts(
        revision=revision,
        site=session.scalar(select(Site.uid)) or "",
        counter=guard.total(session) if counted else 0,
        counts={
            "subscribers": session.scalar(select(func.count()).select_from(Subscriber)) or 0,
            "clippings": session.scalar(select(func.count()).select_from(Clipping)) or 0,
            "editions": session.scalar(select(func.count()).select_from(Edition)) or 0,
        },
    )
