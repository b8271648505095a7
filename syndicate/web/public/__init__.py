"""The public site: pages, feeds and the forms by which people come and go. GET and HEAD change nothing.

`create(PublicSite(...))` makes the ASGI application (`application`, of the parts in `site`). Each subject has a room:
`pages`, `archive`, `editions` and `documents` (feeds, what crawlers and watchers ask for) are read; `subscribing`,
`confirming` and `leaving` are how people come and go; `own_page` is a subscriber's own, with `preferring`, `pausing`
and `own_data` (a file of it, and erasing). Behind them: `view` (templates to pages), `items`, `people` and `cadence`
(what pages show), `forms` (what comes in), `routing`, `conditional` (requests for what a client
may hold already), `visitor` (where a request comes from), `shield`, `headers` and `refusals` (what stands in front).
"""

from syndicate.web.public.application import create
from syndicate.web.public.site import PublicSite

__all__ = ["PublicSite", "create"]
