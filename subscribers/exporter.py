"""Everybody with an address, as a table or as JSON that `importer` reads again. Who was erased is in neither."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription, Suppression

COLUMNS = (
    "address",
    "state",
    "language",
    "digests",
    "asked",
    "left",
    "since",
    "suppressed",
    "paused_until",
    "answer_by",
)
_AT_ONCE = 1_000
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True)
class Exported:
    """One person, or with the state "" an address of which only the suppression is known."""

    address: str
    state: str
    language: str
    digests: tuple[str, ...]
    asked: tuple[str, ...]
    left: tuple[str, ...]
    since: datetime | None
    suppressed: str | None
    paused_until: datetime | None
    answer_by: tuple[tuple[str, datetime], ...]


def everybody(session: Session) -> Iterator[Exported]:
    """All that can be exported, in the order they came; some at a time are in memory."""
    after = 0
    while page := _page(session, after):
        wishes = _wishes(session, [person.id for person, _ in page])
        for person, reason in page:
            yield _exported(person, reason, wishes.get(person.id, ()))
        after = page[-1][0].id
        session.expunge_all()
    known = exists().where(Subscriber.address_hash == Suppression.address_hash)
    only = select(Suppression.address, Suppression.reason).where(Suppression.address.is_not(None), ~known)
    for address, reason in session.execute(only.order_by(Suppression.address)).tuples():
        yield Exported(address or "", "", "", (), (), (), None, reason, None, ())


def table(people: Iterable[Exported]) -> Iterator[str]:
    """The lines of a table (RFC 4180), each with its end. Every cell is quoted, and one that a spreadsheet would take
    for a formula has an apostrophe in front. All of it is ASCII: no mark of the encoding is needed."""
    yield _line(COLUMNS)
    for one in people:
        yield _line([_safe(cell) for cell in _cells(one)])


def array(people: Iterable[Exported]) -> Iterator[str]:
    """The lines of a JSON array, an object a line."""
    begin = "["
    for one in people:
        yield f"{begin}\n{json.dumps(_object(one))}"
        begin = ","
    yield "[]\n" if begin == "[" else "\n]\n"


def _page(session: Session, after: int) -> list[tuple[Subscriber, str | None]]:
    people = (
        select(Subscriber, Suppression.reason)
        .outerjoin(Suppression, Suppression.address_hash == Subscriber.address_hash)
        .where(Subscriber.id > after, Subscriber.address != "")
        .order_by(Subscriber.id)
        .limit(_AT_ONCE)
    )
    return [(person, reason) for person, reason in session.execute(people).tuples()]


def _wishes(session: Session, ids: list[int]) -> dict[int, list[Subscription]]:
    found: dict[int, list[Subscription]] = {}
    chosen = select(Subscription).where(Subscription.subscriber_id.in_(ids)).order_by(Subscription.digest)
    for wish in session.scalars(chosen):
        found.setdefault(wish.subscriber_id, []).append(wish)
    return found


def _exported(person: Subscriber, reason: str | None, wishes: Iterable[Subscription]) -> Exported:
    wishes = list(wishes)

    def those(state: str) -> tuple[str, ...]:
        return tuple(wish.digest for wish in wishes if wish.state == state)

    return Exported(
        address=person.address,
        state=person.state,
        language=person.language,
        digests=those("active"),
        asked=those("asked"),
        left=those("ended"),
        since=person.confirmed_at or person.created_at,
        suppressed=reason,
        paused_until=person.paused_until,
        answer_by=tuple((wish.digest, wish.answer_by) for wish in wishes if wish.answer_by is not None),
    )


def _object(one: Exported) -> dict[str, object]:
    return {
        "address": one.address,
        "state": one.state,
        "language": one.language,
        "digests": list(one.digests),
        "asked": list(one.asked),
        "left": list(one.left),
        "since": _instant(one.since),
        "suppressed": one.suppressed,
        "paused_until": _instant(one.paused_until),
        "answer_by": {digest: _instant(at) for digest, at in one.answer_by},
    }


def _cells(one: Exported) -> list[str]:
    return [
        one.address,
        one.state,
        one.language,
        " ".join(one.digests),
        " ".join(one.asked),
        " ".join(one.left),
        _instant(one.since) or "",
        one.suppressed or "",
        _instant(one.paused_until) or "",
        " ".join(f"{digest}={_instant(at)}" for digest, at in one.answer_by),
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _line(cells: Iterable[str]) -> str:
    made = io.StringIO()
    csv.writer(made, quoting=csv.QUOTE_ALL).writerow(cells)
    return made.getvalue()


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
