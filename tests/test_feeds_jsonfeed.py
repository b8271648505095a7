"""feeds.jsonfeed: JSON Feed 1.1."""

import json
from datetime import UTC, datetime
from typing import Any

from feeds.jsonfeed import json_feed
from feeds.model import Entry, Feed

MOMENT = datetime(2009, 3, 14, 9, 30, tzinfo=UTC)


def written(**fields: Any) -> dict[str, Any]:
    known = {"id": "tag:news.example.org,2009:all", "title": "All", "url": "https://news.example.org/"}
    document: dict[str, Any] = json.loads(json_feed(Feed(**(known | fields))))
    return document


def item(**fields: Any) -> dict[str, Any]:
    known = {"id": "tag:news.example.org,2009:1", "title": "One", "url": "https://news.example.org/1"}
    entry = Entry(**(known | {"published": MOMENT, "updated": MOMENT} | fields))
    only: dict[str, Any] = written(entries=(entry,))["items"][0]
    return only


def test_a_feed_says_what_it_is_and_leaves_out_what_it_does_not_know() -> None:
    assert written() == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "All",
        "home_page_url": "https://news.example.org/",
        "language": "en",
        "items": [],
    }


def test_author_hub_and_own_address_are_named_as_the_format_wants_it() -> None:
    document = written(author="Coalition", hub="https://hub.example/", feed_url="https://news.example.org/feed.json")
    assert document["authors"] == [{"name": "Coalition"}]
    assert document["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
    assert document["feed_url"] == "https://news.example.org/feed.json"


def test_an_item_points_to_our_page_and_to_the_original() -> None:
    made = item(external_url="https://paper.example/raid", author="Ann", categories=("B", "A"), language="de")
    assert made == {
        "id": "tag:news.example.org,2009:1",
        "url": "https://news.example.org/1",
        "external_url": "https://paper.example/raid",
        "title": "One",
        "content_text": "One",
        "date_published": "2009-03-14T09:30:00Z",
        "date_modified": "2009-03-14T09:30:00Z",
        "authors": [{"name": "Ann"}],
        "tags": ["B", "A"],
        "language": "de",
    }


def test_an_original_that_is_no_web_address_is_left_out() -> None:
    assert "external_url" not in item(external_url="javascript:alert(1)")


def test_there_is_always_a_content_and_no_text_comes_twice() -> None:
    bodies = [item(), item(summary="S"), item(content_html="<p>C</p>"), item(summary="S", content_html="<p>C</p>")]
    keys = ("summary", "content_text", "content_html")
    assert [tuple(map(body.get, keys)) for body in bodies] == [
        (None, "One", None),
        (None, "S", None),
        (None, None, "<p>C</p>"),
        ("S", None, "<p>C</p>"),
    ]


def test_keys_are_sorted_and_text_is_utf_8() -> None:
    raw = json_feed(Feed("tag:news.example.org,2009:all", "Größe 🌿", "https://news.example.org/", author="Ann"))
    assert "Größe 🌿".encode() in raw
    assert list(json.loads(raw)) == sorted(json.loads(raw))
