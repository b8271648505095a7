"""RSS 2.0 and Atom 1.0, written by feedgen. The only room that knows feedgen.

feedgen writes the frame and the plain fields. What it gets wrong or cannot say (links, dates, people, sources) is
written through its extension hook: it hands each element it has made to a writer of ours.
"""

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree

from feeds.dates import rfc822, rfc3339
from feeds.model import Attribution, Entry, Feed, Link
from feeds.tidy import tidy_feed

RSS_TYPE = "application/rss+xml"
ATOM_TYPE = "application/atom+xml"

_HOOK = "syndicate"
_ATOM = "{http://www.w3.org/2005/Atom}"
_DC_NAMESPACE = "http://purl.org/dc/elements/1.1/"
_DC = f"{{{_DC_NAMESPACE}}}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def rss(feed: Feed) -> bytes:
    """`feed` as an RSS 2.0 document in UTF-8, entries in the given order.

    The same feed gives the same bytes, always. Hostile text is cleaned (`feeds.text`), never an error. Raises
    FeedError where neither the feed nor an entry says when it was last changed.
    """
    tidy = tidy_feed(feed)
    generator = _generator(tidy)
    # The last link given is the channel's, so this is the only one; the others are written by _channel.
    generator.link(href=tidy.url, rel="alternate")
    generator.description(tidy.description or tidy.title)
    # feedgen fills this with the clock and would write it by switching the locale of the whole process.
    generator._FeedGenerator__rss_lastBuildDate = None
    _write_with(generator, partial(_channel, tidy), names={"dc": _DC_NAMESPACE})
    for entry in tidy.entries:
        item = _feedgen_entry(generator, entry)
        # In RSS a description is HTML, and our summary is not.
        summary = escape(entry.summary, quote=False)
        if summary:
            item.description(summary)
        if entry.content_html:
            item.content(entry.content_html)
        _write_with(item, partial(_item, entry, tidy.language))
    return bytes(generator.rss_str())


def atom(feed: Feed) -> bytes:
    """`feed` as an Atom 1.0 document (RFC 4287) in UTF-8, entries in the given order.

    The same feed gives the same bytes, always. Hostile text is cleaned (`feeds.text`), never an error. Raises
    FeedError where neither the feed nor an entry says when it was last changed.
    """
    tidy = tidy_feed(feed)
    generator = _generator(tidy)
    generator.updated(tidy.last_changed)
    # An entry without an author takes the feed's, so there must be one (RFC 4287 §4.1.1).
    generator.author(name=tidy.author or tidy.title)
    if tidy.description:
        generator.subtitle(tidy.description)
    _write_with(generator, partial(_atom_feed, tidy))
    for entry in tidy.entries:
        element = _feedgen_entry(generator, entry)
        element.updated(entry.updated)
        # An entry is to have some text of its own (RFC 4287 §4.1.1.1), and readers show what there is.
        if entry.summary or not entry.content_html:
            element.summary(entry.summary or entry.title)
        if entry.content_html:
            element.content(entry.content_html, type="html")
        if entry.author:
            element.author(name=entry.author)
        if entry.rights:
            element.rights(entry.rights)
        _write_with(element, partial(_atom_entry, entry, tidy.language))
    return bytes(generator.atom_str())


# ---- feedgen


class _Hook:
    """feedgen's extension interface: one for the feed and one for each entry, made by feedgen without arguments."""

    def __init__(self) -> None:
        self.names: Mapping[str, str] = {}
        self.write: Callable[[etree._Element], None] = _nothing

    def extend_ns(self) -> Mapping[str, str]:
        return self.names

    def extend_rss(self, element: etree._Element) -> etree._Element:
        self.write(element)
        return element

    def extend_atom(self, element: etree._Element) -> etree._Element:
        self.write(element)
        return element


def _nothing(element: etree._Element) -> None:
    """Writes nothing: what a hook does until it is told what to write."""


def _generator(feed: Feed) -> Any:
    """feedgen's feed with what is alike in both formats. Untyped, as feedgen is."""
    generator = FeedGenerator()
    # Before the first entry: entries only get the extensions that are known when they are made.
    generator.register_extension(_HOOK, _Hook, _Hook)
    generator.id(feed.id)
    generator.title(feed.title)
    generator.generator(feed.generator)
    if feed.language:
        generator.language(feed.language)
    if feed.rights:
        generator.rights(feed.rights)
    return generator


def _feedgen_entry(generator: Any, entry: Entry) -> Any:
    made = generator.add_entry(order="append")
    made.id(entry.id)
    made.title(entry.title)
    made.link(href=entry.url, rel="alternate")
    for category in entry.categories:
        made.category(term=category)
    return made


def _write_with(made: Any, write: Callable[[etree._Element], None], *, names: Mapping[str, str] | None = None) -> None:
    hook: _Hook = getattr(made, _HOOK)
    hook.write = write
    hook.names = names or {}


# ---- what we write in RSS


def _channel(feed: Feed, root: etree._Element) -> None:
    channel = root[0]
    _add(channel, "lastBuildDate", rfc822(feed.last_changed))
    if feed.author:
        _add(channel, f"{_DC}creator", feed.author)
    for link in _beside(feed, RSS_TYPE):
        _add_link(channel, link, name=f"{_ATOM}link")


def _item(entry: Entry, language: str, item: etree._Element) -> None:
    _add(item, "pubDate", rfc822(entry.published))
    if entry.author:
        _add(item, f"{_DC}creator", entry.author)
    if entry.language and entry.language != language:
        _add(item, f"{_DC}language", entry.language)
    if entry.rights:
        _add(item, f"{_DC}rights", entry.rights)
    if entry.external_url:
        _add_link(item, _via(entry.external_url, entry.source), name=f"{_ATOM}link")
    source = entry.source
    if source and source.feed_url:
        _add(item, "source", source.title or source.feed_url).set("url", source.feed_url)


# ---- what we write in Atom: plain names, since feedgen's tree has no namespaces until it is parsed again


def _atom_feed(feed: Feed, root: etree._Element) -> None:
    _date(root, "updated", rfc3339(feed.last_changed))
    _add_link(root, Link(feed.url, "alternate", "text/html"))
    for link in _beside(feed, ATOM_TYPE):
        if (link.rel, link.type, link.hreflang) != ("alternate", "text/html", None):
            _add_link(root, link)


def _atom_entry(entry: Entry, language: str, element: etree._Element) -> None:
    if entry.language and entry.language != language:
        element.set(_XML_LANG, entry.language)
    _date(element, "updated", rfc3339(entry.updated))
    _add(element, "published", rfc3339(entry.published))
    # feedgen wants an alternate link, then writes links without their relation: ours take their place.
    for broken in element.findall("link"):
        element.remove(broken)
    _add_link(element, Link(entry.url, "alternate", "text/html"))
    if entry.external_url:
        _add_link(element, _via(entry.external_url, entry.source))
    if entry.source:
        _atom_source(element, entry.source)


def _atom_source(element: etree._Element, source: Attribution) -> None:
    """atom:source is a feed's head, with an id and a time of change (RFC 4287 §4.2.11): what is not known is not
    made up, so a publication without them is named by the via link alone."""
    if not (source.feed_url and source.feed_updated):
        return
    made = etree.SubElement(element, "source")
    _add(made, "id", source.feed_id or source.feed_url)
    _add(made, "title", source.title or source.feed_url)
    _add(made, "updated", rfc3339(source.feed_updated))
    if source.url:
        _add_link(made, Link(source.url, "alternate", "text/html"))
    _add_link(made, Link(source.feed_url, "self"))


# ---- both


def _beside(feed: Feed, own_type: str) -> list[Link]:
    """The links of a feed but the one to its page."""
    own = [Link(feed.feed_url, "self", own_type)] if feed.feed_url else []
    hub = [Link(feed.hub, "hub")] if feed.hub else []
    return [*own, *hub, *feed.links]


def _via(address: str, source: Attribution | None) -> Link:
    """The original article, named by its publication."""
    return Link(address, "via", title=source.title if source else None)


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, name)
    child.text = text
    return child


def _add_link(parent: etree._Element, link: Link, *, name: str = "link") -> None:
    attributes = {
        "href": link.href,
        "rel": link.rel,
        "type": link.type,
        "hreflang": link.hreflang,
        "title": link.title,
        "length": None if link.length is None else str(link.length),
    }
    made = etree.SubElement(parent, name)
    for key, value in attributes.items():
        if value is not None:
            made.set(key, value)


def _date(parent: etree._Element, name: str, text: str) -> None:
    """Writes over a date that feedgen has written its own way."""
    written = parent.find(name)
    if written is None:
        written = etree.SubElement(parent, name)
    written.text = text
