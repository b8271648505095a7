"""A database of an earlier revision, with rows in it, becomes one of this program's, and what it knew is still true."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, inspect, select, text
from sqlalchemy.engine import make_url

from syndicate import migrations
from syndicate.database import Database
from syndicate.migrations import upgrade
from syndicate.models import Batch, Delivery, Edition, Outbox, Owner
from syndicate.outbox import guard, leases, ledger

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STATES = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
# The deliveries of each edition, batch by batch, in the state they were in when the program was exchanged.
EDITIONS = {
    "sent": ["accepted accepted rejected", "accepted skipped"],
    "sending": ["accepted queued queued", "queued queued uncertain", "queued"],
    "paused": ["accepted expired queued"],
    "incomplete": ["accepted uncertain unknown"],
    "approved": [],
}


def _at(database: Database, revision: str, change: Callable[..., None] = command.upgrade) -> None:
    """Bring the database to this revision, by whichever way leads there."""
    with database.engine.connect() as plain:
        connection = plain.execution_options(syndicate_write=True)
        with connection.begin():
            config = migrations._config()
            config.attributes["connection"] = connection
            change(config, revision)


@pytest.fixture
def sqlite_unmade(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/old.db"


@pytest.fixture
def postgres_unmade(postgres_server: str) -> Iterator[str]:
    name = f"syndicate_{uuid.uuid4().hex[:12]}"
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def old(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the first revision in the middle of its work: one sender, one batch in its hands."""
    database = Database(request.getfixturevalue(f"{request.param}_unmade"))
    _at(database, "0001")
    with database.write() as session:
        _fill(session.connection())
    yield database
    database.close()


def _fill(connection: Connection) -> None:
    at = {"at": NOW.replace(tzinfo=None).isoformat(" ")}

    def add(table: str, **values: object) -> None:
        names = ", ".join(values)
        row = text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in values)})")
        connection.execute(row, values)

    for n in range(1, 10):
        hashed = f"{n:032}"
        add("subscriber", uid=f"u{n}", address=f"r{n}@e.net", address_hash=hashed, state="confirmed", language="en",
            created_at=at["at"])  # fmt: skip
        add("subscription", subscriber_id=n, digest="weekly", state="active", since=at["at"])
    add("owner", id="alpha", lease_until=0.0, beat=41, host="here", version="0", connections=4)
    add("relay", name="relay:25", state="down", last_error="away", at=at["at"])
    for number, (state, batches) in enumerate(EDITIONS.items(), 1):
        chosen = sum(len(batch.split()) for batch in batches) if batches else None
        add("edition", uid=f"e{number}", digest="weekly", kind="manual", key=str(number), state=state, chosen=chosen,
            created_at=at["at"], mail_date=at["at"], expires_at="2026-11-27 12:00:00")  # fmt: skip
        seat = 0
        for batch, states in enumerate(batches):
            done = "queued" not in states
            owner = "alpha" if (state, batch) == ("sending", 1) else None
            add("batch", edition_id=number, batch=batch, owner=owner, done=done, next_try_at=at["at"])
            for seq, stand in enumerate(states.split()):
                seat += 1
                add("delivery", edition_id=number, batch=batch, seq=seq, subscriber_id=seat, address=f"r{seat}@e.net",
                    language="en", state=stand, attempt=0)  # fmt: skip
    add("slot", owner="alpha", n=0, edition_id=2, batch=1, seq=0, attempt=1, since=at["at"])


def test_every_batch_has_its_tally_and_the_outbox_its_row(old: Database) -> None:
    upgrade(old)
    with old.read() as session:
        for number, batches in enumerate(EDITIONS.values(), 1):
            rows = session.scalars(select(Batch).where(Batch.edition_id == number).order_by(Batch.batch)).all()
            found = [(row.size, +Counter({state: getattr(row, state) for state in STATES})) for row in rows]
            assert found == [(len(batch.split()), Counter(batch.split())) for batch in batches]
            everybody = Counter(" ".join(batches).split())
            stand = ledger.counts(session, number)
            assert +Counter({state: getattr(stand, state) for state in STATES}) == everybody
            assert (session.get_one(Edition, number).chosen or 0) == everybody.total() == stand.chosen
        row = session.scalars(select(Outbox)).one()
        assert (row.id, row.held_at, guard.total(session)) == (1, None, 0)


def test_the_work_goes_on_where_the_old_program_left_it(old: Database) -> None:
    """Its sender is recovered, what it had on the wire is uncertain, the rest can be claimed and the account closes."""
    upgrade(old)
    with old.write() as session:
        leases.register(session, old.clock(), "beta", lease_seconds=30, host="here", version="1", connections=4)
        [found] = leases.recover_dead(session, old.clock(), "beta", alone=False, doubt="hold", now=NOW)
        assert (found.owner, found.uncertain, found.batches) == ("alpha", 1, 1)
        claimed = []
        while batch := ledger.claim(session, "beta", NOW):
            claimed.append((batch.edition_id, batch.batch, len(batch.jobs)))
        assert claimed == [(2, 0, 2), (2, 1, 1), (2, 2, 1)]
        for row in session.scalars(select(Delivery).where(Delivery.edition_id == 2, Delivery.state == "queued")):
            row.state = "accepted"
        session.flush()
        for edition_id, number, _ in claimed:
            ledger.release(session, "beta", edition_id, number, NOW)
        stand = ledger.counts(session, 2)
        assert (stand.accepted, stand.uncertain, stand.queued) == (5, 2, 0)
        assert session.get_one(Edition, 2).state == "incomplete"
        assert session.scalars(select(Owner.id)).all() == ["beta"]


def test_it_can_be_taken_back_to_what_it_was_and_forward_again(old: Database) -> None:
    was = _shape(old)
    upgrade(old)
    with old.write() as session:  # somebody was freezing recipients at that moment: the old program begins anew
        session.add(Batch(edition_id=5, batch=0, done=False, next_try_at=NOW, size=1, queued=1))
        session.flush()
        person = {"subscriber_id": 1, "address": "r1@e.net", "language": "en"}
        session.add(Delivery(edition_id=5, batch=0, seq=0, state="queued", attempt=0, **person))
        session.get_one(Edition, 5).frozen_to = 1
    _at(old, "0001", command.downgrade)
    assert _shape(old) == was
    with old.read() as session:
        assert session.execute(text("SELECT count(*) FROM delivery WHERE edition_id = 5")).scalar() == 0
        assert session.execute(text("SELECT count(*) FROM batch WHERE edition_id = 2")).scalar() == 3
    upgrade(old)
    with old.read() as session:
        assert ledger.counts(session, 2) == ledger.Counts(accepted=1, uncertain=1, queued=5)


def _shape(database: Database) -> dict[str, tuple[set[str], set[str]]]:
    """The columns and indexes of every table."""
    found = inspect(database.engine)
    return {
        table: (
            {column["name"] for column in found.get_columns(table)},
            {str(index["name"]) for index in found.get_indexes(table)},
        )
        for table in found.get_table_names()
    }


def test_a_draft_that_was_withdrawn_is_known_by_more_than_its_reason(old: Database) -> None:
    _at(old, "0003")
    with old.write() as session:
        for number, reason in ((1, None), (2, "withdrawn: approve it again, or cancel it"), (3, "approval void: x")):
            change = text("UPDATE edition SET state = 'draft', reason = :reason WHERE id = :id")
            session.execute(change, {"id": number, "reason": reason})
    upgrade(old)
    with old.read() as session:
        rows = session.execute(select(Edition.id, Edition.withdrawn, Edition.set_aside).order_by(Edition.id)).all()
    assert [tuple(row) for row in rows] == [(n, n == 2, None) for n in range(1, 6)]
