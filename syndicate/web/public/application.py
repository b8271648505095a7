"""The ASGI application of the public site, put together from its rooms."""

from fastapi import FastAPI

from syndicate.web.public.archive import Archive
from syndicate.web.public.confirming import Confirming
from syndicate.web.public.documents import Served
from syndicate.web.public.editions import Editions
from syndicate.web.public.leaving import Leaving
from syndicate.web.public.own_data import OwnData
from syndicate.web.public.own_page import OwnPage
from syndicate.web.public.pages import Pages
from syndicate.web.public.pausing import Pausing
from syndicate.web.public.preferring import Preferring
from syndicate.web.public.refusals import attach_refusals
from syndicate.web.public.shield import Shield
from syndicate.web.public.site import PublicSite
from syndicate.web.public.subscribing import SignUpForm, Subscribing
from syndicate.web.public.view import View


def create(site: PublicSite) -> FastAPI:
    """The public site as an ASGI application, made of the parts in `site`.

    It answers under any Host header and redirects only within itself. Its endpoints are plain functions, run in
    threads; none holds a session longer than it reads or writes.
    """
    # Slashes are not added or removed by redirects: those would name the host that the client claims.
    app = FastAPI(title=site.config.site.name, openapi_url=None, redirect_slashes=False)
    view = View(site.config)
    form = SignUpForm(site)
    own = OwnPage(site, view)
    for room in (
        Pages(site, view, form),
        Archive(site, view),
        Editions(site, view),
        Subscribing(site, view, form),
        Confirming(site, view, form),
        Leaving(site, view, own),
        Preferring(site, own),
        Pausing(site, own),
        OwnData(site, view, own),
        Served(site, view),
    ):
        room.attach(app)
    attach_refusals(app, view)
    app.add_middleware(Shield, view=view)
    return app
