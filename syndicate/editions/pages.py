"""An edition as a page: what the mail's templates and the edition's page on the web are made from. Pure."""

from dataclasses import replace
from datetime import date, datetime
from itertools import groupby

from feeds.links import web_link
from syndicate.clippings.paths import slug
from syndicate.config import Config, Digest
from syndicate.datelines import Dateline
from syndicate.editions.snapshot import Item, Snapshot
from syndicate.mail.pages import AppealLine, DigestItem, DigestLines, DigestPage, PartnerLine, PartnerLink, SiteLines


def digest_page(
    config: Config, digest: Digest, snapshot: Snapshot, *, number: int | None, at: datetime, language: str | None = None
) -> DigestPage:
    """The page of an edition: sections in the order of its items, numbers through all of them.

    `at` (aware) is the edition's instant; its day is that of the site's zone. Our own words and dates are in `language`
    (the site's, if not given); what was filed stays as it is."""
    site = config.site
    tongue = language or site.language
    shown = _corrected if snapshot.corrects else _item
    items = [shown(config, item, place, tongue) for place, item in enumerate(snapshot.items, 1)]
    names = [config.section_name(item.section) for item in snapshot.items]
    grouped = groupby(zip(names, items, strict=True), key=lambda pair: pair[0])
    archive = f"{site.url}/editions/{digest.slug}"
    page_number = snapshot.corrects.number if snapshot.corrects else number
    return DigestPage(
        site=SiteLines.of(site),
        digest=DigestLines(slug=digest.slug, name=digest.name),
        number=number,
        date=day(config, at),
        language=tongue,
        note=snapshot.note,
        sections=tuple((name, tuple(item for _, item in pairs)) for name, pairs in grouped),
        partners=tuple(
            PartnerLine(
                name=partner.name,
                url=partner.url,
                about=partner.about,
                also=tuple(PartnerLink(also.name, also.url) for also in partner.also),
            )
            for partner in config.partners
        ),
        view_url=f"{archive}/{page_number}" if page_number else archive,
        subscribe_url=f"{site.url}/subscribe",
        total=len(items),
        corrects=_day_of(config, snapshot, tongue),
        corrects_number=snapshot.corrects.number if snapshot.corrects else None,
        appeal=AppealLine(*snapshot.appeal) if snapshot.appeal else None,
        title=snapshot.subject or "",
    )


def day(config: Config, at: datetime) -> date:
    """The day that the site's clocks show at that instant."""
    return at.astimezone(config.zone).date()


def _day_of(config: Config, snapshot: Snapshot, language: str) -> str:
    """The day of the edition that is corrected, by which readers know one without a number."""
    if snapshot.corrects is None or snapshot.corrects.number is not None:
        return ""
    return Dateline.iso(day(config, snapshot.corrects.at).isoformat()).display(language)


def _corrected(config: Config, item: Item, number: int, language: str) -> DigestItem:
    """An item of a correction: of one that was retracted nothing is left but its headline, and no link leads to it."""
    if item.state == "published":
        return replace(_item(config, item, number, language), correction=item.correction or "")
    return DigestItem(number=number, headline=item.headline, url="", page_url="")


def _item(config: Config, item: Item, number: int, language: str) -> DigestItem:
    page_url = f"{config.site.url}/clippings/{item.clipping_id}/{slug(item.headline)}"
    link = web_link(item.link or "") or None
    # With rights to the link alone, our own words about it stay out, and so do the source's.
    says_more = item.rights != "link"
    return DigestItem(
        number=number,
        headline=item.headline,
        url=page_url if item.rights == "full" or not link else link,
        page_url=page_url,
        link=link,
        dateline=Dateline.iso(item.dateline).display(language) if item.dateline else "",
        publication=item.publication or "",
        place=item.place or "",
        byline=item.byline or "",
        deck=(item.deck or "") if says_more else "",
        summary=(item.summary or "") if says_more else "",
    )
