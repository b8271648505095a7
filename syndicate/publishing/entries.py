"""A published clipping as a feed entry, under an id that outlives its title, its address and the site's host."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.model import Attribution, Entry
from syndicate.clippings.store import path
from syndicate.config import Config
from syndicate.errors import NotFound
from syndicate.models import Clipping, Site
from syndicate.publishing.attribution import content_html, correction, shown_summary


@dataclass(frozen=True)
class SiteFacts:
    """What the site's own row says: the authority and date of its tag URIs, when it was made, its revision."""

    authority: str
    since: date
    created_at: datetime
    revision: int

    def tag(self, specific: str) -> str:
        """A tag URI (RFC 4151) of this site: `tag:news.example.org,2026-11-24:clipping/abc`."""
        return f"tag:{self.authority},{self.since.isoformat()}:{specific}"


def site_facts(session: Session) -> SiteFacts:
    """Read the site's row. Raises NotFound when the site was never made."""
    row = session.execute(select(Site.tag_authority, Site.tag_date, Site.created_at, Site.revision)).first()
    if row is None:
        raise NotFound("this database holds no site yet: run `syndicate init`")
    return SiteFacts(*row._tuple())


def feed_id(clipping_id: str, facts: SiteFacts) -> str:
    """The permanent id of a clipping in feeds."""
    return facts.tag(f"clipping/{clipping_id}")


def entry(clipping: Clipping, config: Config, *, facts: SiteFacts) -> Entry:
    """The feed entry of a published clipping (one that has `published_at`; archival ones are not for main feeds)."""
    published = (clipping.published_at or clipping.created_at).astimezone(UTC)
    return Entry(
        id=feed_id(clipping.id, facts),
        title=clipping.headline,
        published=published,
        updated=(clipping.updated_at or published).astimezone(UTC),
        url=config.site.url + path(clipping),
        summary=" ".join(filter(None, (correction(clipping, config.site.language), shown_summary(clipping)))),
        content_html=content_html(clipping, language=config.site.language, full_text=config.feeds.full_text),
        author=clipping.byline,
        external_url=clipping.link,
        source=Attribution(title=clipping.publication) if clipping.publication else None,
        categories=(config.section_name(clipping.section),),
    )
