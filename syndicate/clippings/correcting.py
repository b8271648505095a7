"""A clipping that was wrong is put right, visibly: a note says what, and readers' programs are told that it changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from syndicate.clippings import fields, store
from syndicate.clippings.fields import BadClipping
from syndicate.clippings.revision import bump
from syndicate.datelines import Dateline
from syndicate.errors import Refused
from syndicate.models import Clipping

FIELDS: Final = ("headline", "deck", "byline", "publication", "place", "dateline", "link", "summary", "body")
"""What a correction can put right. The section, the rights and the id are no errors of the text."""


def correct(
    session: Session, clipping_id: str, *, note: str, changes: Mapping[str, str | None], now: datetime
) -> Clipping:
    """Put fields of a published clipping right (`changes`: those of FIELDS, None or "" empties one; a dateline in ISO),
    with a note that says what was wrong. The note alone is a correction too. Each correction moves `updated_at`.

    Call `editions.retractions.item_changed` in the same transaction: editions may hold it. Raises NotFound, BadClipping
    (exit 2), and Refused for a clipping that is not published."""
    words = fields.line(note)
    if not words:
        raise BadClipping("the note is empty: say what was wrong, readers will see it")
    cleaned = {name: _cleaned(name, value) for name, value in changes.items()}
    clipping = store.for_change(session, clipping_id)
    if clipping.state != "published":
        raise Refused(f"the clipping {clipping_id} is {clipping.state}: only a published one can be corrected")
    bump(session)
    for name, value in cleaned.items():
        setattr(clipping, name, value)
    clipping.correction, clipping.corrected_at = words, now
    clipping.updated_at = store.changed_at(session, clipping, now)
    session.flush()
    return clipping


def _cleaned(name: str, value: str | None) -> Any:
    if name not in FIELDS:
        raise BadClipping(f"{name} cannot be corrected: choose among {', '.join(FIELDS)}")
    if name == "headline":
        return fields.headline(value or "")
    if name == "link":
        return fields.link(value)
    if name == "body":
        return fields.body(value)
    if name == "dateline":
        return Dateline.iso(value).text if value else None
    return fields.line(value)
