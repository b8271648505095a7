"""A feed made fit to be written: every text cleaned, every doubtful link left out. Knows no format.

The formats write what is not empty and need no checks of their own, so all of them say the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from feeds.links import web_link
from feeds.model import Attribution, Entry, Feed, Link
from feeds.text import language_tag, plain_title, shown_title, xml_safe


def tidy_feed(feed: Feed) -> Feed:
    """`feed` with every field XML-safe and no empty titles; optional fields with nothing in them are None or "".

    Addresses of our own (`url`, `feed_url`) are trusted and only made XML-safe. All others are absolute http(s)
    addresses or left out. Of several alternate links of one type and language the first stays, and `feed_url` is
    the only self link (RFC 4287 §4.1.1).
    """
    return replace(
        feed,
        id=_own(feed.id),
        title=shown_title(feed.title),
        url=_own(feed.url),
        feed_url=_own(feed.feed_url),
        description=_text(feed.description),
        language=language_tag(feed.language),
        entries=tuple(_entry(entry) for entry in feed.entries),
        author=plain_title(feed.author or "") or None,
        links=_links(feed.links, has_self=bool(_own(feed.feed_url))),
        rights=_text(feed.rights or "") or None,
        hub=web_link(feed.hub or "") or None,
        generator=plain_title(feed.generator),
    )


def _entry(entry: Entry) -> Entry:
    return replace(
        entry,
        id=_own(entry.id),
        title=shown_title(entry.title),
        url=_own(entry.url),
        summary=_text(entry.summary),
        content_html=_text(entry.content_html),
        author=plain_title(entry.author or "") or None,
        external_url=web_link(entry.external_url or "") or None,
        source=_attribution(entry.source),
        categories=_distinct(plain_title(category) for category in entry.categories),
        language=language_tag(entry.language or "") or None,
        rights=_text(entry.rights or "") or None,
    )


def _attribution(source: Attribution | None) -> Attribution | None:
    if source is None:
        return None
    tidy = replace(
        source,
        title=plain_title(source.title or "") or None,
        url=web_link(source.url or "") or None,
        feed_url=web_link(source.feed_url or "") or None,
        feed_id=_own(source.feed_id or "") or None,
    )
    return None if tidy == Attribution() else tidy


def _links(links: tuple[Link, ...], *, has_self: bool) -> tuple[Link, ...]:
    kept: dict[tuple[str | None, ...], Link] = {}
    for link in links:
        tidy = Link(
            href=web_link(link.href),
            rel=plain_title(link.rel) or "alternate",
            type=plain_title(link.type or "") or None,
            title=plain_title(link.title or "") or None,
            hreflang=language_tag(link.hreflang or "") or None,
            length=link.length,
        )
        if not tidy.href or (tidy.rel == "self" and has_self):
            continue
        kept.setdefault(_kind(tidy), tidy)
    return tuple(kept.values())


def _kind(link: Link) -> tuple[str | None, ...]:
    """What may stand in a feed once only: one self, one alternate of a type and language, no link twice."""
    if link.rel == "self":
        return (link.rel,)
    return (link.rel, link.type, link.hreflang, None if link.rel == "alternate" else link.href)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _own(text: str) -> str:
    return xml_safe(text).strip()


def _text(text: str) -> str:
    safe = xml_safe(text)
    return safe if safe.strip() else ""
