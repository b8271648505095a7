"""Who leaves gets one letter with the way back, and who must not be mailed gets none."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from stops import Kept

from subscribers import consent, suppression
from subscribers.addresses import parse
from subscribers.errors import UnknownSubscriber
from subscribers.tokens import TokenKeys
from syndicate.database import Database
from syndicate.keys import SiteKeys
from syndicate.leaving.goodbye import leave
from syndicate.models import Letter

KEYS = SiteKeys(TokenKeys({1: b"0123456789abcdef"}, 1), b"another key for addresses")
ADDRESS = parse("ann@example.net")
HOUR = timedelta(hours=1)


def join(database: Database, now: datetime, *digests: str) -> int:
    with database.write() as session:
        return consent.add(
            session,
            ADDRESS,
            digests,
            hash_of=KEYS.address_hash,
            language="es",
            consent="on paper",
            way="command",
            now=now,
        ).id


def end(database: Database, person: int, digest: str | None, now: datetime) -> tuple[str, ...]:
    with database.write() as session:
        return leave(session, person, digest, way="page", stops=Kept(), now=now)


def filed(database: Database) -> list[tuple[str, str, object]]:
    with database.read() as session:
        letters = session.scalars(select(Letter).order_by(Letter.id))
        return [(one.kind, one.language, one.params["digests"]) for one in letters]


def test_who_leaves_gets_one_goodbye_however_often_the_button_is_pressed(database: Database, now: datetime) -> None:
    person = join(database, now, "weekly", "daily")
    assert end(database, person, "weekly", now) == ("weekly",)
    assert end(database, person, "weekly", now) == ()
    assert filed(database) == [("goodbye", "es", ["weekly"])]


def test_an_address_gets_one_goodbye_a_day(database: Database, now: datetime) -> None:
    person = join(database, now, "weekly", "daily", "monthly")
    end(database, person, "weekly", now)
    end(database, person, "daily", now + 23 * HOUR)
    assert len(filed(database)) == 1
    end(database, person, "monthly", now + 24 * HOUR)
    assert filed(database)[1:] == [("goodbye", "es", ["monthly"])]


def test_who_leaves_everything_is_told_of_all_that_came(database: Database, now: datetime) -> None:
    person = join(database, now, "weekly", "daily")
    end(database, person, None, now)
    assert [(kind, sorted(map(str, digests))) for kind, _, digests in filed(database) if isinstance(digests, list)] == [
        ("goodbye", ["daily", "weekly"])
    ]


def test_a_suppressed_address_leaves_without_a_letter(database: Database, now: datetime) -> None:
    person = join(database, now, "weekly")
    with database.write() as session:
        suppression.suppress(
            session, KEYS.address_hash(ADDRESS.key), address=None, reason="complaint", stops=Kept(), now=now
        )
    assert end(database, person, "weekly", now) == ("weekly",)
    assert filed(database) == []


def test_who_never_confirmed_is_not_told_goodbye(database: Database, now: datetime) -> None:
    with database.write() as session:
        asked = consent.ask(
            session,
            ADDRESS,
            ("weekly",),
            hash_of=KEYS.address_hash,
            language="en",
            way="form",
            words="x",
            now=now,
        )
        assert leave(session, asked.subscriber.id, None, way="page", stops=Kept(), now=now) == ("weekly",)
    assert filed(database) == []


def test_nobody_cannot_leave(sqlite_database: Database, now: datetime) -> None:
    with pytest.raises(UnknownSubscriber):
        end(sqlite_database, 99, None, now)
