"""Databases whose clock is not the true one: for tests of what is measured by it."""

from sqlalchemy import Float, bindparam
from sqlalchemy.sql.elements import ColumnElement

from syndicate.database import Database


class StoppedDatabase(Database):
    """As its base, with a clock that shows `now` (seconds since 1970) until a test sets it."""

    now = 1_795_000_000.0

    def clock(self) -> ColumnElement[float]:
        return bindparam("now", callable_=lambda: self.now, type_=Float(53), unique=True)


class ShiftedDatabase(Database):
    """As its base, with a clock that is `offset` seconds ahead of the true one (negative: behind)."""

    offset = 0.0

    def clock(self) -> ColumnElement[float]:
        return super().clock() + bindparam("offset", callable_=lambda: self.offset, type_=Float(53), unique=True)
