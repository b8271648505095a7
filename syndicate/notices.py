"""Notices: letters to the operator about what needs a person, or what a person should know. Each occasion is told once,
whoever looks and however often: its key is kept, in the transaction that files the letter.

What is filed are facts; the words are those of the template `notice`, in the language of the site."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
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
class Facts:
    """What there is to tell: `occasion` is "waits", "skipped", "incomplete", "held", "paused" or "outbox"; the digest
    by name, the slot as local time ("2026-11-26T09:00"), and the commands that help."""

    occasion: str
    digest: str = ""
    edition: int = 0
    slot: str = ""
    reason: str = ""
    commands: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Occasion:
    """Something to tell: `key` names it (at most 80 characters), `facts` are what the letter's page is made from."""

    key: str
    facts: Facts


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
            params=asdict(occasion.facts),
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
    name, number = _digest_name(config, edition.digest), edition.id
    match edition.state:
        case "draft" if _waits(config, edition, now):
            return _occasion(edition, name, "waits", f"edition preview {number}", _approve(config, number))
        case "skipped" if edition.kind == "scheduled":
            return _occasion(edition, name, "skipped", f"edition show {number}")
        case "incomplete":
            return _occasion(edition, name, "incomplete", f"outbox uncertain {number}")
        case "held":
            go_on = _approve(config, number) if config.desk.approval else f"edition send {number}"
            return _occasion(edition, name, "held", go_on, f"edition cancel {number}")
        case "paused" if edition.reason:  # without one a person has paused it, and knows
            return _occasion(edition, name, "paused", f"edition resume {number}", f"edition cancel {number}")
        case _:
            return None


def _approve(config: Config, number: int) -> str:
    return f"edition approve {number}" + (" --by NAME" if config.desk.approval else "")


def _waits(config: Config, edition: Edition, now: datetime) -> bool:
    """Whether a draft waits for somebody who may not know: it was made by the clock, its slot has come, or its approval
    became void. One that a person made, or took back, is work in progress; so is one that is frozen at its slot, which
    is to come, without being asked for."""
    if edition.reason:
        return not edition.withdrawn and (config.desk.approval or not is_early(edition, now))
    by_itself = edition.kind == "scheduled" and not is_early(edition, now)
    return config.desk.approval and (by_itself or edition.started_at is not None)


def _occasion(edition: Edition, name: str, occasion: str, *commands: str) -> Occasion:
    """The reason and the end are parts of the key: the same edition may need a person again, for something else."""
    again = f"{edition.reason} {edition.finished_at if edition.state == 'incomplete' else ''}"
    key = f"edition {edition.id} {edition.state} {hashlib.sha256(again.encode()).hexdigest()[:16]}"
    facts = Facts(occasion, name, edition.id, edition.slot or "", edition.reason or "", _ours(commands))
    return Occasion(key, facts)


def _of_outbox(at: datetime, reason: str) -> Occasion:
    commands = _ours(("outbox status", "outbox release"))
    return Occasion(f"outbox held {at.isoformat()}", Facts("outbox", reason=reason, commands=commands))


def _ours(commands: Iterable[str]) -> list[str]:
    return [f"syndicate {command}" for command in commands]


def _untold(session: Session, found: Iterable[Occasion]) -> list[Occasion]:
    by_key = {one.key: one for one in found}
    told = set(session.scalars(select(Notice.key).where(Notice.key.in_(by_key)))) if by_key else set[str]()
    return [one for key, one in by_key.items() if key not in told]


def _digest_name(config: Config, slug: str) -> str:
    return next((digest.name for digest in config.digests if digest.slug == slug), slug)
