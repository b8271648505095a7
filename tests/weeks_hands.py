"""What people do by hand in a newsroom (`weeks`) to what its editions hold, and a tick that dies in the middle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import select
from weeks import Weeks

from syndicate.database import Database
from syndicate.editions import corrections, editing
from syndicate.errors import Refused
from syndicate.models import Clipping, Edition, EditionItem


class Died(BaseException):
    """The program ends here, as if it were killed."""


def edit(weeks: Weeks) -> None:
    """Somebody carries a clipping of a draft over, or takes one in."""
    edition = weeks.some(select(Edition.id).where(Edition.state.in_(("draft", "held"))).order_by(Edition.id))
    if edition is None:
        return
    if weeks.rng.random() < 0.5:
        inside = select(EditionItem.clipping_id).where(EditionItem.edition_id == edition)
        _drop(weeks, int(str(edition)), weeks.some(inside.order_by(EditionItem.position)))
    else:
        _add(weeks, int(str(edition)), weeks.some(select(Clipping.id).order_by(Clipping.id)))


def _drop(weeks: Weeks, edition: int, clip: object) -> None:
    digest = weeks.desk.config.digest("weekly")

    def work() -> None:
        with weeks.database.write() as session:
            editing.drop(session, digest, edition, str(clip), now=weeks.now)

    _asked(weeks, f"carries {clip} of edition {edition} over", work)


def _add(weeks: Weeks, edition: int, clip: object) -> None:
    def work() -> None:
        with weeks.database.write() as session:
            editing.add(session, edition, str(clip), now=weeks.now)

    _asked(weeks, f"takes {clip} into edition {edition}", work)


def never_mail(weeks: Weeks) -> None:
    """Somebody marks a clipping as never to be mailed, or takes such a mark away."""
    marked = weeks.rng.random() < 0.5
    wanted = Clipping.never_mail.is_(marked)
    clip = weeks.some(select(Clipping.id).where(wanted, Clipping.archival.is_(False)).order_by(Clipping.id))
    if clip:
        with weeks.database.write() as session:
            changed = editing.never_mail(session, str(clip), off=marked, now=weeks.now)
        weeks.tell(f"never mails {clip}: {not marked}, which changes {changed}")


def correct(weeks: Weeks) -> None:
    """Somebody drafts a correction of an edition that was sent."""
    done = Edition.state.in_(("sent", "incomplete"))
    edition = weeks.some(select(Edition.id).where(done, Edition.kind != "correction").order_by(Edition.id))
    if edition is None:
        return
    note = f"One of these was wrong, {weeks.rng.getrandbits(20)}."
    clips: list[str] = []
    if weeks.rng.random() < 0.7:
        inside = select(EditionItem.clipping_id).where(EditionItem.edition_id == edition)
        clips = [str(weeks.some(inside.order_by(EditionItem.position)))]

    def work() -> None:
        with weeks.database.write() as session:
            made = corrections.draft(session, int(str(edition)), note=note, clips=clips, now=weeks.now)
        _hurry(weeks, made)

    _asked(weeks, f"corrects edition {edition}", work)


def draft_next(weeks: Weeks) -> int | None:
    """Somebody drafts the coming slot's edition, if its day has come. Returns its id."""
    made: list[int] = []

    def work() -> None:
        made.append(weeks.desk.draft_next(weeks.database, "weekly", weeks.now))
        _hurry(weeks, made[0])

    _asked(weeks, "drafts the coming slot", work)
    return made[0] if made else None


def dying_tick(weeks: Weeks) -> None:
    """A tick that dies between two of its transactions, or comes through if it has fewer."""
    left = weeks.rng.randint(0, 4)
    try:
        with _dies_after(weeks.database, left):
            weeks.tick()
    except Died:
        weeks.tell(f"a tick dies after {left} transactions")


def _hurry(weeks: Weeks, edition: int) -> None:
    """More often than not it is approved and started at once, however early that is."""
    if weeks.rng.random() < 0.6:
        weeks.desk.approve(weeks.database, edition, weeks.now, by="Ann")
        weeks.desk.start(weeks.database, edition, weeks.now)


@contextmanager
def _dies_after(database: Database, left: int) -> Iterator[None]:
    """Let that many write transactions happen; who begins another dies."""
    usual = database.write

    def write() -> object:
        nonlocal left
        if not left:
            raise Died
        left -= 1
        return usual()

    database.write = write  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del database.write  # the method of its class stands again


def _asked(weeks: Weeks, words: str, work: Callable[[], object]) -> None:
    """Do it, unless it may not be done."""
    try:
        work()
    except Refused as refusal:
        words = f"{words}: {refusal}"
    weeks.tell(words)
