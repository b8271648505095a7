"""What only a person can decide: mails in doubt go again or are left at that, and refused ones are taken up anew.

Each decision is one transaction. It locks what every other decision locks, in the same order, so it may be made while
senders work: a mail is on the wire, or it is decided about, never both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.editions.records import hold_all
from syndicate.editions.sending import extend, locked
from syndicate.editions.snapshot import edition as edition_of
from syndicate.errors import Refused
from syndicate.models import Batch, Delivery, Edition, Letter
from syndicate.outbox import guard, ledger
from syndicate.outbox.letters import GIVE_UP

_AGAIN = "in doubt before; somebody decided to send it again"
_RETRIED = ("sent", "incomplete", "sending", "paused")
_BY_ACCIDENT = (Delivery.state == "expired") | ((Delivery.state == "rejected") & (Delivery.cause == "policy"))
"""What may be tried again: what came too late, and what a rule of the relay or the receiver refused."""


@dataclass(frozen=True)
class Decided:
    """What a decision was about: deliveries, each as (edition, batch, seq), and letters by id. Passed over were the
    editions in `cancelled`, because what is called off cannot be sent, and the letters in `too_old`, because they would
    expire."""

    deliveries: tuple[tuple[int, int, int], ...] = ()
    letters: tuple[int, ...] = ()
    cancelled: tuple[int, ...] = ()
    too_old: tuple[int, ...] = ()

    @property
    def editions(self) -> tuple[int, ...]:
        """The editions concerned, by id."""
        return tuple(sorted({edition_id for edition_id, _, _ in self.deliveries}))


def resend(session: Session, config: Config, edition_id: int | None, *, now: datetime) -> Decided:
    """Let every mail in doubt go again, of one edition or (None) of all, letters included: once for each doubt, as a
    second call finds none. Whoever has left meanwhile is skipped when their turn comes; the mail is the same, byte for
    byte. An edition that had ended is sending again; a paused one stays paused.

    Raises NotFound, and Refused while the outbox is held or if this one edition is cancelled."""
    editions = _locked(session, edition_id, now=now)
    guard.require_free(session)
    taken: list[tuple[int, int, int]] = []
    cancelled: list[int] = []
    for edition in editions:
        doubts = _doubts(session, edition.id)
        if doubts and edition.state == "cancelled":
            cancelled.append(edition.id)
        elif doubts:
            again = {"next_try_at": None, "code": None, "reply": _AGAIN, "at": now}
            _requeue(session, edition, _uncertain_in(doubts), again, now=now)
            _tally(session, doubts)
            _go_on(config, edition, now=now)
            taken += doubts
    if edition_id is not None and cancelled:
        raise Refused(f"edition {edition_id} is cancelled: its mails in doubt can only be left, with --leave")
    session.flush()
    found = () if edition_id is not None else _doubtful_letters(session)
    young = tuple(letter.id for letter in found if letter.asked_at + GIVE_UP > now)
    _settle(session, young, {"state": "queued", "attempt": 0, "next_try_at": now}, now=now)
    old = tuple(letter.id for letter in found if letter.id not in young)
    return Decided(tuple(taken), young, tuple(cancelled), old)


def leave(session: Session, edition_id: int | None, *, now: datetime) -> Decided:
    """Leave every mail in doubt at that, of one edition or (None) of all, letters included: `unknown`, and never sent
    again. An edition that had ended but for its doubts is `sent`. Raises NotFound."""
    taken: list[tuple[int, int, int]] = []
    for edition in _locked(session, edition_id, now=now):
        doubts = _doubts(session, edition.id)
        if not doubts:
            continue
        which = (Delivery.edition_id == edition.id) & _uncertain_in(doubts)
        left = update(Delivery).where(which).values(state="unknown", at=now)
        session.execute(left, execution_options={"synchronize_session": False})
        _tally(session, doubts)
        if edition.state == "incomplete":
            edition.state = "sent"
        taken += doubts
    session.flush()
    letters = () if edition_id is not None else tuple(letter.id for letter in _doubtful_letters(session))
    _settle(session, letters, {"state": "unknown", "next_try_at": None}, now=now)
    return Decided(tuple(taken), letters)


def retry(session: Session, config: Config, edition_id: int, *, now: datetime) -> int:
    """Take up again, from the first attempt, the mails of this edition that expired or were refused by policy; all
    others stay as they are. Returns how many. The edition keeps its number and its frozen bytes; one that had ended is
    sending again, a paused one stays paused.

    Raises NotFound, and Refused while the outbox is held, for an edition in another state, or if there is no such
    mail."""
    edition = locked(session, edition_id, now=now)
    guard.require_free(session)
    if edition.state not in _RETRIED:
        raise Refused(f"edition {edition_id} is {edition.state}: only one that was sent can be taken up again")
    anew = {"attempt": 0, "next_try_at": None, "code": None, "reply": None, "cause": None, "at": now}
    taken = _requeue(session, edition, _BY_ACCIDENT, anew, now=now)
    if not taken:
        raise Refused(f"edition {edition_id} has nothing to take up: none of its mails expired or met a policy")
    ledger.tally_all(session, edition_id)
    _go_on(config, edition, now=now)
    session.flush()
    return taken


def _locked(session: Session, edition_id: int | None, *, now: datetime) -> Sequence[Edition]:
    """The edition, or all that may have doubts, kept from everybody else who decides; digests' records first."""
    if edition_id is not None:
        return [locked(session, edition_id, now=now)]
    hold_all(session)
    found = session.scalars(select(Batch.edition_id).where(_may_doubt()).distinct().order_by(Batch.edition_id)).all()
    ledger.lock_editions(session, found)
    return [edition_of(session, one, lock=True) for one in found]


def _may_doubt() -> ColumnElement[bool]:
    """Batches in which something may be uncertain: their tally says so, or somebody works on them now."""
    return or_(Batch.uncertain > 0, Batch.owner.is_not(None))


def _doubts(session: Session, edition_id: int) -> list[tuple[int, int, int]]:
    found = (
        select(Delivery.edition_id, Delivery.batch, Delivery.seq)
        .join(Batch, (Batch.edition_id == Delivery.edition_id) & (Batch.batch == Delivery.batch))
        .where(Delivery.edition_id == edition_id, Delivery.state == "uncertain", _may_doubt())
        .order_by(Delivery.batch, Delivery.seq)
    )
    return list(session.execute(found).tuples())


def _uncertain_in(doubts: Sequence[tuple[int, int, int]]) -> ColumnElement[bool]:
    return (Delivery.state == "uncertain") & Delivery.batch.in_({batch for _, batch, _ in doubts})


def _tally(session: Session, doubts: Sequence[tuple[int, int, int]]) -> None:
    for edition_id, batch in sorted({(edition_id, batch) for edition_id, batch, _ in doubts}):
        ledger.tally(session, edition_id, batch)


def _requeue(
    session: Session, edition: Edition, which: ColumnElement[bool], values: Mapping[str, object], *, now: datetime
) -> int:
    """Queue those deliveries and open their batches; an owner who holds one finds them when it gives it back."""
    theirs = exists().where(Delivery.edition_id == Batch.edition_id, Delivery.batch == Batch.batch, which)
    reopened = update(Batch).where(Batch.edition_id == edition.id, theirs).values(done=False, next_try_at=now)
    session.execute(reopened, execution_options={"synchronize_session": False})
    queued = update(Delivery).where(Delivery.edition_id == edition.id, which).values(state="queued", **values)
    done = session.execute(queued, execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]


def _go_on(config: Config, edition: Edition, *, now: datetime) -> None:
    if edition.state in ("sent", "incomplete"):
        edition.state, edition.reason = "sending", None
    extend(config, edition, now=now)


def _doubtful_letters(session: Session) -> Sequence[Letter]:
    found = select(Letter).where(Letter.state == "uncertain").order_by(Letter.id)
    return session.scalars(found.with_for_update().execution_options(populate_existing=True)).all()


def _settle(session: Session, letters: tuple[int, ...], values: Mapping[str, object], *, now: datetime) -> None:
    session.execute(update(Letter).where(Letter.id.in_(letters)).values(owner=None, at=now, **values))
