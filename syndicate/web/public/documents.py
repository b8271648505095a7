"""The feeds at their addresses, the page about them, and what crawlers, browsers and watchers ask for."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from syndicate.outbox import guard, relays
from syndicate.publishing.sitemap import robots_txt, sitemap
from syndicate.web.public.conditional import conditional, settled
from syndicate.web.public.editions import edition_paths
from syndicate.web.public.routing import moved, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import STYLE, View

_FEED_CACHE = "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
_FOR_EVER = "public, max-age=31536000, immutable"


class Served:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View) -> None:
        self._site = site
        self._view = view

    def attach(self, app: FastAPI) -> None:
        """Give `app` these addresses."""
        for path in self._site.documents.paths():
            show(app, path, self.feed)
        show(app, "/feeds", self.to_feeds)
        show(app, "/feeds/", self.feeds)
        show(app, f"/static/{STYLE}", self.style)
        show(app, "/robots.txt", self.robots)
        show(app, "/sitemap.xml", self.sitemap)
        show(app, "/healthz", self.alive)
        show(app, "/readyz", self.ready)

    def feed(self, request: Request) -> Response:
        """A feed, from bytes that are kept while nothing changes."""
        with self._site.database.read() as session:
            document = self._site.documents.document(session, request.url.path)
        if document is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        headers = {
            "content-type": f"{document.media_type}; charset=utf-8",
            "cache-control": _FEED_CACHE,
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "ETag, Last-Modified",
            "cross-origin-resource-policy": "cross-origin",
        }
        modified = settled(document.modified, self._site.clock())
        return conditional(request.headers, document.data, etag=document.etag, modified=modified, headers=headers)

    def to_feeds(self) -> Response:
        """The page about feeds ends with a slash, as their folder does."""
        return moved("/feeds/")

    def feeds(self) -> Response:
        """What feeds are and where ours are, for people."""
        return self._view.page("feeds.html", "Feeds", path="/feeds/", streams=self._view.all_feeds())

    def style(self, request: Request) -> Response:
        """The style sheet; for good under the version that pages ask for."""
        current = request.query_params.get("v") == self._view.style_version
        headers = {
            "content-type": "text/css; charset=utf-8",
            "cache-control": _FOR_EVER if current else "no-cache",
        }
        etag = f'"{self._view.style_version}"'
        return conditional(request.headers, self._view.style, etag=etag, modified=None, headers=headers)

    def robots(self) -> Response:
        """What crawlers may read."""
        return Response(robots_txt(self._site.config), media_type="text/plain")

    def sitemap(self) -> Response:
        """Every public page."""
        with self._site.database.read() as session:
            data = sitemap(session, self._site.config, edition_paths(session, self._site.config))
        return Response(data, media_type="application/xml")

    def alive(self) -> Response:
        """200 as soon as we can answer at all."""
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    def ready(self) -> Response:
        """200 when the database answers and mail can go, else 503 with what is wrong."""
        headers = {"cache-control": "no-store"}
        try:
            with self._site.database.read() as session:
                held, refused = guard.held(session), relays.is_stopped(session, self._site.config.mail.smtp.name)
        except SQLAlchemyError:
            return PlainTextResponse("the database does not answer\n", 503, headers)
        # In one word: what is wrong in detail is for the log and `outbox status`, not for everybody.
        if self._site.sender_fault():
            return PlainTextResponse("the sender does not run\n", 503, headers)
        if held:
            return PlainTextResponse("the outbox is held\n", 503, headers)
        if refused:
            return PlainTextResponse("the relay refuses the login\n", 503, headers)
        return PlainTextResponse("ready\n", headers=headers)
