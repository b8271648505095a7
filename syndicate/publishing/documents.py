"""Every public feed as ready bytes, kept until something changes that the public sees."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feeds.jsonfeed import json_feed
from feeds.model import Feed
from feeds.xml import atom, rss
from syndicate.clippings.store import published
from syndicate.config import Config, Section
from syndicate.models import Clipping, Site
from syndicate.publishing.entries import SiteFacts, entry, site_facts


@dataclass(frozen=True)
class Format:
    """One way to write a feed: the file's name, its media type, what to call it, and the writer."""

    name: str
    media_type: str
    words: str
    write: Callable[[Feed], bytes]


FORMATS = (
    Format("rss.xml", "application/rss+xml", "RSS", rss),
    Format("atom.xml", "application/atom+xml", "Atom", atom),
    Format("feed.json", "application/feed+json", "JSON Feed", json_feed),
)


@dataclass(frozen=True)
class Document:
    """The bytes of a feed. `etag` is strong and quoted (RFC 9110 §8.8.3); `modified` is the last change in them."""

    path: str
    media_type: str
    data: bytes
    etag: str
    modified: datetime


@dataclass(frozen=True)
class Stream:
    """What a family of feeds is about: the main stream (`section` None) or one section. `base` ends with a slash."""

    base: str
    title: str
    section: Section | None = None


class Documents:
    """The public feeds of one site. Safe to use from several threads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._kept: dict[str, tuple[int, Document]] = {}
        self._lock = threading.Lock()
        self._known = {stream.base + kind.name: (stream, kind) for stream in streams(config) for kind in FORMATS}

    def paths(self) -> tuple[str, ...]:
        """The address of each public feed, the main ones first: `/feeds/rss.xml`, `/feeds/sections/<slug>/atom.xml`."""
        return tuple(self._known)

    def render(self, session: Session, path: str) -> bytes | None:
        """The bytes of the feed at `path`, None if there is no such feed. The same clippings give the same bytes."""
        document = self.document(session, path)
        return document.data if document else None

    def document(self, session: Session, path: str) -> Document | None:
        """The feed at `path` with what HTTP wants to know of it, None if there is none.

        Costs one small query while nothing has changed (site.revision), else one rendering.
        """
        known = self._known.get(path)
        if known is None:
            return None
        # Read before the clippings: what is kept is then never older than the revision it is kept under.
        revision = session.scalar(select(Site.revision))
        kept = self._kept.get(path)
        if kept and kept[0] == revision:
            return kept[1]
        with self._lock:
            kept = self._kept.get(path)
            if kept and kept[0] == revision:
                return kept[1]
            document = self._made(session, path, *known)
            self._kept[path] = (revision or 0, document)
            return document

    def _made(self, session: Session, path: str, stream: Stream, kind: Format) -> Document:
        facts = site_facts(session)
        made = feed(session, self._config, stream=stream, facts=facts, address=path)
        data = kind.write(made)
        changed = max(made.last_changed, _last_retraction(session, stream) or made.last_changed)
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        return Document(path, kind.media_type, data, etag, changed)


def streams(config: Config) -> tuple[Stream, ...]:
    """The families of public feeds, the main one first."""
    main = Stream("/feeds/", config.site.name)
    rest = (Stream(f"/feeds/sections/{s.slug}/", f"{s.name} – {config.site.name}", s) for s in config.sections)
    return (main, *rest)


def feed(session: Session, config: Config, *, stream: Stream, facts: SiteFacts, address: str) -> Feed:
    """The newest `feeds.size` clippings of a stream as a feed that will be served at `address` (a path)."""
    section = stream.section
    clippings = published(session, section=section.slug if section else None, limit=config.feeds.size)
    entries = tuple(entry(clipping, config, facts=facts) for clipping in clippings)
    site = config.site
    return Feed(
        id=facts.tag(f"feed/sections/{section.slug}" if section else "feed"),
        title=stream.title,
        url=f"{site.url}/sections/{section.slug}" if section else f"{site.url}/",
        feed_url=site.url + address,
        description=(section.about if section else site.about or site.tagline) or stream.title,
        language=site.language,
        updated=max((one.updated for one in entries), default=facts.created_at),
        entries=entries,
        author=site.name,
        hub=config.feeds.hub,
    )


def _last_retraction(session: Session, stream: Stream) -> datetime | None:
    """When something last left this stream: a feed without it has changed, though every entry in it is older."""
    found = select(func.max(Clipping.retracted_at)).where(Clipping.archival.is_(False))
    if stream.section:
        found = found.where(Clipping.section == stream.section.slug)
    return session.scalar(found)
