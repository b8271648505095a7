"""What an editor changes in a draft: its words, and which clippings it holds in which order. Every step is one
transaction that holds the digest's record first, as choosing and freezing do."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from syndicate.clippings import store
from syndicate.config import Digest
from syndicate.editions.choosing import remember_left_out, take
from syndicate.editions.freezing import end_if_empty
from syndicate.editions.plan import Chosen, foreign
from syndicate.editions.records import hold_all
from syndicate.editions.sending import locked, withdraw_approval
from syndicate.errors import Refused, UsageError
from syndicate.models import Edition, EditionItem, LeftOut

BY_HAND = "carried over by hand"
_OUT_BY_HAND = "taken out by hand"
_NEVER = "marked never mail"
_LONGEST_SUBJECT = 250
_LONGEST_NOTE = 10_000


def arranged(items: Sequence[Chosen], first: Sequence[str]) -> tuple[Chosen, ...]:
    """The items with those of the ids `first` before the others, which keep their order. A section stays together: it
    stands where the first of its items does."""
    rank = {clipping_id: place for place, clipping_id in enumerate(first)}
    ordered = sorted(items, key=lambda item: rank.get(item.clipping_id, len(rank)))
    sections = dict.fromkeys(item.section for item in ordered)
    return tuple(chain.from_iterable([item for item in ordered if item.section == section] for section in sections))


def set_note(session: Session, edition_id: int, note: str | None, *, now: datetime) -> None:
    """Give the draft a note above its items; None or white space takes it away. Raises NotFound, Refused and
    UsageError."""
    _draft(session, edition_id, now=now).note = _words("note", note, _LONGEST_NOTE)
    session.flush()


def set_subject(session: Session, edition_id: int, subject: str | None, *, now: datetime) -> None:
    """Give the draft a subject in the editor's words, one line; None or white space brings back that of the template.
    Raises NotFound, Refused, UsageError."""
    words = _words("subject", subject, _LONGEST_SUBJECT)
    if words is not None and not words.isprintable():
        raise UsageError("a subject is one line, without control characters")
    _draft(session, edition_id, now=now).subject = words
    session.flush()


def set_lead(session: Session, edition_id: int, clipping_id: str | None, *, now: datetime) -> None:
    """Pin a clipping of the draft to the top, its section with it; None lets go of it where it is. Raises NotFound,
    Refused."""
    edition = _draft(session, edition_id, now=now)
    items = _items(session, edition)
    if clipping_id is not None:
        _require_within(edition, items, [clipping_id])
    edition.lead = clipping_id
    _put(session, edition, items)


def set_order(session: Session, edition_id: int, first: Sequence[str], *, now: datetime) -> None:
    """Put these clippings first, in this order; the rest keep theirs, and a pinned one stays on top. Raises NotFound,
    UsageError for one that is named twice, Refused."""
    if len(set(first)) != len(first):
        raise UsageError("name each clipping once")
    edition = _draft(session, edition_id, now=now)
    items = _items(session, edition)
    _require_within(edition, items, first)
    _put(session, edition, items, first)


def beyond(digest: Digest, items: Sequence[Chosen], clipping_id: str) -> tuple[str, ...]:
    """What is unusual in a draft that holds `items`, now that this one of them was added: where the digest by itself
    would not have taken so many, or nothing of that section. A line each."""
    found = []
    if len(items) > digest.max_items:
        found.append(f"that makes {len(items)} clippings: the digest takes {digest.max_items} by itself (max_items)")
    section = next(item.section for item in items if item.clipping_id == clipping_id)
    if section not in digest.sections:
        found.append(foreign(section))
    return tuple(found)


def add(session: Session, edition_id: int, clipping_id: str, *, now: datetime) -> tuple[Chosen, ...]:
    """Take a published clipping into the draft, at the end of its section, and claim it for the digest; see `beyond`.
    Returns the items then. Raises NotFound, and Refused for one that may not be mailed or that another edition has."""
    edition = _draft(session, edition_id, now=now)
    clipping = store.get(session, clipping_id)
    if edition.kind == "correction":
        raise Refused(f"edition {edition_id} is a correction: it takes no clippings")
    if clipping.state != "published":
        raise Refused(f"the clipping {clipping_id} is {clipping.state}: publish it first")
    if clipping.archival:
        raise Refused(f"the clipping {clipping_id} is archival: it is never mailed")
    if clipping.never_mail:
        again = f"`syndicate clip never-mail {clipping_id} --off` allows it"
        raise Refused(f"the clipping {clipping_id} is marked never mail: {again}")
    holder = session.scalar(
        select(EditionItem.edition_id).where(
            EditionItem.digest == edition.digest,
            EditionItem.clipping_id == clipping_id,
            EditionItem.claims.is_(True),
        )
    )
    if holder is not None:
        raise Refused(f"the clipping {clipping_id} is in edition {holder} already: no digest sends one twice")
    session.execute(delete(LeftOut).where(LeftOut.edition_id == edition_id, LeftOut.clipping_id == clipping_id))
    _put(session, edition, (*_items(session, edition), Chosen(clipping_id, clipping.section)))
    return _items(session, edition)


def drop(session: Session, digest: Digest, edition_id: int, clipping_id: str, *, now: datetime) -> None:
    """Carry a clipping of the draft of this digest over: the next edition takes it, unless the digest does not take its
    section. Raises NotFound, and Refused for the last one of the draft."""
    edition = _draft(session, edition_id, now=now)
    items = _items(session, edition)
    _require_within(edition, items, [clipping_id])
    if len(items) == 1:
        raise Refused(f"it is the last clipping of edition {edition_id}: `syndicate edition cancel {edition_id}`")
    section = next(item.section for item in items if item.clipping_id == clipping_id)
    reason = BY_HAND if section in digest.sections else f"{_OUT_BY_HAND}: {foreign(section)}"
    _leave_out(session, edition, items, clipping_id, reason)


def never_mail(session: Session, clipping_id: str, *, off: bool, now: datetime) -> tuple[int, ...]:
    """Mark a clipping as never to be mailed, or take the mark away. A draft that holds it goes on without it, an
    approved edition is a draft again. Returns the ids of those. One on its way stays as it is. Raises NotFound."""
    hold_all(session)
    store.set_never_mail(session, clipping_id, never=not off)
    if off:
        return ()
    holding = (
        select(Edition)
        .join(EditionItem, EditionItem.edition_id == Edition.id)
        .where(EditionItem.clipping_id == clipping_id, Edition.state.in_(("draft", "approved", "held")))
        .where(Edition.chosen.is_(None))
        .order_by(Edition.id)
        .with_for_update(of=Edition)
        .execution_options(populate_existing=True)
    )
    changed = session.scalars(holding).all()
    for edition in changed:
        if edition.state == "approved":
            withdraw_approval(session, edition, reason=f"approval void: the clipping {clipping_id} was {_NEVER}")
        _leave_out(session, edition, _items(session, edition), clipping_id, _NEVER)
        end_if_empty(session, edition, now=now, reason="no clipping is left in it")
    session.flush()
    return tuple(edition.id for edition in changed)


def left_out(session: Session, edition_id: int) -> tuple[tuple[str, str], ...]:
    """The clippings that were thought about for this edition and are not in it, each with the reason."""
    found = select(LeftOut.clipping_id, LeftOut.reason).where(LeftOut.edition_id == edition_id)
    return tuple(session.execute(found.order_by(LeftOut.clipping_id)).tuples())


def _draft(session: Session, edition_id: int, *, now: datetime) -> Edition:
    edition = locked(session, edition_id, now=now)
    if edition.state == "approved":
        raise Refused(
            f"edition {edition_id} is approved: `syndicate edition withdraw {edition_id}` makes it a draft again"
        )
    waits = edition.state == "held" and edition.chosen is None and edition.approved_at is None
    if edition.state != "draft" and not (waits and _items(session, edition)):  # held for a fault: it can be mended
        raise Refused(f"edition {edition_id} is {edition.state}: only a draft can be changed")
    return edition


def _words(what: str, text: str | None, longest: int) -> str | None:
    words = (text or "").strip()
    if len(words) > longest:
        raise UsageError(f"the {what} has {len(words)} characters: {longest} is the most")
    if any(not (char.isprintable() or char in "\n\t") for char in words):
        raise UsageError(f"the {what} holds control characters")
    return words or None


def _items(session: Session, edition: Edition) -> tuple[Chosen, ...]:
    session.flush()
    found = select(EditionItem.clipping_id, EditionItem.section).where(EditionItem.edition_id == edition.id)
    return tuple(Chosen(*row) for row in session.execute(found.order_by(EditionItem.position)))


def _require_within(edition: Edition, items: Sequence[Chosen], ids: Iterable[str]) -> None:
    there = {item.clipping_id for item in items}
    for clipping_id in ids:
        if clipping_id not in there:
            raise Refused(f"edition {edition.id} does not hold the clipping {clipping_id}")


def _leave_out(session: Session, edition: Edition, items: Sequence[Chosen], clipping_id: str, reason: str) -> None:
    if edition.lead == clipping_id:
        edition.lead = None
    _put(session, edition, [item for item in items if item.clipping_id != clipping_id])
    remember_left_out(session, edition.id, [(clipping_id, reason)])


def _put(session: Session, edition: Edition, items: Sequence[Chosen], first: Sequence[str] = ()) -> None:
    """Store these as the items of the edition, in their order but for the pinned one and for `first`."""
    pinned = [edition.lead] if edition.lead else []
    # Positions and claims are unique: the old rows go before the new ones come.
    session.flush()
    old = delete(EditionItem).where(EditionItem.edition_id == edition.id)
    session.execute(old, execution_options={"synchronize_session": "fetch"})
    take(session, edition, arranged(items, [*pinned, *(one for one in first if one != edition.lead)]))
    session.flush()
