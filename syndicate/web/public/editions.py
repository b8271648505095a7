"""Past editions in the browser: a list for each digest, and each edition as it was mailed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby

from fastapi import FastAPI
from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from syndicate.config import Config, Digest
from syndicate.datelines import Dateline
from syndicate.models import Batch, Clipping, Edition, EditionItem
from syndicate.web.public.cadence import cadence
from syndicate.web.public.items import Item, item
from syndicate.web.public.routing import show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import View

_MAILED = ("sent", "incomplete", "sending", "paused", "held")
_NEWEST = 12


@dataclass(frozen=True)
class Listed:
    """A line of the list. `day` is the local day of mailing in words."""

    number: int
    href: str
    day: str
    items: int


@dataclass(frozen=True)
class Shelf:
    """A digest, when it comes (in words), and its editions, the newest first."""

    digest: Digest
    when: str
    editions: tuple[Listed, ...]


@dataclass(frozen=True)
class Part:
    """The items of one section. None stands where a clipping was withdrawn after the mail had gone."""

    name: str
    items: tuple[Item | None, ...]


@dataclass(frozen=True)
class Page:
    """An edition to read."""

    number: int
    day: str
    note: str
    parts: tuple[Part, ...]
    total: int


class Editions:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View) -> None:
        self._site = site
        self._view = view

    def attach(self, app: FastAPI) -> None:
        """Give `app` these pages."""
        show(app, "/editions", self.every_digest)
        show(app, "/editions/{slug}", self.one_digest)
        show(app, "/editions/{slug}/{number}", self.one_edition)

    def every_digest(self) -> Response:
        """The digests with their newest editions."""
        config = self._site.config
        with self._site.database.read() as session:
            shelves = tuple(shelf(session, config, digest, limit=_NEWEST) for digest in config.digests)
        return self._view.page("editions.html", "Past editions", path="/editions", shelves=shelves, whole=False)

    def one_digest(self, slug: str) -> Response:
        """Every edition of one digest."""
        config = self._site.config
        digest = config.digest(slug)
        with self._site.database.read() as session:
            shelves = (shelf(session, config, digest),)
        title = f"{digest.name}: past editions"
        return self._view.page("editions.html", title, path=f"/editions/{slug}", shelves=shelves, whole=True)

    def one_edition(self, slug: str, number: str) -> Response:
        """One edition as it was mailed, but for what was withdrawn since."""
        digest = self._site.config.digest(slug)
        if not (number.isascii() and number.isdigit() and len(number) <= 9 and number == str(int(number))):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        with self._site.database.read() as session:
            edition = session.scalar(_readable(slug).where(Edition.number == int(number)))
            if edition is None:
                raise HTTPException(HTTPStatus.NOT_FOUND)
            page = read(session, self._site.config, edition)
        title = f"{digest.name}, no. {page.number}"
        place = f"/editions/{slug}/{page.number}"
        return self._view.page("edition.html", title, path=place, digest=digest, edition=page)


def shelf(session: Session, config: Config, digest: Digest, *, limit: int | None = None) -> Shelf:
    """A digest's mailed editions, the newest first."""
    sizes = (
        select(EditionItem.edition_id, func.count().label("items"))
        .where(EditionItem.digest == digest.slug)
        .group_by(EditionItem.edition_id)
        .subquery()
    )
    rows = session.execute(
        select(Edition, func.coalesce(sizes.c["items"], 0))
        .outerjoin(sizes, sizes.c.edition_id == Edition.id)
        .where(Edition.digest == digest.slug, _listed())
        .order_by(Edition.number.desc())
        .limit(limit)
    )
    listed = tuple(
        Listed(e.number or 0, f"/editions/{digest.slug}/{e.number}", _day(e, config), items) for e, items in rows
    )
    return Shelf(digest, cadence(digest, config.zone), listed)


def read(session: Session, config: Config, edition: Edition) -> Page:
    """An edition with its items in their order, by section."""
    rows = session.execute(
        select(EditionItem.section, Clipping)
        .join(Clipping, Clipping.id == EditionItem.clipping_id)
        .where(EditionItem.edition_id == edition.id)
        .order_by(EditionItem.position)
    ).all()
    parts = tuple(
        Part(config.section_name(section), tuple(_shown(clipping, config) for _, clipping in group))
        for section, group in groupby(rows, key=lambda row: row[0])
    )
    return Page(edition.number or 0, _day(edition, config), edition.note or "", parts, len(rows))


def edition_paths(session: Session, config: Config) -> Iterable[str]:
    """The addresses of all mailed editions of the digests that there are."""
    rows = session.execute(
        select(Edition.digest, Edition.number)
        .where(Edition.digest.in_(config.digest_slugs), _listed())
        .order_by(Edition.digest, Edition.number.desc())
    )
    return [f"/editions/{digest}/{number}" for digest, number in rows]


def _listed() -> ColumnElement[bool]:
    """Lists show an edition once it is through. One of which some mails are sent again keeps its place."""
    return Edition.state.in_(_MAILED) & Edition.finished_at.is_not(None) & Edition.number.is_not(None)


def _readable(slug: str) -> Select[tuple[Edition]]:
    """An edition's page answers from its first mail on, for its link "view in browser": while it is being sent, paused
    or held, and still when the rest was called off, if any mail had gone or may have gone."""
    gone = exists().where(
        Batch.edition_id == Edition.id,
        or_(Batch.accepted + Batch.uncertain + Batch.unknown > 0, Batch.owner.is_not(None)),
    )
    going = Edition.state.in_(_MAILED) & Edition.chosen.is_not(None)
    return select(Edition).where(Edition.digest == slug, or_(going, (Edition.state == "cancelled") & gone))


def _shown(clipping: Clipping, config: Config) -> Item | None:
    return item(clipping, config) if clipping.state == "published" else None


def _day(edition: Edition, config: Config) -> str:
    mailed: datetime = edition.mail_date or edition.started_at or edition.created_at.astimezone(UTC)
    return Dateline(mailed.astimezone(config.zone).date().isoformat()).display(config.site.language)
