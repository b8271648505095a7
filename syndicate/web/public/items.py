"""A clipping as a page shows it: plain values, read inside the session, with the rights already applied."""

from dataclasses import dataclass
from typing import Literal

from feeds.links import web_link
from feeds.text import reading_direction, shown_title
from syndicate.clippings.store import path
from syndicate.config import Config, Section
from syndicate.models import Clipping
from syndicate.publishing.attribution import attribution, correction, shown_body, shown_summary


@dataclass(frozen=True)
class Item:
    """One clipping. `href` is our page of it, `link` the original article or ""; `summary` and `body` hold only what
    its rights let us show; `facts` say where it comes from, `correction` what was put right. `direction` is that of the
    headline's script."""

    headline: str
    direction: Literal["ltr", "rtl"]
    href: str
    link: str
    publication: str
    facts: tuple[str, ...]
    deck: str
    summary: str
    body: tuple[str, ...]
    section: Section | None
    archival: bool
    correction: str


def item(clipping: Clipping, config: Config) -> Item:
    """The view of a published clipping."""
    deck = shown_title(clipping.deck) if clipping.deck and clipping.rights != "link" else ""
    summary = shown_summary(clipping)
    return Item(
        headline=shown_title(clipping.headline),
        direction=reading_direction(clipping.headline),
        href=path(clipping),
        link=web_link(clipping.link or ""),
        publication=clipping.publication or "",
        facts=attribution(clipping, config.site.language),
        deck=deck,
        summary="" if summary == deck else summary,
        body=shown_body(clipping),
        section=next((s for s in config.sections if s.slug == clipping.section), None),
        archival=clipping.archival,
        correction=correction(clipping, config.site.language),
    )
