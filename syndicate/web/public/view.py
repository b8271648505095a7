"""Templates to pages: what every page shares (navigation, its feeds, the style sheet) is put together here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from starlette.responses import HTMLResponse

from syndicate.config import Config, Section
from syndicate.publishing.documents import FORMATS, Stream, streams
from syndicate.template_folder import templates_root

STYLE = "site.css"
# Pages change with every clipping, so a cache must ask again; nothing in them belongs to one person.
_PUBLIC = "no-cache"


@dataclass(frozen=True)
class FeedLink:
    """One `<link rel=alternate>`, also shown to people: `group` is the stream's title, `words` the format."""

    href: str
    media_type: str
    words: str
    group: str


@dataclass(frozen=True)
class NavigationLink:
    """A place in the head of every page."""

    href: str
    name: str


class View:
    """Renders the templates of a site: those in its own folder first, then ours."""

    def __init__(self, config: Config) -> None:
        self.config = config
        folders = [config.folder / "templates" / "web", templates_root() / "web"]
        self._templates = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.style = next(path for folder in folders if (path := folder / STYLE).is_file()).read_bytes()
        self.style_version = hashlib.sha256(self.style).hexdigest()[:12]
        self._streams = streams(config)
        self._navigation = (
            *(NavigationLink(f"/sections/{s.slug}", s.name) for s in config.sections),
            NavigationLink("/archive", "Archive"),
            NavigationLink("/editions", "Editions"),
            NavigationLink("/partners", "Partners"),
            NavigationLink("/about", "About"),
            NavigationLink("/feeds/", "Feeds"),
        )

    def page(
        self,
        template: str,
        title: str,
        *,
        path: str | None = None,
        section: Section | None = None,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **context: object,
    ) -> HTMLResponse:
        """A whole page. `path` is its own address (None: it has no lasting one), `section` the one it is about."""
        site = self.config.site
        text = self._templates.get_template(template).render(
            site=site,
            partners=self.config.partners,
            title=title,
            path=path,
            canonical=site.url + path if path else None,
            navigation=self._navigation,
            feeds=self.feeds(section),
            style=f"/static/{STYLE}?v={self.style_version}",
            **context,
        )
        return HTMLResponse(text, status, {"cache-control": _PUBLIC, **(headers or {})})

    def feeds(self, section: Section | None = None) -> tuple[FeedLink, ...]:
        """The feeds that a page names: those of its own section first, then the main ones."""
        own = tuple(stream for stream in self._streams if section and stream.section == section)
        return tuple(link for stream in (*own, self._streams[0]) for link in feed_links(stream))

    def all_feeds(self) -> tuple[tuple[Stream, tuple[FeedLink, ...]], ...]:
        """Every stream with its feeds, the main one first."""
        return tuple((stream, feed_links(stream)) for stream in self._streams)


def feed_links(stream: Stream) -> tuple[FeedLink, ...]:
    """The feeds of a stream, one for each format."""
    return tuple(FeedLink(stream.base + f.name, f.media_type, f.words, stream.title) for f in FORMATS)
