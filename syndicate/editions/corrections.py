"""A correction: an edition about what was wrong in another one, for those who have, or may have, that one.

It is drafted here and then lives as any other. It takes nothing from the ledger of items and has no number; its
recipients are chosen in `outbox.ranges`."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from syndicate.clippings import fields
from syndicate.editions.choosing import bare
from syndicate.editions.four_eyes import named
from syndicate.editions.sending import locked
from syndicate.errors import NotFound, Refused, UsageError
from syndicate.models import Clipping, Edition, EditionItem

KIND = "correction"
_ENDED = ("sent", "incomplete")


def draft(
    session: Session,
    edition_id: int,
    *,
    note: str | None = None,
    clips: Sequence[str] = (),
    now: datetime,
    by: str | None = None,
) -> int:
    """Make the draft of a correction of an edition that was sent; `by` names who makes it. Returns its id.

    It holds `clips` (ids of clippings in that edition), else what was corrected or retracted since that was frozen.
    `note` is what readers are told first; without one, what `clip correct` noted. Raises NotFound; UsageError if there
    is no note; Refused for an edition in another state, if there is nothing to correct, or if the same correction was
    made already and not called off."""
    edition = locked(session, edition_id, now=now)
    if edition.state not in _ENDED:
        raise Refused(f"edition {edition_id} is {edition.state}: only one that was sent can be corrected")
    items = _items(session, edition, tuple(dict.fromkeys(clips)))
    words = _note(note, [clipping for _, clipping in items])
    key = _key(session, edition, [clipping.id for _, clipping in items], words)
    made = bare(session, edition.digest, kind=KIND, key=key, slot=None, now=now, state="draft", by=named(by))
    if made is None:
        raise Refused(_there(session, edition, key))
    made.corrects, made.note = edition.id, words
    for position, (section, clipping) in enumerate(items, 1):
        session.add(
            EditionItem(
                edition_id=made.id,
                position=position,
                digest=edition.digest,
                clipping_id=clipping.id,
                section=section,
                claims=False,
            )
        )
    session.flush()
    return made.id


def _items(session: Session, edition: Edition, clips: tuple[str, ...]) -> list[tuple[str, Clipping]]:
    """The clippings to be named, each with its section, in the order of the edition."""
    inside = (
        select(EditionItem.section, Clipping)
        .join(Clipping, Clipping.id == EditionItem.clipping_id)
        .where(EditionItem.edition_id == edition.id)
        .order_by(EditionItem.position)
    )
    found = list(session.execute(inside).tuples())
    if clips:
        missing = set(clips) - {clipping.id for _, clipping in found}
        if missing:
            raise NotFound(f"edition {edition.id} holds no clipping {min(missing)[:40]}")
        return [(section, clipping) for section, clipping in found if clipping.id in clips]
    frozen_at = edition.approved_at or edition.created_at
    wrong = [pair for pair in found if _wrong(pair[1], frozen_at)]
    if not wrong:
        raise Refused(
            f"nothing in edition {edition.id} was corrected or retracted since it was frozen: "
            "use `syndicate clip correct` first, or name a clipping with --clip"
        )
    return wrong


def _wrong(clipping: Clipping, frozen_at: datetime) -> bool:
    return clipping.state == "retracted" or (clipping.corrected_at is not None and clipping.corrected_at > frozen_at)


def _note(note: str | None, clippings: Sequence[Clipping]) -> str:
    if note is not None:
        words = fields.line(note)
    else:
        words = " ".join(dict.fromkeys(clipping.correction for clipping in clippings if clipping.correction))
    if not words:
        raise UsageError("say what was wrong: --note TEXT, readers will see it")
    return words


def _key(session: Session, edition: Edition, clippings: Sequence[str], note: str) -> str:
    """The same for the same content, so that a second call makes no second edition; another after that was called
    off."""
    content = "\n".join((str(edition.id), *clippings, note))
    begin = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:32]
    ended = select(func.count()).where(
        Edition.digest == edition.digest,
        Edition.kind == KIND,
        Edition.key.startswith(begin),
        Edition.state.in_(("cancelled", "skipped")),
    )
    return f"{begin}.{session.scalar(ended) or 0}"


def _there(session: Session, edition: Edition, key: str) -> str:
    there = session.execute(
        select(Edition.id, Edition.state).where(
            Edition.digest == edition.digest, Edition.kind == KIND, Edition.key == key
        )
    ).one()
    return f"edition {there.id} corrects edition {edition.id} in the same words already; it is {there.state}"
