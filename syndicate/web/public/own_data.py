"""A person's data: as a file to keep, or erased for good."""

import json
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from syndicate.leaving.erasing import erase
from syndicate.stored import everything
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.headers import PERSONAL
from syndicate.web.public.own_page import PATH, OwnPage
from syndicate.web.public.people import Person, person, preferences_path
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import View

_NOBODY = "This link is of nobody any more."


class OwnData:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View, own: OwnPage) -> None:
        self._site = site
        self._view = view
        self._own = own

    def attach(self, app: FastAPI) -> None:
        """Give `app` the file and the two steps of erasing."""
        show(app, f"{PATH}/export", self._own.look)
        act(app, f"{PATH}/export", self.export)
        show(app, f"{PATH}/erase", self.ask)
        act(app, f"{PATH}/erase", self.erase)

    def export(self, token: str, _form: Annotated[Fields, Depends(read_fields)]) -> Response:
        """All that is stored of this person, as a JSON file. 409 for somebody who was erased."""
        uid = self._own.uid(token)
        with self._site.database.read() as session:
            who = person(session, uid, self._site.clock())
            if who is None:
                raise HTTPException(HTTPStatus.CONFLICT, _NOBODY)
            found = everything(session, who.id)
        text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
        named = {"content-disposition": 'attachment; filename="my-data.json"'}
        return Response(text, media_type="application/json", headers={**PERSONAL, **named})

    def ask(self, token: str) -> Response:
        """What would go and what would stay, and the button. Changes nothing."""
        uid = self._own.uid(token)
        with self._site.database.read() as session:
            who = person(session, uid, self._site.clock())
        return self._asked(who)

    def erase(self, token: str, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """Erase for good; only the button of the page does, nothing that merely calls the address. Harmless to
        repeat, and without a goodbye: there is nobody left to write to."""
        uid, site = self._own.uid(token), self._site
        if fields.one("erase") != "for-good":
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "Use the button of the page.")
        with site.database.write() as session:
            who = person(session, uid, site.clock())
            if who is not None:
                erase(session, who.id, site.stops, site.clock())
        return self._view.page("erased.html", "You are erased", headers=PERSONAL)

    def _asked(self, who: Person | None) -> Response:
        if who is None:
            return self._own.show(None)
        own = preferences_path(self._site.keys, who.uid)
        return self._view.page("erase.html", "Erase me?", headers=PERSONAL, masked=who.masked, own=own)
