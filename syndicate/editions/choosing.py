"""Choosing and storing an edition with its items, in one write transaction that holds the digest's record."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Select, Text, and_, bindparam, case, func, null, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import ClauseElement

from subscribers.ids import new_uid
from syndicate.config import Config, Digest
from syndicate.editions.plan import Candidate, Chosen, Plan, Rules, again, plan, rules
from syndicate.editions.records import Record
from syndicate.models import CLAIMED, Clipping, Edition, EditionItem, LeftOut
from syndicate.outbox.prepared import Prepared, as_rows, listed
from syndicate.timetable import SlotTime, parse


def planned(session: Session, config: Config, digest: Digest, *, record: Record, at: datetime, slot: bool) -> Plan:
    """What an edition of the moment `at` would hold. Only a scheduled one (`slot`, or `each`) knows a cut-off."""
    each = parse(digest.schedule).each
    wanted = rules(
        sections=digest.sections,
        max_age=digest.max_age,
        min_items=1 if each else digest.min_items,
        max_items=digest.max_items,
        first_seen_at=record.first_seen_at,
        each=each,
        at=at,
        cutoff=digest.cutoff if slot else digest.cutoff * 0,
        zone=config.zone,
        last_at=_last_at(session, digest.slug),
    )
    # By hand a clipping may go whose own edition was called off; the tick must not send it again at once.
    return plan(_candidates(session, digest.slug, wanted, own=each and slot), wanted)


def store(
    session: Session,
    digest: str,
    *,
    kind: str,
    key: str,
    chosen: Plan,
    slot: SlotTime | None,
    now: datetime,
    wanted_at: datetime | None = None,
    by: str | None = None,
) -> int | None:
    """Store the edition as a draft with its items, or as `skipped` with the reason. Returns its id, None if this key
    was decided before. `wanted_at` is when somebody asked for it to be sent at once (see lifecycle), `by` the person
    who made it."""
    edition = bare(session, digest, kind=kind, key=key, slot=slot, now=now, state="draft", by=by)
    if edition is None:
        return None
    if chosen.empty:
        edition.state, edition.reason, edition.finished_at = "skipped", chosen.empty, now
    else:
        edition.started_at = wanted_at
        take(session, edition, chosen.items)
    remember_left_out(session, edition.id, chosen.left_out)
    session.flush()
    return edition.id


def bare(
    session: Session,
    digest: str,
    *,
    kind: str,
    key: str,
    slot: SlotTime | None,
    now: datetime,
    state: str,
    reason: str | None = None,
    by: str | None = None,
) -> Edition | None:
    """Store an edition without items. None if (digest, kind, key) was decided before: the held record lets nobody
    come between the look and the insert, and the unique key would stop who came without it."""
    if there(session, digest, kind=kind, key=key) is not None:
        return None
    edition = Edition(
        uid=new_uid(),
        digest=digest,
        kind=kind,
        key=key,
        slot=slot.local if slot else None,
        slot_at=slot.at if slot else None,
        state=state,
        reason=reason,
        made_by=by,
        created_at=now,
        finished_at=now if state == "skipped" else None,
    )
    session.add(edition)
    session.flush()
    return edition


def there(session: Session, digest: str, *, kind: str, key: str) -> Edition | None:
    """The edition under this key, None if it was not decided."""
    found = select(Edition).where(Edition.digest == digest, Edition.kind == kind, Edition.key == key)
    return session.scalars(found).one_or_none()


def take(session: Session, edition: Edition, items: Iterable[Chosen]) -> None:
    """Store the items of an edition in their order; each is claimed for its digest."""
    for position, item in enumerate(items, 1):
        session.add(
            EditionItem(
                edition_id=edition.id,
                position=position,
                digest=edition.digest,
                clipping_id=item.clipping_id,
                section=item.section,
                claims=True,
            )
        )


def remember_left_out(session: Session, edition_id: int, left_out: Iterable[tuple[str, str]]) -> None:
    """Store why each of these clippings is not in the edition, in place of what was stored of it before."""
    session.flush()
    by_reason: dict[str, list[str]] = {}
    for clipping_id, reason in left_out:
        by_reason.setdefault(reason, []).append(clipping_id)
    for reason, ids in by_reason.items():
        _REMEMBERED.run(session, edition_id=edition_id, reason=reason, rows=as_rows(ids))


def _remembered(dialect: Dialect) -> ClauseElement:
    """All clippings of one reason at once: reasons are few, clippings may be as many as the site has."""
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    out = listed(dialect, "out")
    rows = select(bindparam("edition_id", type_=BigInteger()), out.c.value, bindparam("reason", type_=Text()))
    key = ["edition_id", "clipping_id"]
    # "WHERE true" is for SQLite's parser, which would take ON CONFLICT for a join's.
    made = insert(LeftOut).from_select([*key, "reason"], rows.where(true()))
    return made.on_conflict_do_update(index_elements=key, set_={"reason": made.excluded.reason})


_REMEMBERED: Final = Prepared(_remembered)


def chosen_again(session: Session, digest: str, order: Sequence[str]) -> Plan:
    """What is left of an earlier choice of these clippings, in its order (see `plan.again`)."""
    session.flush()
    rows = session.execute(_held_by(digest, own=False).where(Clipping.id.in_(order)))
    return again([Candidate(*row) for row in rows], order)


def _candidates(session: Session, digest: str, wanted: Rules, *, own: bool) -> list[Candidate]:
    """The published clippings young enough to be thought about, with who holds them (with `own` also which edition
    they had for themselves); what is older than `max_age` or archival is not even read, as it grows for ever."""
    had = and_(Edition.key == Clipping.id, Edition.digest == digest, Edition.kind == "scheduled")
    query = _held_by(digest, own=own).where(
        Clipping.state == "published",
        Clipping.archival.is_(False),
        Clipping.published_at >= wanted.fresh_from,
    )
    session.flush()
    # Not by the session itself: there may be very many, and its part in it would cost more than the query.
    rows = session.connection().execute(query.outerjoin(Edition, had) if own else query)
    return [Candidate(*row) for row in rows]


def _held_by(digest: str, *, own: bool) -> Select[tuple[Any, ...]]:
    """Rows of clippings with the edition of the digest that claims them, as `Candidate` takes them."""
    held = and_(EditionItem.clipping_id == Clipping.id, EditionItem.digest == digest, CLAIMED)
    return select(
        Clipping.id,
        Clipping.section,
        Clipping.headline,
        Clipping.state,
        Clipping.archival,
        Clipping.never_mail,
        Clipping.published_at,
        EditionItem.edition_id,
        Edition.id if own else null(),
    ).outerjoin(EditionItem, held)


def _last_at(session: Session, digest: str) -> datetime | None:
    """When this digest last had something to say: an edition drafted before its slot chose from what was there then."""
    chose_at = case((Edition.slot_at < Edition.created_at, Edition.slot_at), else_=Edition.created_at)
    moment: datetime | None = session.scalar(
        select(func.max(chose_at)).where(
            Edition.digest == digest,
            Edition.kind != "correction",
            Edition.state.not_in(("skipped", "cancelled", "held")),
        )
    )
    return moment
