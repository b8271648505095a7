"""The statements of the slot commit. Each takes rows (see `prepared`); those that ask answer with the `place` numbers
of the rows they found, as one text."""

from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    Delete,
    Dialect,
    FromClause,
    Insert,
    Select,
    String,
    Table,
    Update,
    and_,
    bindparam,
    exists,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy import cast as converted
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from subscribers.models import Id, Instant, Suppression
from subscribers.recipients import still_wanted
from syndicate.models import Delivery, Edition, Letter, Slot
from syndicate.outbox import guard
from syndicate.outbox.prepared import Prepared, given

Columns = dict[str, TypeEngine[Any]]

_DELIVERY: Final = cast(Table, Delivery.__table__)
_EDITION: Final = cast(Table, Edition.__table__)
_LETTER: Final = cast(Table, Letter.__table__)
_SLOT: Final = cast(Table, Slot.__table__)

_PLACE: Final[Columns] = {"edition_id": Id, "batch": Id, "seq": Id}
_OUTCOME: Final[Columns] = {
    "state": String(),
    "attempt": Id,
    "next_try_at": Instant(),
    "code": Id,
    "reply": String(),
    "cause": String(),
    "at": Instant(),
}
_IS_SENDING: Final = select(_EDITION.c.id).where(_EDITION.c.id == _DELIVERY.c.edition_id, _EDITION.c.state == "sending")
_KEY: Final[Columns] = {"owner": String(), "n": Id}
_NOW: Final = bindparam("now", type_=Instant())
_ON_THE_WIRE: Final[Columns] = {**_PLACE, "letter_id": Id, "attempt": Id, "since": Instant()}


def _hold_editions(dialect: Dialect) -> Select[tuple[int]]:
    concerned = given(dialect, "concerned", edition_id=Id)
    which = select(_EDITION.c.id).where(_EDITION.c.id.in_(select(concerned.c.edition_id)))
    return which.order_by(_EDITION.c.id).with_for_update(read=True, of=_EDITION)


def _delivery_results(dialect: Dialect) -> Update:
    result = given(dialect, "result", **_PLACE, **_OUTCOME)
    return _DELIVERY.update().where(_waiting_here(result)).values({name: result.c[name] for name in _OUTCOME})


def _letter_results(dialect: Dialect) -> Update:
    result = given(dialect, "result", letter_id=Id, **_OUTCOME)
    here = (_LETTER.c.id == result.c.letter_id) & (_LETTER.c.state == "queued")
    return _LETTER.update().where(here).values({name: result.c[name] for name in _OUTCOME} | {"owner": None})


def _waiting(dialect: Dialect) -> Select[tuple[str]]:
    return _asked(dialect, _IS_SENDING)


def _wanted(dialect: Dialect) -> Select[tuple[str]]:
    reader = still_wanted(_EDITION.c.digest, _DELIVERY.c.subscriber_id, now=_NOW).order_by(None)
    return _asked(dialect, _IS_SENDING.where(reader.correlate(_EDITION, _DELIVERY).exists()))


def _asked(dialect: Dialect, edition: Select[tuple[int]]) -> Select[tuple[str]]:
    """Which of the deliveries asked for wait, and have such an edition. The edition is a condition and not joined, so
    that no database begins there and looks at all its deliveries."""
    asked = given(dialect, "asked", place=Id, **_PLACE)
    return (
        select(_joined(asked))
        .select_from(asked)
        .join(_DELIVERY, _waiting_here(asked))
        .where(edition.correlate(_DELIVERY).exists())
    )


def _waiting_letters(dialect: Dialect) -> Select[tuple[str]]:
    asked = given(dialect, "asked", place=Id, letter_id=Id)
    here = (_LETTER.c.id == asked.c.letter_id) & (_LETTER.c.state == "queued")
    return select(_joined(asked)).select_from(asked).join(_LETTER, here).where(guard.not_held())


def _wanted_letters(dialect: Dialect) -> Select[tuple[str]]:
    suppressed = exists().where(Suppression.address_hash == _LETTER.c.address_hash)
    return _waiting_letters(dialect).where(~suppressed)


def _joined(asked: FromClause) -> ColumnElement[str]:
    """All places in one value: each row of an answer would be a step of the driver's."""
    return func.aggregate_strings(converted(asked.c.place, String), ",")


def _waiting_here(row: FromClause) -> Any:
    """The delivery that this row names, if it waits."""
    return and_(*(_DELIVERY.c[name] == row.c[name] for name in _PLACE), _DELIVERY.c.state == "queued")


def _fill(dialect: Dialect) -> Insert:
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    slot = given(dialect, "filled", **_KEY, **_ON_THE_WIRE)
    columns = {**_KEY, **_ON_THE_WIRE}
    # The condition parts the rows from ON CONFLICT, which SQLite could take for a join's ON.
    made = insert(_SLOT).from_select(list(columns), select(*(slot.c[name] for name in columns)).where(true()))
    return made.on_conflict_do_update(
        index_elements=list(_KEY), set_={name: made.excluded[name] for name in _ON_THE_WIRE}
    )


def _empty(dialect: Dialect) -> Delete:
    freed = given(dialect, "freed", **_KEY)
    return _SLOT.delete().where(tuple_(_SLOT.c.owner, _SLOT.c.n).in_(select(freed.c.owner, freed.c.n)))


HOLD_EDITIONS: Final = Prepared(_hold_editions)
"""Keeps editions (`edition_id`) in their state until the commit (PostgreSQL)."""
DELIVERY_RESULTS: Final = Prepared(_delivery_results)
"""Writes outcomes into the deliveries that wait."""
LETTER_RESULTS: Final = Prepared(_letter_results)
"""Writes outcomes into the letters that wait, which nobody owns then."""
WAITING: Final = Prepared(_waiting)
"""Which deliveries wait, of an edition that is sending."""
WANTED: Final = Prepared(_wanted)
"""Which of those belong to somebody who still is a recipient `now` (see `prepared.moment`)."""
WAITING_LETTERS: Final = Prepared(_waiting_letters)
"""Which letters wait, while the outbox is not held (deliveries need not ask: no edition is sending then)."""
WANTED_LETTERS: Final = Prepared(_wanted_letters)
"""Which of those are to an address that may be mailed."""
FILL: Final = Prepared(_fill)
"""Names in slots what goes on the wire."""
EMPTY: Final = Prepared(_empty)
"""Empties slots (`owner`, `n`)."""
