"""Statements for the few transactions that every mail passes: compiled once, run on the driver's own cursor, and given
all their rows as one value, so that a commit for many connections costs about as much as one for a single one."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Dialect, FromClause, bindparam, cast, column, func, literal_column, select
from sqlalchemy import type_coerce as typed
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

from syndicate.database import Bare

_ROWS: Final = "rows"
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))

Values = Mapping[str, Any]
Compiled = tuple[str, Values, tuple[str, ...] | None]


class Prepared:
    """A statement for either database: `build(dialect)` makes it, once for each. Its values are given as the driver
    takes them."""

    def __init__(self, build: Callable[[Dialect], ClauseElement]) -> None:
        self._build = build
        self._compiled: dict[str, Compiled] = {}

    def run(self, work: Session | Bare, **values: Any) -> Any:
        """Execute it in the transaction of `work`; returns the driver's cursor, for `rowcount` and `fetchone`."""
        bare = work if isinstance(work, Bare) else bare_of(work)
        words, fixed, order = self.compiled(bare.dialect)
        every = {**fixed, **values}
        cursor = bare.connection.cursor()
        cursor.execute(words, every if order is None else tuple(every[name] for name in order))
        return cursor

    def compiled(self, dialect: Dialect) -> Compiled:
        """Its words, the values that stand in it, and the order of all values where they have no names."""
        found = self._compiled.get(dialect.name)
        if found is None:
            made = self._build(dialect).compile(dialect=dialect)
            order = tuple(made.positiontup) if made.positional else None  # type: ignore[attr-defined]
            found = self._compiled[dialect.name] = str(made), dict(made.params), order
        return found


def bare_of(session: Session) -> Bare:
    """The transaction of a session, as the driver has it."""
    connection = session.connection()
    return Bare(connection.connection, connection.dialect)


def given(dialect: Dialect, name: str, **columns: TypeEngine[Any]) -> FromClause:
    """The rows that are passed as `rows=as_rows(…)`, as a table of that name with these columns."""
    if dialect.name == "postgresql":
        rows = func.jsonb_to_recordset(cast(bindparam(_ROWS), JSONB))
        return rows.table_valued(*(column(key, kind) for key, kind in columns.items())).render_derived(
            name=name, with_types=True
        )
    each = func.json_each(bindparam(_ROWS)).table_valued("value").alias(f"{name}_row")
    fields = (
        typed(func.json_extract(each.c.value, literal_column(f"'$.{key}'")), kind).label(key)
        for key, kind in columns.items()
    )
    return select(*fields).subquery(name)


def listed(dialect: Dialect, name: str) -> FromClause:
    """The texts that are passed as `rows=as_rows(…)`, as a table of that name with one column, `value`."""
    if dialect.name == "postgresql":
        texts = func.jsonb_array_elements_text(cast(bindparam(_ROWS), JSONB))
    else:
        texts = func.json_each(bindparam(_ROWS))
    return texts.table_valued("value").alias(name)


def as_rows(rows: Iterable[Values | str]) -> str:
    """`rows` as the one value that `given` or `listed` reads. Moments must be given as `moment` writes them."""
    return _ENCODER.encode(list(rows))


def moment(dialect: Dialect, at: datetime | None) -> str | None:
    """An aware moment as it stands in rows: as PostgreSQL reads it, or as SQLAlchemy keeps it in SQLite."""
    if at is None:
        return None
    written = at.astimezone(UTC).isoformat(" ", "microseconds")
    return written.removesuffix("+00:00") if dialect.name == "sqlite" else written
