"""The slot commit: results of the last mails and names of the next ones, for all connections that wait, at once.

A mail may be handed over only after the commit that put it into a slot; so whatever a crash leaves unknown is named
in a slot. In the same transaction consent and suppression are looked at again.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from subscribers.models import Suppression
from subscribers.recipients import still_wanted
from syndicate.models import Delivery, Edition, Letter, Slot
from syndicate.outbox import guard
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, Job, LetterJob, Result

_DELIVERY_RESULT = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(
        Delivery.edition_id == bindparam("edition_"),
        Delivery.batch == bindparam("batch_"),
        Delivery.seq == bindparam("seq_"),
        Delivery.state == "queued",
    )
    .values(
        state=bindparam("state_"),
        attempt=bindparam("attempt_"),
        next_try_at=bindparam("next_"),
        code=bindparam("code_"),
        reply=bindparam("reply_"),
        cause=bindparam("cause_"),
        at=bindparam("at_"),
    )
)
_LETTER_RESULT = (
    update(Letter.__table__)  # type: ignore[arg-type]
    .where(Letter.id == bindparam("letter_"), Letter.state == "queued")
    .values(
        state=bindparam("state_"),
        owner=None,
        attempt=bindparam("attempt_"),
        next_try_at=bindparam("next_"),
        code=bindparam("code_"),
        reply=bindparam("reply_"),
        cause=bindparam("cause_"),
        at=bindparam("at_"),
    )
)


def exchange(session: Session, owner: str, requests: Sequence[Exchange], now: datetime) -> list[Grant]:
    """Record every result and settle every slot; answer each request in its place.

    The caller has passed the fence in this transaction and commits it before any of the mails may go.
    """
    sending = _sending(session, requests)
    _record(session, [request.result for request in requests if request.result is not None])
    wanted = [request.job for request in requests if request.job is not None]
    answers = _deliveries(session, [job for job in wanted if isinstance(job, DeliveryJob)], sending, now)
    answers |= _letters(session, [job for job in wanted if isinstance(job, LetterJob)], now)
    grants = [Grant.NOTHING if request.job is None else answers[_name(request.job)] for request in requests]
    _occupy(session, owner, requests, grants, now)
    return grants


def _sending(session: Session, requests: Sequence[Exchange]) -> set[int]:
    """Which of the editions concerned are sending; they stay so until the commit.

    Locked for reading (PostgreSQL), so that a pause or a cancel comes wholly before this commit, and nothing is
    granted, or wholly after it, and sees the slots. Locked before any delivery is: see `ledger.lock_editions`."""
    jobs = [request.job for request in requests] + [request.result.job for request in requests if request.result]
    concerned = {job.edition_id for job in jobs if isinstance(job, DeliveryJob)}
    if not concerned:
        return set()
    found = select(Edition.id).where(Edition.id.in_(concerned), Edition.state == "sending").order_by(Edition.id)
    return set(session.scalars(found.with_for_update(read=True)).all())


def _record(session: Session, results: Sequence[Result]) -> None:
    deliveries, letters = [], []
    for result in results:
        job = result.job
        values: dict[str, Any] = {
            "state_": result.state,
            "attempt_": result.attempt,
            "next_": result.next_try_at,
            "code_": result.code,
            "reply_": result.reply,
            "cause_": result.cause,
            "at_": result.at,
        }
        if isinstance(job, DeliveryJob):
            deliveries.append(values | {"edition_": job.edition_id, "batch_": job.batch, "seq_": job.seq})
        else:
            letters.append(values | {"letter_": job.letter_id})
    if deliveries:
        session.connection().execute(_DELIVERY_RESULT, deliveries)
    if letters:
        session.connection().execute(_LETTER_RESULT, letters)


def _name(job: Job) -> tuple[int, ...]:
    return (job.edition_id, job.batch, job.seq) if isinstance(job, DeliveryJob) else (job.letter_id,)


def _deliveries(
    session: Session, jobs: Sequence[DeliveryJob], sending: set[int], now: datetime
) -> dict[tuple[int, ...], Grant]:
    """The answer for each delivery: its edition must be sending, its row waiting, the person still a recipient."""
    answers: dict[tuple[int, ...], Grant] = {_name(job): Grant.NOT_NOW for job in jobs}
    by_edition: dict[int, list[DeliveryJob]] = defaultdict(list)
    for job in jobs:
        if job.edition_id in sending:
            by_edition[job.edition_id].append(job)
    for edition_id, group in by_edition.items():
        people = [job.subscriber_id for job in group]
        waiting = set(
            session.scalars(
                select(Delivery.subscriber_id).where(
                    Delivery.edition_id == edition_id,
                    Delivery.subscriber_id.in_(people),
                    Delivery.state == "queued",
                )
            ).all()
        )
        wanted = set(session.scalars(still_wanted(group[0].digest, people)).all())
        for job in group:
            if job.subscriber_id in waiting:
                answers[_name(job)] = Grant.SEND if job.subscriber_id in wanted else Grant.SKIPPED
    _skip(session, [job for job in jobs if answers[_name(job)] is Grant.SKIPPED], now)
    return answers


def _skip(session: Session, jobs: Sequence[DeliveryJob], now: datetime) -> None:
    if not jobs:
        return
    rows = [
        {
            "edition_": job.edition_id,
            "batch_": job.batch,
            "seq_": job.seq,
            "state_": "skipped",
            "attempt_": job.attempt,
            "next_": None,
            "code_": None,
            "reply_": "left, or may not be mailed any more",
            "cause_": None,
            "at_": now,
        }
        for job in jobs
    ]
    session.connection().execute(_DELIVERY_RESULT, rows)


def _letters(session: Session, jobs: Sequence[LetterJob], now: datetime) -> dict[tuple[int, ...], Grant]:
    """The answer for each letter: it must still wait, and its address must not be suppressed."""
    if not jobs:
        return {}
    if guard.held(session):  # deliveries need not ask: their editions are not sending then
        return {_name(job): Grant.NOT_NOW for job in jobs}
    ids = [job.letter_id for job in jobs]
    waiting = set(session.scalars(select(Letter.id).where(Letter.id.in_(ids), Letter.state == "queued")).all())
    suppressed = set(
        session.scalars(
            select(Suppression.address_hash).where(Suppression.address_hash.in_([job.address_hash for job in jobs]))
        ).all()
    )
    answers: dict[tuple[int, ...], Grant] = {}
    for job in jobs:
        if job.letter_id not in waiting:
            answers[_name(job)] = Grant.NOT_NOW
        elif job.address_hash in suppressed:
            answers[_name(job)] = Grant.SKIPPED
            session.execute(
                update(Letter)
                .where(Letter.id == job.letter_id)
                .values(state="skipped", owner=None, reply="this address may not be mailed any more", at=now)
            )
        else:
            answers[_name(job)] = Grant.SEND
    return answers


def _occupy(session: Session, owner: str, requests: Sequence[Exchange], grants: Sequence[Grant], now: datetime) -> None:
    session.execute(delete(Slot).where(Slot.owner == owner, Slot.n.in_([request.n for request in requests])))
    rows: list[dict[str, Any]] = []
    for request, grant in zip(requests, grants, strict=True):
        job = request.job
        if job is None or grant is not Grant.SEND:
            continue
        delivery = isinstance(job, DeliveryJob)
        rows.append(
            {
                "owner": owner,
                "n": request.n,
                "edition_id": job.edition_id if isinstance(job, DeliveryJob) else None,
                "batch": job.batch if isinstance(job, DeliveryJob) else None,
                "seq": job.seq if isinstance(job, DeliveryJob) else None,
                "letter_id": None if delivery else job.letter_id,  # type: ignore[union-attr]
                "attempt": job.attempt + 1,
                "since": now,
            }
        )
    if rows:
        session.execute(insert(Slot), rows)
