"""A site with any number of readers, made by the database itself, and an edition that is ready to be started."""

from datetime import UTC, datetime
from pathlib import Path

from path_site import approved, composition, lay
from sqlalchemy import text

from syndicate.app.parts import open_site
from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.database import Database
from syndicate.migrations import upgrade

_MAIL_BYTES = 6_000
_CLIPPINGS = 8


def make(folder: Path, url: str, readers: int) -> None:
    """Write the site's files, make its tables, and fill them. `readers` confirmed subscribers of one digest: two in
    five at one provider, one in five at another, as they come."""
    lay(folder)
    database = Database(url)
    upgrade(database)
    with database.write() as session:
        for statement in _people(database, readers):
            session.execute(text(statement))
    with database.write() as session:
        now = datetime.now(UTC)
        for number in range(_CLIPPINGS):
            new = NewClipping(headline=f"Headline {number} of the week", section="news", summary="What it says. " * 20)
            store.publish(session, store.add(session, new, now=now).id, now=now)
    database.settle()
    database.close()


def approve(folder: Path, url: str) -> int:
    """An edition with a frozen composition that can be started. Returns its id."""
    with open_site(folder / "config.toml", environ={"SYNDICATE_DATABASE__URL": url}) as app:
        now = app.clock()
        made, _ = composition(app.config, now, _MAIL_BYTES)
        with app.database.write() as session:
            return approved(session, made, now, uid="millionedition01", key="million")


def _people(database: Database, readers: int) -> tuple[str, str]:
    if database.sqlite:
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {readers})"
        uid, hashed, now = "printf('u%015d', i)", "printf('%032x', i * 2654435761 % 4294967296)", "datetime('now')"
    else:
        numbers = f"WITH n(i) AS (SELECT * FROM generate_series(1, {readers}))"
        uid, hashed, now = "'u' || lpad(i::text, 15, '0')", "md5(i::text)", "now()"
    domain = "CASE WHEN i % 5 < 2 THEN 'great' WHEN i % 5 < 3 THEN 'large' ELSE 'small' || i % 997 END"
    subscriber = (
        "INSERT INTO subscriber (uid, address, address_hash, state, language, created_at, confirmed_at)"
        f" {numbers} SELECT {uid}, 'reader' || i || '@' || {domain} || '.test', {hashed}, 'confirmed', 'en',"
        f" {now}, {now} FROM n"
    )
    subscription = (
        "INSERT INTO subscription (subscriber_id, digest, state, since)"
        f" SELECT id, 'weekly', 'active', {now} FROM subscriber"
    )
    return subscriber, subscription


def bare_copy(database: Database) -> list[str]:
    """The statements that make a table like `delivery`, empty, with the same keys, indexes and foreign keys."""
    if not database.sqlite:
        foreign = ("edition_id) REFERENCES edition", "subscriber_id) REFERENCES subscriber")
        return [
            "CREATE TABLE bare (LIKE delivery INCLUDING ALL)",
            *(f"ALTER TABLE bare ADD FOREIGN KEY ({columns}" for columns in foreign),
        ]
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'delivery' AND sql IS NOT NULL"
        )
        return [str(sql).replace("delivery", "bare") for (sql,) in rows]


SAME_ROWS = "INSERT INTO bare SELECT * FROM delivery"
IN_ORDER = (
    "INSERT INTO bare (edition_id, batch, seq, subscriber_id, address, language, state, attempt)"
    " SELECT 1, (id - 1) / 500, (id - 1) % 500, id, address, language, 'queued', 0 FROM subscriber ORDER BY id"
)
