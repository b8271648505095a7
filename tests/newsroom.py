"""A small site for tests of editions: its digests, clippings filed and published at chosen moments, readers."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.config import load
from syndicate.database import Database
from syndicate.editions.lifecycle import Editions
from syndicate.editions.report import reports
from syndicate.editions.retractions import Affected, item_changed
from syndicate.mail.render import Renderer
from syndicate.models import Edition

RENDERER = Renderer(None)  # it keeps the templates it has compiled

SITE = """\
[site]
name = "Valley Review"
url = "https://valley.test"
postal_address = "7 Mill Lane, Ashford"
timezone = "{timezone}"

[mail]
from = "Valley Review <review@valley.test>"

[mail.dkim]
sign = false

[sending]
{sending}

[desk]
approval = {approval}

[[sections]]
slug = "news"
name = "News"

[[sections]]
slug = "letters"
name = "Letters"

[[partners]]
slug = "allies"
name = "The Allies"
url = "https://allies.test"

[[digests]]
slug = "weekly"
name = "Weekly"
schedule = "{schedule}"
sections = ["letters", "news"]
{digest}
"""


def editions(
    folder: Path,
    schedule: str = "thursday 09:00",
    *,
    timezone: str = "America/New_York",
    sending: str = "",
    approval: bool = False,
    digest: str = "",
) -> Editions:
    """The editions of a site with one digest, `weekly`. `sending` and `digest` are further lines of those tables."""
    path = folder / "config.toml"
    path.write_text(
        SITE.format(
            schedule=schedule, timezone=timezone, sending=sending, approval=str(approval).lower(), digest=digest
        )
    )
    config = load(path, {})
    return Editions(config, RENDERER)


def seen(database: Database, desk: Editions, at: datetime) -> None:
    """The site starts at that moment."""
    with database.write() as session:
        desk.first_seen(session, at)


def file(
    database: Database, at: datetime, headline: str = "Court frees three", section: str = "news", **more: str
) -> str:
    """A clipping published at that moment. Returns its id."""
    with database.write() as session:
        clip = store.add(session, NewClipping(headline=headline, section=section, **more), now=at)
        return store.publish(session, clip.id, now=at).id


def retract(database: Database, clipping_id: str, at: datetime) -> tuple[Affected, ...]:
    """Take it down as the command does, and tell the editions."""
    with database.write() as session:
        store.retract(session, clipping_id, now=at)
        return item_changed(session, clipping_id, at)


@dataclass(frozen=True)
class Seen:
    """What a test looks at in an edition."""

    id: int
    kind: str
    state: str
    slot: str | None
    number: int | None
    items: tuple[str, ...]
    reason: str | None


def all_editions(database: Database, desk: Editions) -> list[Seen]:
    """Every edition, oldest first."""
    with database.read() as session:
        return [
            Seen(one.edition, one.kind, one.state, one.slot, one.number, one.items, one.reason)
            for one in reversed(reports(session))
        ]


def row(database: Database, edition_id: int) -> Edition:
    """The stored edition."""
    with database.read() as session:
        found = session.scalars(select(Edition).where(Edition.id == edition_id)).one()
        session.expunge(found)
        return found
