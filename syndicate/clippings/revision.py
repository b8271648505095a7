"""The site's revision: it goes up in every transaction that changes what the public sees."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from syndicate.models import Site


def bump(session: Session) -> None:
    """Raise the revision by one, in the caller's transaction.

    On PostgreSQL the row stays locked until the commit, so that whoever bumps first also goes first."""
    session.execute(update(Site).values(revision=Site.revision + 1), execution_options={"synchronize_session": False})


def hold(session: Session) -> None:
    """Keep every other publisher waiting until the caller's commit, without a new revision."""
    session.execute(select(Site.revision).with_for_update()).all()
