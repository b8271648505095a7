"""A subscriber's own page: which digests come, and leaving them all."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from subscribers import preferences
from subscribers.errors import NotConfirmed
from syndicate.keys import SAMPLE
from syndicate.leaving.goodbye import leave, say_goodbye
from syndicate.signup import UnknownDigest
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.headers import PERSONAL
from syndicate.web.public.people import SAMPLE_WORDS, Person, digest_names, person
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.subscribing import choices, consent_words
from syndicate.web.public.view import View


class Preferring:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View) -> None:
        self._site = site
        self._view = view

    def attach(self, app: FastAPI) -> None:
        """Give `app` the page."""
        show(app, "/preferences/{token}", self.look)
        act(app, "/preferences/{token}", self.change)

    def look(self, token: str) -> Response:
        """The boxes as they are. Who has left or not confirmed yet is told how to come (back)."""
        uid = self._read(token)
        with self._site.database.read() as session:
            who = person(session, uid)
        return self._page(who)

    def change(self, token: str, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """Save the boxes, or leave everything: `action` says which, as a form without a tick would end everything
        and must not be taken for one that lost its fields. 409 for somebody who is not subscribed any more."""
        uid = self._read(token)
        if fields.one("action") not in ("save", "leave-all"):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "Use one of the two buttons of the page.")
        site = self._site
        try:
            with site.database.write() as session:
                who = person(session, uid)
                if who is None:
                    raise HTTPException(HTTPStatus.CONFLICT)
                self._act(session, who, fields)
                who = person(session, uid)
        except NotConfirmed:
            raise HTTPException(
                HTTPStatus.CONFLICT, "You are not subscribed any more. To come back, use the sign-up form."
            ) from None
        except UnknownDigest:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such newsletter any more.") from None
        site.wake()
        return self._page(who, saved=True)

    def _act(self, session: Session, who: Person, fields: Fields) -> None:
        now = self._site.clock()
        if fields.one("action") == "leave-all":
            leave(session, who.id, None, way="page", stops=self._site.stops, now=now)
            return
        boxes = fields.all("digest")
        chosen = self._site.signup.known(boxes) if boxes else ()
        # What the site no longer offers has no box, so an empty place for it is not a wish to leave it.
        kept = tuple(slug for slug in who.active if slug not in self._site.signup.digests)
        words = consent_words(self._site.config)
        change = preferences.choose(
            session, who.id, (*chosen, *kept), way="page", words=words, stops=self._site.stops, now=now
        )
        if not chosen and not kept:  # to choose nothing is to leave
            say_goodbye(session, who.id, tuple(slug for slug in change.ended if slug in who.active), now=now)

    def _page(self, who: Person | None, *, saved: bool = False) -> Response:
        if who is None or who.state != "confirmed":
            return self._view.page("left.html", "You are not subscribed", headers=PERSONAL, saved=saved)
        config = self._site.config
        return self._view.page(
            "preferences.html",
            "What you get",
            headers=PERSONAL,
            masked=who.masked,
            choices=choices(config, who.active),
            names=digest_names(config, who.active),
            saved=saved,
        )

    def _read(self, token: str) -> str:
        if token == SAMPLE:
            raise HTTPException(HTTPStatus.NOT_FOUND, SAMPLE_WORDS)
        uid = self._site.keys.read_preferences(token)
        if uid is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "This is no link of ours. Look whether it was copied whole.")
        return uid
