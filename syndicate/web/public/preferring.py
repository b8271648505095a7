"""What a subscriber chooses on their own page: which digests come, in which language; and leaving them all."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from subscribers import preferences
from subscribers.errors import NotConfirmed
from syndicate.leaving.goodbye import leave, say_goodbye
from syndicate.signup import UnknownDigest
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.own_page import NOT_SUBSCRIBED, PATH, OwnPage
from syndicate.web.public.people import Person, digest_names, person
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.subscribing import consent_words


class Preferring:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, own: OwnPage) -> None:
        self._site = site
        self._own = own

    def attach(self, app: FastAPI) -> None:
        """Give `app` the page."""
        show(app, PATH, self._own.look)
        act(app, PATH, self.change)

    def change(self, token: str, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """Save the boxes, or leave everything: `action` says which, as a form without a tick would end everything
        and must not be taken for one that lost its fields. 409 for somebody who is not subscribed any more."""
        uid = self._own.uid(token)
        if fields.one("action") not in ("save", "leave-all"):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "Use one of the two buttons of the page.")
        site, now = self._site, self._site.clock()
        try:
            with site.database.write() as session:
                who = person(session, uid, now)
                if who is None:
                    raise HTTPException(HTTPStatus.CONFLICT, NOT_SUBSCRIBED)
                self._act(session, who, fields)
                who = person(session, uid, now)
        except NotConfirmed:
            raise HTTPException(HTTPStatus.CONFLICT, NOT_SUBSCRIBED) from None
        except UnknownDigest:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such newsletter any more.") from None
        site.wake()
        return self._own.show(who, done=self._saved(who))

    def _act(self, session: Session, who: Person, fields: Fields) -> None:
        now = self._site.clock()
        if fields.one("action") == "leave-all":
            leave(session, who.id, None, way="page", stops=self._site.stops, now=now)
            return
        language = fields.one("language")
        if language and language not in self._site.config.site.languages:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "We do not write in this language.")
        if language:
            preferences.speak(session, who.id, language, way="page", now=now)
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

    def _saved(self, who: Person | None) -> str:
        if who is None or who.state != "confirmed":
            return "Saved: nothing comes to you any more."
        return f"Saved. You get: {', '.join(digest_names(self._site.config, who.active))}."
