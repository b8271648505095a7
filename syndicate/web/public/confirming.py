"""The page behind a confirmation link: it shows, and only its button confirms."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from syndicate.signup import ConfirmPage
from syndicate.web.public.cadence import comings
from syndicate.web.public.forms import Fields, read_fields
from syndicate.web.public.headers import PERSONAL
from syndicate.web.public.people import preferences_path, uid_of
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.subscribing import SignUpForm
from syndicate.web.public.view import View


class Confirming:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View, form: SignUpForm) -> None:
        self._site = site
        self._view = view
        self._form = form

    def attach(self, app: FastAPI) -> None:
        """Give `app` the page."""
        show(app, "/confirm/{token}", self.look)
        act(app, "/confirm/{token}", self.confirm)

    def look(self, token: str) -> Response:
        """What would be confirmed, and the button. However often a scanner fetches this, nothing happens."""
        with self._site.database.read() as session:
            page = self._site.signup.confirm_page(session, token, self._site.clock())
        return self._unconfirmable(page) or self._view.page(
            "confirm.html",
            "Confirm your subscription",
            headers=PERSONAL,
            masked=page.masked,
            comings=comings(self._site.config, page.digests),
        )

    def confirm(self, token: str, _form: Annotated[Fields, Depends(read_fields)]) -> Response:
        """Confirm; pressing again shows the same page. Nothing is asked of the form but that it came whole."""
        site = self._site
        with site.database.write() as session:
            page = site.signup.confirm(session, token, way="page", now=site.clock())
            uid = uid_of(session, page.subscriber_id)
        refused = self._unconfirmable(page)
        if refused is not None:
            return refused
        site.wake()
        return self._view.page(
            "confirmed.html",
            "You are subscribed",
            headers=PERSONAL,
            masked=page.masked,
            comings=comings(site.config, page.digests),
            preferences=preferences_path(site.keys, uid) if uid else "",
        )

    def _unconfirmable(self, page: ConfirmPage) -> Response | None:
        if page.state == "invalid":
            raise HTTPException(HTTPStatus.NOT_FOUND, "This is no link of ours. Look whether it was copied whole.")
        if page.state == "expired":
            form = self._form.fresh(ticked=page.digests)
            return self._view.page("expired.html", "This link has expired", headers=PERSONAL, form=form)
        return None
