"""Appeals: calls for support. One at a time is shown, plainly labelled: the newest of those that run."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from feeds.links import web_link
from feeds.text import plain_title
from syndicate.errors import NotFound, Refused, UsageError
from syndicate.models import Appeal

LONGEST = 300
"""Characters of an appeal: it is a line in a mail, not a letter."""


class BadAppeal(UsageError):
    """An appeal that cannot be taken as it is; the text says why and what to do."""


def add(session: Session, *, text: str, link: str, starts_at: datetime, ends_at: datetime | None) -> Appeal:
    """File an appeal that runs from `starts_at` until `ends_at` (None: until it is ended). Raises BadAppeal (exit 2)
    for a text that is empty or longer than 300 characters, a link that is no web address, an end before the start."""
    words, address = plain_title(text), web_link(link.strip())
    if not words:
        raise BadAppeal("the appeal is empty: say in a line what you ask for")
    if len(words) > LONGEST:
        raise BadAppeal(
            f"the appeal has {len(words)} characters: {LONGEST} are the most; the rest belongs behind the link"
        )
    if not address:
        raise BadAppeal(f"the link {link!r:.120} is no web address: write it whole, https://…")
    if ends_at is not None and ends_at <= starts_at:
        raise BadAppeal("the appeal would end before it begins")
    appeal = Appeal(text=words, link=address, starts_at=starts_at, ends_at=ends_at, created_at=starts_at)
    session.add(appeal)
    session.flush()
    return appeal


def end(session: Session, appeal_id: int, *, now: datetime) -> Appeal:
    """Let an appeal run no longer. Raises NotFound, and Refused for one that has ended."""
    appeal = session.get(Appeal, appeal_id) if 0 < appeal_id < 2**63 else None
    if appeal is None:
        raise NotFound(f"there is no appeal {appeal_id}")
    if appeal.ends_at is not None and appeal.ends_at <= now:
        raise Refused(f"appeal {appeal_id} has ended already")
    appeal.ends_at = now
    session.flush()
    return appeal


def listing(session: Session) -> list[Appeal]:
    """All appeals, newest first."""
    return list(session.scalars(select(Appeal).order_by(Appeal.id.desc())))


def current(session: Session, at: datetime) -> Appeal | None:
    """The appeal that is shown at this moment: of those that run, the one that began last."""
    runs = (Appeal.starts_at <= at, or_(Appeal.ends_at.is_(None), Appeal.ends_at > at))
    return session.scalars(select(Appeal).where(*runs).order_by(Appeal.starts_at.desc(), Appeal.id.desc())).first()
