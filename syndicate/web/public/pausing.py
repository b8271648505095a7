"""A pause, begun and ended on a subscriber's own page."""

from collections.abc import Mapping
from datetime import date, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from subscribers import pausing
from subscribers.errors import NotConfirmed
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.own_page import NOT_SUBSCRIBED, PATH, OwnPage
from syndicate.web.public.people import person
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite

LENGTHS: Mapping[str, timedelta] = MappingProxyType({"4-weeks": timedelta(weeks=4), "3-months": timedelta(weeks=13)})
END = "none"
_NO_DAY = "Choose a day from tomorrow on, at most a year from now."


class Pausing:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, own: OwnPage) -> None:
        self._site = site
        self._own = own

    def attach(self, app: FastAPI) -> None:
        """Give `app` the buttons."""
        show(app, f"{PATH}/pause", self._own.look)
        act(app, f"{PATH}/pause", self.pause)

    def pause(self, token: str, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """Begin a pause, give it another end, or end it: `length` says which, `until` the day. The page again with
        what is wrong with a day that cannot be; 409 for somebody who is not subscribed any more."""
        uid, site, now = self._own.uid(token), self._site, self._site.clock()
        length = fields.one("length")
        if length not in (*LENGTHS, "until", END):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "Use one of the buttons of the page.")
        today = now.astimezone(site.config.zone).date()
        fault = ""
        with site.database.write() as session:
            who = person(session, uid, now)
            if who is None:
                raise HTTPException(HTTPStatus.CONFLICT, NOT_SUBSCRIBED)
            if length == END:
                done = "The pause is over: it comes again." if self._end(session, who.id) else "There is no pause."
            else:
                done, fault = self._begin(session, who.id, back_on(length, fields.one("until"), today))
            who = person(session, uid, now)
        return self._own.show(who, done=done, fault=fault)

    def _end(self, session: Session, subscriber_id: int) -> bool:
        return pausing.end_pause(session, subscriber_id, way="page", now=self._site.clock())

    def _begin(self, session: Session, subscriber_id: int, day: date | None) -> tuple[str, str]:
        """What was done, or what is wrong."""
        if day is None:
            return "", _NO_DAY
        try:
            until = pausing.first_moment(day, self._site.config.zone)
            words = f"Nothing comes before {self._own.day(until)}."
            pausing.pause(session, subscriber_id, until, way="page", words=words, now=self._site.clock())
        except pausing.BadPause:
            return "", _NO_DAY
        except NotConfirmed:
            raise HTTPException(HTTPStatus.CONFLICT, NOT_SUBSCRIBED) from None
        return words, ""


def back_on(length: str, until: str, today: date) -> date | None:
    """The first day on which mail comes again; None for a day that is none."""
    if length in LENGTHS:
        return today + LENGTHS[length]
    try:
        return date.fromisoformat(until.strip())
    except ValueError:
        return None
