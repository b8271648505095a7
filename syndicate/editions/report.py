"""How an edition stands: its items and the account of its mails, which always adds up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.dates import rfc3339
from syndicate.editions.snapshot import edition as edition_of
from syndicate.models import Batch, Edition, EditionItem
from syndicate.outbox.ledger import Counts, counts_by_edition

_ENDED = ("sent", "incomplete", "skipped", "cancelled")


@dataclass(frozen=True)
class Report:
    """An edition and its account: `counts.chosen` is the sum of the seven numbers, 0 until recipients are frozen.

    `started_at` is None until then, `finished_at` unless it has ended. `reason` says why an edition was skipped, held,
    paused or is a draft again."""

    edition: int
    digest: str
    number: int | None
    kind: str
    slot: str | None
    state: str
    reason: str | None
    items: tuple[str, ...]
    counts: Counts
    hash: str | None
    started_at: datetime | None
    finished_at: datetime | None

    def as_json(self) -> dict[str, object]:
        """The object that commands and files show; times are RFC 3339 in UTC."""
        counts = self.counts
        return {
            "edition": self.edition,
            "digest": self.digest,
            "number": self.number,
            "kind": self.kind,
            "slot": self.slot,
            "state": self.state,
            "reason": self.reason,
            "items": list(self.items),
            "chosen": counts.chosen,
            "accepted": counts.accepted,
            "rejected": counts.rejected,
            "skipped": counts.skipped,
            "expired": counts.expired,
            "unknown": counts.unknown,
            "uncertain": counts.uncertain,
            "queued": counts.queued,
            "hash": self.hash,
            "started_at": rfc3339(self.started_at) if self.started_at else None,
            "finished_at": rfc3339(self.finished_at) if self.finished_at else None,
        }


def report(session: Session, edition_id: int) -> Report:
    """The report of one edition. Raises NotFound."""
    return _reports(session, [edition_of(session, edition_id)])[0]


def reports(session: Session, *, digest: str | None = None, limit: int | None = None) -> list[Report]:
    """The reports of all editions, or of one digest's, newest first."""
    query = select(Edition).order_by(Edition.id.desc())
    if digest is not None:
        query = query.where(Edition.digest == digest)
    return _reports(session, session.scalars(query if limit is None else query.limit(limit)).all())


def _reports(session: Session, editions: Sequence[Edition]) -> list[Report]:
    if not editions:
        return []
    # A range rather than a list of ids: a list may be longer than a statement can take.
    first, last = min(edition.id for edition in editions), max(edition.id for edition in editions)
    items: defaultdict[int, list[str]] = defaultdict(list)
    for edition_id, clipping_id in session.execute(
        select(EditionItem.edition_id, EditionItem.clipping_id)
        .where(EditionItem.edition_id.between(first, last))
        .order_by(EditionItem.edition_id, EditionItem.position)
    ):
        items[edition_id].append(clipping_id)
    stands = counts_by_edition(session, Batch.edition_id.between(first, last))
    return [
        Report(
            edition=edition.id,
            digest=edition.digest,
            number=edition.number,
            kind=edition.kind,
            slot=edition.slot,
            state=edition.state,
            reason=edition.reason,
            items=tuple(items[edition.id]),
            counts=stands.get(edition.id, Counts()) if edition.chosen is not None else Counts(),
            hash=edition.hash,
            started_at=edition.started_at if edition.chosen is not None else None,
            finished_at=edition.finished_at if edition.state in _ENDED else None,
        )
        for edition in editions
    ]
