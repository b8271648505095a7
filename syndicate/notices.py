"""Notices: letters to the operator about what needs a person, or what a person should know. Each occasion is told once,
whoever looks and however often: its key is kept, in the transaction that files the letter."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.people import insert
from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions.early import is_early
from syndicate.keys import SiteKeys
from syndicate.models import Edition, Notice, Outbox
from syndicate.outbox import letters

KIND = "notice"
LOOK_BACK = timedelta(days=2)
"""What is older than this is not told any more: it is no news to anybody."""


@dataclass(frozen=True)
class Occasion:
    """Something to tell: `key` names it (at most 80 characters), the rest is what the letter says."""

    key: str
    line: str
    paragraphs: tuple[str, ...]
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notices:
    """Finds what there is to tell and files a letter for each."""

    config: Config
    keys: SiteKeys

    def tell(self, database: Database, now: datetime) -> int:
        """File a notice for each occasion that was not told before; returns how many. Looks first: most minutes there
        is nothing, and then nothing is written."""
        with database.read() as session:
            new = _untold(session, occasions(session, self.config, now))
        if not new:
            return 0
        with database.write() as session:
            return sum(self._file(session, one, now) for one in new)

    def _file(self, session: Session, occasion: Occasion, now: datetime) -> bool:
        if not insert(session, Notice(key=occasion.key, at=now)):
            return False  # another process told it at this moment
        address = self.config.operator.address
        letters.ask(
            session,
            kind=KIND,
            address=address,
            address_hash=self.keys.address_hash(address.lower()),
            subscriber_id=None,
            language=self.config.site.language,
            params={
                "line": occasion.line,
                "paragraphs": list(occasion.paragraphs),
                "commands": list(occasion.commands),
                "link": "",
            },
            now=now,
        )
        return True


def occasions(session: Session, config: Config, now: datetime) -> list[Occasion]:
    """What there is to tell of the last two days, told or not. Reads only."""
    since = now - LOOK_BACK
    outbox = session.execute(
        select(Outbox.held_at, Outbox.held_reason).where(Outbox.held_at.is_not(None), Outbox.held_at > since)
    ).one_or_none()
    lately = (Edition.created_at > since) | (Edition.started_at > since) | (Edition.finished_at > since)
    states = ("draft", "skipped", "incomplete", "held", "paused")
    editions = session.scalars(select(Edition).where(Edition.state.in_(states), lately).order_by(Edition.id))
    held = session.scalar(select(Outbox.held_reason).where(Outbox.held_at.is_not(None)))
    # What was held with the outbox is told with it.
    found = [of_edition(config, one, now) for one in editions if held is None or one.reason != held]
    if outbox is not None:
        found.append(_of_outbox(outbox.held_at, outbox.held_reason or ""))
    return [one for one in found if one is not None]


def of_edition(config: Config, edition: Edition, now: datetime) -> Occasion | None:
    """What there is to tell of an edition as it stands, None if nothing. Pure."""
    name, number = f"{_digest_name(config, edition.digest)}: edition {edition.id}", edition.id
    because = f"The reason: {edition.reason}." if edition.reason else ""
    match edition.state:
        case "draft" if _waits(config, edition, now):
            commands = (f"syndicate edition preview {number}", _approve(config, number))
            return _occasion(edition, f"{name} waits for approval", "Nothing of it goes out before.", because, commands)
        case "skipped" if edition.kind == "scheduled":
            slot = f" of {edition.slot.replace('T', ' ')}" if edition.slot else ""
            what = f"The slot{slot} was decided, and nothing was sent."
            return _occasion(edition, f"{name} was skipped", what, because, (f"syndicate edition show {number}",))
        case "incomplete":
            what = "It has ended, but of some of its mails nobody knows whether they were accepted. A person decides."
            return _occasion(edition, f"{name} is incomplete", what, because, (f"syndicate outbox uncertain {number}",))
        case "held":
            what = "It was not sent, and waits for a person to look at it."
            go_on = _approve(config, number) if config.desk.approval else f"syndicate edition send {number}"
            commands = (go_on, f"syndicate edition cancel {number}")
            return _occasion(edition, f"{name} is held", what, because, commands)
        case "paused" if edition.reason:  # without one a person has paused it, and knows
            what = "No mail of it goes until somebody lets it go on."
            commands = (f"syndicate edition resume {number}", f"syndicate edition cancel {number}")
            return _occasion(edition, f"{name} is paused", what, because, commands)
        case _:
            return None


def _approve(config: Config, number: int) -> str:
    return f"syndicate edition approve {number}" + (" --by NAME" if config.desk.approval else "")


def _waits(config: Config, edition: Edition, now: datetime) -> bool:
    """Whether a draft waits for somebody who may not know: it was made by the clock, its slot has come, or its approval
    became void. One that a person made, or took back, is work in progress; so is one that is frozen at its slot, which
    is to come, without being asked for."""
    if edition.reason:
        return not edition.withdrawn and (config.desk.approval or not is_early(edition, now))
    by_itself = edition.kind == "scheduled" and not is_early(edition, now)
    return config.desk.approval and (by_itself or edition.started_at is not None)


def _occasion(edition: Edition, line: str, what: str, because: str, commands: tuple[str, ...]) -> Occasion:
    """The reason and the end are parts of the key: the same edition may need a person again, for something else."""
    again = f"{edition.reason} {edition.finished_at if edition.state == 'incomplete' else ''}"
    key = f"edition {edition.id} {edition.state} {hashlib.sha256(again.encode()).hexdigest()[:16]}"
    return Occasion(key, line, tuple(part for part in (what, because) if part), commands)


def _of_outbox(at: datetime, reason: str) -> Occasion:
    return Occasion(
        f"outbox held {at.isoformat()}",
        "The outbox is held",
        ("Nothing is sent, this letter neither, until somebody lets it go on.", f"The reason: {reason}."),
        ("syndicate outbox status", "syndicate outbox release"),
    )


def _untold(session: Session, found: Iterable[Occasion]) -> list[Occasion]:
    by_key = {one.key: one for one in found}
    told = set(session.scalars(select(Notice.key).where(Notice.key.in_(by_key)))) if by_key else set[str]()
    return [one for key, one in by_key.items() if key not in told]


def _digest_name(config: Config, slug: str) -> str:
    return next((digest.name for digest in config.digests if digest.slug == slug), slug)
