"""What crawlers ask for: the site map (sitemaps.org 0.9) and robots.txt (RFC 9309)."""

from collections.abc import Iterable
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from feeds.dates import rfc3339
from syndicate.clippings.store import path
from syndicate.config import Config
from syndicate.models import Clipping

# The format's own limit.
MOST_ADDRESSES = 50_000
PRIVATE = ("/confirm/", "/preferences/", "/unsubscribe/")


def robots_txt(config: Config) -> bytes:
    """Everything may be read but the pages that belong to one person."""
    lines = ("User-agent: *", *(f"Disallow: {prefix}" for prefix in PRIVATE), "")
    return "\n".join((*lines, f"Sitemap: {config.site.url}/sitemap.xml", "")).encode()


def sitemap(session: Session, config: Config, editions: Iterable[str] = ()) -> bytes:
    """The standing pages, the pages of `editions` (paths) and every published clipping, the newest first."""
    fixed = ["/", *(f"/sections/{s.slug}" for s in config.sections), "/archive", "/editions", "/partners"]
    fixed += ["/about", "/subscribe", "/feeds/", *editions]
    rows = session.scalars(
        select(Clipping)
        .options(load_only(Clipping.headline, Clipping.updated_at))
        .where(Clipping.state == "published")
        .order_by(Clipping.published_at.desc(), Clipping.id)
        .limit(MOST_ADDRESSES - len(fixed))
    )
    lines = [_line(config.site.url + place) for place in fixed]
    lines += [_line(config.site.url + path(one), rfc3339(one.updated_at) if one.updated_at else None) for one in rows]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return (head + "".join(lines) + "</urlset>\n").encode()


def _line(address: str, changed: str | None = None) -> str:
    when = f"<lastmod>{changed}</lastmod>" if changed else ""
    return f"<url><loc>{escape(address)}</loc>{when}</url>\n"
