"""A small site for tests of what the public sees: its configuration, clippings, people, editions and a visitor."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import select
from stops import Kept

from subscribers import consent
from subscribers.addresses import parse
from subscribers.models import ConsentEvent, Subscriber, Subscription
from subscribers.tokens import TokenKeys
from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.config import Config, load
from syndicate.database import Database
from syndicate.keys import SiteKeys
from syndicate.models import Base, Batch, Edition, EditionItem, Letter, Site
from syndicate.publishing.documents import Documents
from syndicate.signup import SignUp
from syndicate.web.public import PublicSite, create

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = "https://valley.test"

TOML = """\
[site]
name = "Valley Review"
url = "https://valley.test"
tagline = "What the valley reads"
about = "We read so that you need not.\\n\\nAnd we clip."
postal_address = "7 Mill Lane, Ashford"

[mail]
from = "Valley Review <review@valley.test>"

[mail.dkim]
sign = false

[[sections]]
slug = "news"
name = "Valley News"
about = "What happened."

[[sections]]
slug = "long-reads"
name = "Long Reads"

[[partners]]
slug = "hill"
name = "The Hill Society"
url = "https://hill.test"
about = "Neighbours."

[[digests]]
slug = "weekly"
name = "Weekly digest"
schedule = "thursday 09:00"
sections = ["news", "long-reads"]

[[digests]]
slug = "each-one"
name = "Each one"
schedule = "each"
sections = ["news"]
"""


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **units: float) -> None:
        """Let time go by: `seconds=4`."""
        self.moment += timedelta(**units)


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser that follows no redirects and runs no script."""

    app: FastAPI
    address: str = "203.0.113.9"

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any request, as httpx makes it."""

        async def once() -> httpx.Response:
            wire = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(self.address, 5000))
            async with httpx.AsyncClient(transport=wire, base_url="http://any.host") as client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to GET."""
        return self.ask("GET", path, headers=headers)

    def post(
        self, path: str, form: Mapping[str, str | Sequence[str]] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer to a form sent as browsers do."""
        return self.ask("POST", path, data=form or {}, headers=headers)


@dataclass
class LiveSite:
    """The site: file clippings, mail editions, let people subscribe, and look at it as a visitor does."""

    database: Database
    config: Config
    clock: Clock = field(default_factory=Clock)
    woken: int = 0
    sender_fault: str | None = None

    def __post_init__(self) -> None:
        self.keys = SiteKeys(TokenKeys({1: b"k" * 32}, 1), b"a" * 32)
        with self.database.write() as session:
            site = Site(uid="site", tag_authority="valley.test", tag_date=date(2026, 11, 1), revision=1)
            site.created_at = datetime(2026, 11, 1, tzinfo=UTC)
            session.add(site)
        self.stops = Kept()
        self.signup = SignUp(self.keys, tuple(d.slug for d in self.config.digests), "en", self.stops)
        self.documents = Documents(self.config)
        self.app = create(
            PublicSite(
                self.config,
                self.keys,
                self.database,
                self.signup,
                self.stops,
                self.documents,
                self.clock,
                self._wake,
                lambda: self.sender_fault,
            )
        )
        self.visitor = Visitor(self.app)

    def _wake(self) -> None:
        self.woken += 1

    def publish(self, headline: str, *, section: str = "news", **fields: Any) -> str:
        """File and publish a clipping a minute after the one before. Returns its id."""
        self.clock.pass_by(minutes=1)
        with self.database.write() as session:
            clipping = store.add(session, NewClipping(headline=headline, section=section, **fields), now=self.clock())
            store.publish(session, clipping.id, now=self.clock())
            return clipping.id

    def draft(self, headline: str) -> str:
        """File a clipping and leave it a draft."""
        with self.database.write() as session:
            return store.add(session, NewClipping(headline=headline, section="news"), now=self.clock()).id

    def retract(self, clipping_id: str) -> None:
        """Take a clipping down a minute later."""
        self.clock.pass_by(minutes=1)
        with self.database.write() as session:
            store.retract(session, clipping_id, now=self.clock())

    def path(self, clipping_id: str) -> str:
        """Where the page of a clipping is."""
        with self.database.read() as session:
            return store.path(store.get(session, clipping_id))

    def mail(self, number: int, items: Sequence[str], *, state: str = "sent", digest: str = "weekly") -> int:
        """An edition of a digest that was mailed to one person (or is in another state). Returns its id."""
        with self.database.write() as session:
            edition = Edition(uid=f"edition{digest[:4]}{number:05}", digest=digest, kind="manual", key=str(number))
            edition.number, edition.state, edition.created_at = number, state, self.clock()
            edition.mail_date = self.clock()
            edition.started_at = None if state in ("draft", "approved") else self.clock()
            ended = state in ("sent", "incomplete", "skipped", "cancelled")
            edition.finished_at = self.clock() if ended else None
            frozen = state in ("sending", "paused", "sent", "incomplete", "cancelled")
            edition.chosen = 1 if frozen else None
            session.add(edition)
            session.flush()
            if frozen:
                session.add(
                    Batch(
                        edition_id=edition.id,
                        batch=0,
                        done=True,
                        next_try_at=self.clock(),
                        size=1,
                        accepted=1,
                        queued=0,
                    )
                )
            for position, clipping in enumerate(items):
                item = EditionItem(edition_id=edition.id, position=position, digest=digest, clipping_id=clipping)
                item.section, item.claims = store.get(session, clipping).section, state != "cancelled"
                session.add(item)
            return edition.id

    def subscriber(self, address: str, *digests: str) -> str:
        """A confirmed subscriber. Returns the uid."""
        with self.database.write() as session:
            made = consent.add(
                session,
                parse(address),
                digests or ("weekly",),
                hash_of=self.keys.address_hash,
                language="en",
                consent="on paper",
                way="command",
                now=self.clock(),
            )
            return made.uid

    def standing(self, uid: str) -> tuple[str, tuple[str, ...]]:
        """State and active digests of a subscriber."""
        with self.database.read() as session:
            person = session.scalars(select(Subscriber).where(Subscriber.uid == uid)).one()
            active = session.scalars(
                select(Subscription.digest)
                .where(Subscription.subscriber_id == person.id, Subscription.state == "active")
                .order_by(Subscription.digest)
            )
            return person.state, tuple(active)

    def uid(self, address: str) -> str:
        """The uid of whoever has this address."""
        with self.database.read() as session:
            return session.scalars(select(Subscriber.uid).where(Subscriber.address == address)).one()

    def events(self, uid: str) -> list[ConsentEvent]:
        """The consent events of a subscriber, the first one first."""
        with self.database.read() as session:
            query = select(ConsentEvent).join(Subscriber, Subscriber.id == ConsentEvent.subscriber_id)
            return list(session.scalars(query.where(Subscriber.uid == uid).order_by(ConsentEvent.id)))

    def fingerprint(self) -> str:
        """A hash over everything in every table."""
        with self.database.read() as session:
            rows = [
                (table.name, sorted(map(repr, session.execute(select(table)).all())))
                for table in Base.metadata.sorted_tables
            ]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def letters(self) -> list[Letter]:
        """Every letter that was asked for, the first one first."""
        with self.database.read() as session:
            return list(session.scalars(select(Letter).order_by(Letter.id)))

    def confirm_path(self, letter: Letter) -> str:
        """The confirmation link in a letter."""
        return f"/confirm/{self.keys.confirm_token(letter.uid)}"

    def unsubscribe_path(self, uid: str, digest: str = "weekly") -> str:
        """The unsubscribe link in a mail to this subscriber."""
        return f"/unsubscribe/{self.keys.unsubscribe_token(uid, digest)}"

    def preferences_path(self, uid: str) -> str:
        """The link to this subscriber's own page."""
        return f"/preferences/{self.keys.preferences_token(uid)}"


def live_site(database: Database, folder: Path, *, extra: str = "") -> LiveSite:
    """A site whose folder is `folder`, with more configuration if asked."""
    file = folder / "config.toml"
    file.write_text(TOML + extra, encoding="utf-8")
    return LiveSite(database, load(file, {}))
