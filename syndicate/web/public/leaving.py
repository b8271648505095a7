"""The page behind an unsubscribe link, and the one-click way that mail programs use (RFC 8058)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from syndicate.keys import SAMPLE
from syndicate.leaving.goodbye import leave
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.headers import PERSONAL
from syndicate.web.public.people import SAMPLE_WORDS, Person, digest_names, person, preferences_path
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import View


class Leaving:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View) -> None:
        self._site = site
        self._view = view

    def attach(self, app: FastAPI) -> None:
        """Give `app` the page."""
        show(app, "/unsubscribe/{token}", self.look)
        act(app, "/unsubscribe/{token}", self.leave)

    def look(self, token: str) -> Response:
        """What exactly would end, and the button."""
        uid, digest = self._read(token)
        with self._site.database.read() as session:
            who = person(session, uid)
        if who is None or digest not in who.active:
            return self._gone(who, digest)
        return self._view.page(
            "unsubscribe.html",
            "Leave",
            headers=PERSONAL,
            masked=who.masked,
            name=self._name(digest),
            others=digest_names(self._site.config, [slug for slug in who.active if slug != digest]),
            preferences=preferences_path(self._site.keys, who.uid),
            several=len(self._site.config.digests) > 1,
        )

    def leave(self, token: str, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """End the digest that the mail was of. The one-click way gets a line of text, a person a page; again is
        harmless, and needs no cookie and no session."""
        uid, digest = self._read(token)
        one_click = "one-click" in (value.strip().lower() for value in fields.all("List-Unsubscribe"))
        site = self._site
        with site.database.write() as session:
            who = person(session, uid)
            if who is not None:
                way = "one-click" if one_click else "page"
                leave(session, who.id, digest, way=way, stops=site.stops, now=site.clock())
                who = person(session, uid)
        site.wake()
        if one_click:
            return PlainTextResponse("Unsubscribed.\n", headers=PERSONAL)
        return self._gone(who, digest)

    def _gone(self, who: Person | None, digest: str) -> Response:
        left = digest_names(self._site.config, who.active) if who else ()
        return self._view.page(
            "unsubscribed.html",
            "You have left",
            headers=PERSONAL,
            name=self._name(digest),
            others=left,
            preferences=preferences_path(self._site.keys, who.uid) if who and left else "",
        )

    def _name(self, digest: str) -> str:
        return digest_names(self._site.config, [digest])[0]

    def _read(self, token: str) -> tuple[str, str]:
        if token == SAMPLE:
            raise HTTPException(HTTPStatus.NOT_FOUND, SAMPLE_WORDS)
        named = self._site.keys.read_unsubscribe(token)
        if named is None:
            raise HTTPException(
                HTTPStatus.NOT_FOUND,
                "This is no link of ours. Look whether it was copied whole, or use the link in another mail.",
            )
        return named
