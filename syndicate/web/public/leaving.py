"""The page behind an unsubscribe link, the one-click way that mail programs use (RFC 8058), and the way back."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from subscribers.undoing import Undo, undo, undoable
from syndicate.keys import SAMPLE
from syndicate.leaving.goodbye import leave
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.headers import PERSONAL
from syndicate.web.public.own_page import NOT_OURS, OwnPage
from syndicate.web.public.people import SAMPLE_WORDS, Person, digest_names, person, preferences_path
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import View

_BACK_WORDS = "Bring back what has ended, as it was."


class Leaving:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View, own: OwnPage) -> None:
        self._site = site
        self._view = view
        self._own = own

    def attach(self, app: FastAPI) -> None:
        """Give `app` the page."""
        show(app, "/unsubscribe/{token}", self.look)
        act(app, "/unsubscribe/{token}", self.leave)

    def look(self, token: str) -> Response:
        """What exactly would end, and the buttons; for some days after it ended, the button that brings it back."""
        uid, digest = self._read(token)
        with self._site.database.read() as session:
            who, back = self._standing(session, uid, digest)
        if who is None or digest not in who.active:
            return self._gone(who, digest, back)
        names = self._names
        others = tuple(slug for slug in who.active if slug != digest)
        return self._view.page(
            "unsubscribe.html",
            "Leave",
            headers=PERSONAL,
            masked=who.masked,
            name=names(digest)[0],
            others=names(*others),
            all=names(digest, *others),
            paused=self._own.day(who.paused_until) if who.paused_until else "",
            preferences=preferences_path(self._site.keys, who.uid),
        )

    def leave(self, token: str, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """End the digest that the mail was of, or everything; or bring back what ended. The one-click way gets a line
        of text, a person a page; again is harmless, and needs no cookie and no session."""
        uid, digest = self._read(token)
        one_click = "one-click" in (value.strip().lower() for value in fields.all("List-Unsubscribe"))
        site = self._site
        came_back: tuple[str, ...] = ()
        with site.database.write() as session:
            who, _ = self._standing(session, uid, digest)
            if who is not None and fields.all("back") and not one_click:
                came_back = undo(
                    session, who.id, digest, way="page", words=_BACK_WORDS, stops=site.stops, now=site.clock()
                )
            elif who is not None:
                which = None if "all" in fields.all("leave") and not one_click else digest
                way = "one-click" if one_click else "page"
                leave(session, who.id, which, way=way, stops=site.stops, now=site.clock())
            who, back = self._standing(session, uid, digest)
        site.wake()
        if one_click:
            return PlainTextResponse("Unsubscribed.\n", headers=PERSONAL)
        if who is not None and digest in who.active:
            return self._back(who, came_back or (digest,))
        return self._gone(who, digest, back)

    def _standing(self, session: Session, uid: str, digest: str) -> tuple[Person | None, Undo | None]:
        now = self._site.clock()
        who = person(session, uid, now)
        return who, undoable(session, who.id, digest, now=now) if who else None

    def _gone(self, who: Person | None, digest: str, back: Undo | None) -> Response:
        if who is None:
            return self._own.show(None)
        return self._view.page(
            "unsubscribed.html",
            "You have left",
            headers=PERSONAL,
            ended=self._names(*(back.digests if back else (digest,))),
            until=self._own.day(back.until) if back else "",
            others=self._names(*who.active),
            paused=self._own.day(who.paused_until) if who.paused_until else "",
            own=preferences_path(self._site.keys, who.uid),
        )

    def _back(self, who: Person, digests: tuple[str, ...]) -> Response:
        return self._view.page(
            "back.html",
            "It comes again",
            headers=PERSONAL,
            masked=who.masked,
            names=self._names(*digests),
            paused=self._own.day(who.paused_until) if who.paused_until else "",
            preferences=preferences_path(self._site.keys, who.uid),
        )

    def _names(self, *digests: str) -> tuple[str, ...]:
        return digest_names(self._site.config, digests)

    def _read(self, token: str) -> tuple[str, str]:
        if token == SAMPLE:
            raise HTTPException(HTTPStatus.NOT_FOUND, SAMPLE_WORDS)
        named = self._site.keys.read_unsubscribe(token)
        if named is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, NOT_OURS)
        return named
