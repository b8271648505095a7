"""What a database is asked, and how it looks that up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from syndicate.database import Database


@contextmanager
def asked(database: Database) -> Iterator[list[tuple[str, object]]]:
    """The statements with their values that SQLAlchemy makes in the block, as they are made."""
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, words: str, values: object, *_: object) -> None:
        statements.append((words, values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def plan_of(database: Database, ask: Callable[[Session], object]) -> str:
    """The plan of the last statement that `ask` makes. On PostgreSQL as if the tables were large."""
    with database.write() as session:
        with asked(database) as statements:
            ask(session)
            session.flush()
        words, values = statements[-1]
        if not database.sqlite:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
            session.execute(text("SET LOCAL enable_sort = off"))  # two rows it may well sort, a million never
        explain = "EXPLAIN QUERY PLAN " if database.sqlite else "EXPLAIN "
        rows = session.connection().exec_driver_sql(explain + words, values).all()  # type: ignore[arg-type]
    return "\n".join(str(row[-1]) for row in rows)
