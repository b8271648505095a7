"""Databases for a run on the PostgreSQL server that somebody named."""

import uuid

from sqlalchemy import create_engine, make_url, text


def new_database(server: str, like: str | None = None) -> str:
    """Make a database on `server`, as a copy of `like`, which nobody may use meanwhile, if given. Returns its
    address."""
    name = f"bench_{uuid.uuid4().hex[:10]}"
    model = f" TEMPLATE {make_url(like).database}" if like else ""
    _run(server, f"CREATE DATABASE {name}{model}", "CHECKPOINT")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, url: str) -> None:
    """Remove a database made here."""
    _run(server, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def _run(server: str, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
