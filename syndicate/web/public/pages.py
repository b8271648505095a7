"""The pages that are read: home, sections, clippings, partners and what stands about the site itself."""

from http import HTTPStatus

from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from feeds.text import paragraphs
from syndicate.clippings.store import get, path, published
from syndicate.clippings.streams import archived
from syndicate.web.public.items import Item, item
from syndicate.web.public.routing import moved, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.subscribing import SignUpForm
from syndicate.web.public.view import View

ON_HOME = 25
ON_SECTION = 60
ARCHIVED_ON_SECTION = 30


class Pages:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View, form: SignUpForm) -> None:
        self._site = site
        self._view = view
        self._form = form

    def attach(self, app: FastAPI) -> None:
        """Give `app` these pages."""
        show(app, "/", self.home)
        show(app, "/sections/{slug}", self.section)
        show(app, "/clippings/{clipping_id}", self.clipping)
        show(app, "/clippings/{clipping_id}/{slug}", self.clipping)
        show(app, "/partners", self.partners)
        show(app, "/about", self.about)

    def home(self) -> Response:
        """The newest clippings of every section, the newest of all in front, with the sign-up form beside them."""
        with self._site.database.read() as session:
            items = self._newest(session, limit=ON_HOME)
        config = self._site.config
        return self._view.page(
            "home.html", config.site.name, path="/", items=items, form=self._form.fresh(), heading=config.site.name
        )

    def section(self, slug: str) -> Response:
        """The newest clippings of one section, then the newest of its archival ones."""
        config = self._site.config
        section = config.section(slug)
        with self._site.database.read() as session:
            items = self._newest(session, section=slug, limit=ON_SECTION)
            old = tuple(item(c, config) for c in archived(session, section=slug, limit=ARCHIVED_ON_SECTION))
        return self._view.page(
            "section.html", section.name, path=f"/sections/{slug}", section=section, items=items, old=old, shown=section
        )

    def clipping(self, clipping_id: str, slug: str = "") -> Response:
        """One clipping at its full address. A wrong slug leads to the right one; what was retracted is 410."""
        with self._site.database.read() as session:
            found = get(session, clipping_id)
            if found.state == "draft":
                raise HTTPException(HTTPStatus.NOT_FOUND)
            if found.state == "retracted":
                raise HTTPException(HTTPStatus.GONE)
            address = path(found)
            shown = item(found, self._site.config)
        if address != f"/clippings/{clipping_id}/{slug}":
            return moved(address)
        return self._view.page("clipping.html", shown.headline, path=address, section=shown.section, item=shown)

    def partners(self) -> Response:
        """The allied organisations."""
        return self._view.page("partners.html", "Friends and allies", path="/partners")

    def about(self) -> Response:
        """Who we are and how to reach us."""
        words = paragraphs(self._site.config.site.about)
        return self._view.page("about.html", "About", path="/about", paragraphs=words)

    def _newest(self, session: Session, *, section: str | None = None, limit: int) -> tuple[Item, ...]:
        return tuple(item(c, self._site.config) for c in published(session, section=section, limit=limit))
