"""What a published document says, before any format: a feed, its entries and where they came from.

The words are those of RFC 4287 (Atom). Everything is frozen, so a feed can be kept, compared and passed around.
"""

from dataclasses import dataclass
from datetime import datetime

from feeds.dates import is_aware
from feeds.errors import FeedError
from feeds.text import plain_title


@dataclass(frozen=True)
class Link:
    """A link of a feed to something beside it: an archive, another format. `length` is in bytes."""

    href: str
    rel: str = "alternate"
    type: str | None = None
    title: str | None = None
    hreflang: str | None = None
    length: int | None = None


@dataclass(frozen=True)
class Attribution:
    """Where an entry came from: `title` names the publication, `url` is its home page. The rest is known only
    where the publication's own feed is: its address, its id, and when it was last changed (aware)."""

    title: str | None = None
    url: str | None = None
    feed_url: str | None = None
    feed_id: str | None = None
    feed_updated: datetime | None = None

    def __post_init__(self) -> None:
        _must_be_aware(self.feed_updated, "the source feed's time of change")


@dataclass(frozen=True)
class Entry:
    """One thing in a feed.

    `id` is for ever (best a tag URI, RFC 4151); `url` is our own page of it. `title`, `summary`, `author`, `rights`
    and `categories` are plain text, never markup; `content_html` is HTML that `feeds.sanitize` has cleaned.
    `external_url` is the article that the entry is about, if that is elsewhere. `published` never moves, `updated`
    moves with a change that readers should notice. Raises FeedError for a blank id or url or a time without a zone,
    so that a feed never holds an entry that cannot be written.
    """

    id: str
    title: str
    published: datetime
    updated: datetime
    url: str
    summary: str = ""
    content_html: str = ""
    author: str | None = None
    external_url: str | None = None
    source: Attribution | None = None
    categories: tuple[str, ...] = ()
    language: str | None = None
    rights: str | None = None

    def __post_init__(self) -> None:
        _must_say(self.id, "id of an entry")
        _must_say(self.url, f"url of entry {self.id!r}")
        _must_be_aware(self.published, f"published of entry {self.id!r}")
        _must_be_aware(self.updated, f"updated of entry {self.id!r}")


@dataclass(frozen=True)
class Feed:
    """A document: what it is, and its entries in the order in which they are to stand.

    `url` is the page it belongs to, `feed_url` its own address (it differs from format to format), `hub` the WebSub
    hub that is told of changes. `updated` is the moment of the last change; None means that of the newest entry.
    Raises FeedError for a blank id or url or a time without a zone.
    """

    id: str
    title: str
    url: str
    feed_url: str = ""
    description: str = ""
    language: str = "en"
    updated: datetime | None = None
    entries: tuple[Entry, ...] = ()
    author: str | None = None
    links: tuple[Link, ...] = ()
    rights: str | None = None
    hub: str | None = None
    generator: str = "Syndicate"

    def __post_init__(self) -> None:
        _must_say(self.id, "id of a feed")
        _must_say(self.url, f"url of feed {self.id!r}")
        _must_be_aware(self.updated, f"updated of feed {self.id!r}")

    @property
    def last_changed(self) -> datetime:
        """`updated`, else the newest entry's. Raises FeedError where there is neither."""
        if self.updated is not None:
            return self.updated
        if not self.entries:
            raise FeedError(f"feed {self.id!r} has no entries to take its time of change from: pass updated")
        return max(entry.updated for entry in self.entries)


@dataclass(frozen=True)
class Tombstone:
    """What is left of an entry that was taken down (RFC 6721): its id, and when it went (aware)."""

    ref: str
    when: datetime

    def __post_init__(self) -> None:
        _must_say(self.ref, "ref of a tombstone")
        _must_be_aware(self.when, f"when of tombstone {self.ref!r}")


def _must_say(text: str, what: str) -> None:
    if not plain_title(text):
        raise FeedError(f"the {what} is blank: give it one")


def _must_be_aware(moment: datetime | None, what: str) -> None:
    if moment is not None and not is_aware(moment):
        raise FeedError(f"{what} has no time zone: pass an aware datetime")
