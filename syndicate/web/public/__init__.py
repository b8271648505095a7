"""The public site: pages, feeds and the forms by which people come and go. GET and HEAD change nothing.

`create(PublicSite(...))` makes the ASGI application; each subject has a room of its own.
"""

from syndicate.web.public.application import create
from syndicate.web.public.site import PublicSite

__all__ = ["PublicSite", "create"]
