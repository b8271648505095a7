"""A database whose clock can be set wrong: for tests of what is measured by it."""

from sqlalchemy import Float, bindparam
from sqlalchemy.sql.elements import ColumnElement

from syndicate.database import Database


class ShiftedDatabase(Database):
    """As its base, with a clock that is `offset` seconds ahead of the true one (negative: behind)."""

    offset = 0.0

    def clock(self) -> ColumnElement[float]:
        return super().clock() + bindparam("offset", callable_=lambda: self.offset, type_=Float(53), unique=True)
