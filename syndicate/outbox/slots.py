"""The slot commit: results of the last mails and names of the next ones, for all connections that wait, at once.

A mail may be handed over only after the commit that put it into a slot; so whatever a crash leaves unknown is named
in a slot. In the same transaction consent and suppression are looked at again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from syndicate.database import Bare
from syndicate.outbox import slot_statements as statements
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Job, LetterJob, Result
from syndicate.outbox.prepared import Prepared, as_rows, bare_of, moment


class _Kind(NamedTuple):
    """How it is found out which mails of one kind may go: `wanted` are those of `waiting` that still should."""

    job: type[Job]
    waiting: Prepared
    wanted: Prepared


_DELIVERIES: Final = _Kind(DeliveryJob, statements.WAITING, statements.WANTED)
_LETTERS: Final = _Kind(LetterJob, statements.WAITING_LETTERS, statements.WANTED_LETTERS)


def exchange(work: Session | Bare, owner: str, requests: Sequence[Exchange], now: datetime) -> list[Grant]:
    """Record every result and settle every slot; answer each request in its place.

    The caller has passed the fence in this transaction and commits it before any of the mails may go.
    """
    bare = work if isinstance(work, Bare) else bare_of(work)
    _hold_editions(bare, requests)
    _record(bare, [request.result for request in requests if request.result])
    grants = [Grant.NOTHING if request.job is None else Grant.NOT_NOW for request in requests]
    for kind in (_DELIVERIES, _LETTERS):
        _answer(bare, kind, requests, grants, now)
    _occupy(bare, owner, requests, grants, now)
    return grants


def _hold_editions(bare: Bare, requests: Sequence[Exchange]) -> None:
    """Keep the editions concerned in their state until the commit, so that a pause or a cancel comes wholly before
    it, and nothing is granted, or wholly after it, and sees the slots.

    Locked before any delivery is: see `ledger.lock_editions`. On SQLite nobody else writes meanwhile anyhow."""
    jobs = [request.job for request in requests] + [request.result.job for request in requests if request.result]
    concerned = {job.edition_id for job in jobs if isinstance(job, DeliveryJob)}
    if concerned and bare.dialect.name != "sqlite":
        _run(statements.HOLD_EDITIONS, bare, ({"edition_id": edition_id} for edition_id in concerned))


def _run(statement: Prepared, bare: Bare, rows: Iterable[dict[str, Any]]) -> Any:
    return statement.run(bare, rows=as_rows(rows))


def _record(bare: Bare, results: Sequence[Result]) -> None:
    deliveries: list[dict[str, Any]] = []
    letters: list[dict[str, Any]] = []
    for result in results:
        values = {
            "state": result.state,
            "attempt": result.attempt,
            "next_try_at": moment(bare.dialect, result.next_try_at),
            "code": result.code,
            "reply": result.reply,
            "cause": result.cause,
            "at": moment(bare.dialect, result.at),
        }
        (deliveries if isinstance(result.job, DeliveryJob) else letters).append(_name(result.job) | values)
    if deliveries:
        _run(statements.DELIVERY_RESULTS, bare, deliveries)
    if letters:
        _run(statements.LETTER_RESULTS, bare, letters)


def _name(job: Job) -> dict[str, int]:
    if isinstance(job, DeliveryJob):
        return {"edition_id": job.edition_id, "batch": job.batch, "seq": job.seq}
    return {"letter_id": job.letter_id}


def _answer(bare: Bare, kind: _Kind, requests: Sequence[Exchange], grants: list[Grant], now: datetime) -> None:
    """Those of this kind that are wanted may go; those that wait and are not wanted are skipped."""
    asked = {place: request.job for place, request in enumerate(requests) if isinstance(request.job, kind.job)}
    if not asked:
        return
    rows = as_rows(({"place": place} | _name(job) for place, job in asked.items()))
    may_go = _places(kind.wanted, bare, rows, now=moment(bare.dialect, now))
    for place in may_go:
        grants[place] = Grant.SEND
    if len(may_go) < len(asked):
        skipped = sorted(_places(kind.waiting, bare, rows) - may_go)
        for place in skipped:
            grants[place] = Grant.SKIPPED
        _record(bare, [_skipped(asked[place], now) for place in skipped])


def _places(statement: Prepared, bare: Bare, rows: str, **values: Any) -> set[int]:
    (found,) = statement.run(bare, rows=rows, **values).fetchone()
    return {int(place) for place in found.split(",")} if found else set()


def _skipped(job: Job, now: datetime) -> Result:
    return Result(job, "skipped", job.attempt, now, reply="left, pauses, or may not be mailed any more")


def _occupy(bare: Bare, owner: str, requests: Sequence[Exchange], grants: Sequence[Grant], now: datetime) -> None:
    filled, freed, since = [], [], moment(bare.dialect, now)
    for request, grant in zip(requests, grants, strict=True):
        slot: dict[str, Any] = {"owner": owner, "n": request.n}
        if request.job and grant is Grant.SEND:
            filled.append(slot | _name(request.job) | {"attempt": request.job.attempt + 1, "since": since})
        else:
            freed.append(slot)
    if freed:
        _run(statements.EMPTY, bare, freed)
    if filled:
        _run(statements.FILL, bare, filled)
