"""What happens to editions when a clipping in them changes after it was chosen."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from syndicate.editions.freezing import drop_unpublished, end_if_empty
from syndicate.editions.records import hold_all
from syndicate.editions.sending import withdraw_approval
from syndicate.models import Clipping, Edition, EditionItem


@dataclass(frozen=True)
class Affected:
    """An edition that held the clipping: the states it had and has, for whoever tells the editors."""

    edition_id: int
    digest: str
    before: str
    after: str


def item_changed(session: Session, clipping_id: str, now: datetime) -> tuple[Affected, ...]:
    """Tell the editions that hold this clipping that it was retracted or corrected, in the transaction that did it.

    A draft loses a retracted item (and is skipped when it was the last); an approved edition becomes a draft again, to
    be frozen anew (skipped then, if nothing is left), as its approval is void; a sending one is paused, and a person
    decides to go on or to cancel. What is sent stays as it was."""
    session.flush()
    hold_all(session)
    clipping = session.get_one(Clipping, clipping_id)
    what = "retracted" if clipping.state == "retracted" else "changed"
    reason = f"the clipping {clipping_id} in it was {what}"
    holding = (
        select(Edition)
        .join(EditionItem, EditionItem.edition_id == Edition.id)
        .where(EditionItem.clipping_id == clipping_id)
        .where(Edition.state.in_(("draft", "approved", "sending", "paused")))
        .order_by(Edition.id)
        .with_for_update(of=Edition)
        .execution_options(populate_existing=True)
    )
    affected = []
    for edition in session.scalars(holding).all():
        before = edition.state
        _tell(session, edition, reason, now=now)
        affected.append(Affected(edition.id, edition.digest, before, edition.state))
    session.flush()
    return tuple(affected)


def _tell(session: Session, edition: Edition, reason: str, *, now: datetime) -> None:
    if edition.state == "approved":
        withdraw_approval(session, edition, reason=f"approval void: {reason}")
    elif edition.state == "draft":
        drop_unpublished(session, edition)
        end_if_empty(session, edition, now=now)
    else:
        edition.state, edition.reason = "paused", f"{reason}: resume it or cancel it"
