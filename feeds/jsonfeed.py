"""JSON Feed 1.1 (https://jsonfeed.org/version/1.1)."""

import json

from feeds.dates import rfc3339
from feeds.model import Entry, Feed
from feeds.tidy import tidy_feed

VERSION = "https://jsonfeed.org/version/1.1"

_Json = dict[str, object]


def json_feed(feed: Feed) -> bytes:
    """`feed` as a JSON Feed 1.1 document in UTF-8: keys sorted, entries in the given order, empty keys left out.

    The same feed gives the same bytes, always. Hostile text is cleaned (`feeds.text`), never an error.
    """
    tidy = tidy_feed(feed)
    document = _filled(
        {
            "version": VERSION,
            "title": tidy.title,
            "home_page_url": tidy.url,
            "feed_url": tidy.feed_url,
            "description": tidy.description,
            "language": tidy.language,
            "authors": _authors(tidy.author),
            "hubs": [{"type": "WebSub", "url": tidy.hub}] if tidy.hub else [],
        }
    )
    document["items"] = [_item(entry, tidy.language) for entry in tidy.entries]
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def _item(entry: Entry, language: str) -> _Json:
    item: _Json = {
        "id": entry.id,
        "url": entry.url,
        "external_url": entry.external_url,
        "title": entry.title,
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "authors": _authors(entry.author),
        "tags": list(entry.categories),
        "language": entry.language if entry.language != language else None,
    }
    return _filled(item | _body(entry))


def _body(entry: Entry) -> _Json:
    """The text of an item. One of the two contents is demanded, and no text is said twice."""
    if entry.content_html:
        return {"content_html": entry.content_html, "summary": entry.summary}
    return {"content_text": entry.summary or entry.title}


def _authors(name: str | None) -> list[dict[str, str]]:
    return [{"name": name}] if name else []


def _filled(keys: _Json) -> _Json:
    return {key: value for key, value in keys.items() if value not in (None, "", [])}
