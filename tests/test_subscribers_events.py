"""Where somebody asked from is forgotten in time; that they asked is not."""

from datetime import datetime, timedelta

from sqlalchemy import select

from subscribers import consent, events
from subscribers.addresses import parse
from subscribers.models import ConsentEvent
from syndicate.database import Database


def _ask(database: Database, name: str, at: datetime) -> None:
    with database.write() as session:
        consent.ask(
            session,
            parse(f"{name}@example.org"),
            ["weekly"],
            hash_of=lambda key: f"{key:0>32}"[-32:],
            language="en",
            way="form",
            words="yes",
            network="192.0.2.0/24",
            now=at,
        )


def test_old_networks_are_erased_and_the_events_stay(database: Database, now: datetime) -> None:
    _ask(database, "old", now - timedelta(days=31))
    _ask(database, "new", now - timedelta(days=29))
    before = now - timedelta(days=30)
    with database.write() as session:
        assert events.has_networks(session, before)
        assert events.forget_networks(session, before) == 1
        assert not events.has_networks(session, before)
        assert session.scalars(select(ConsentEvent.network).order_by(ConsentEvent.at)).all() == [None, "192.0.2.0/24"]
