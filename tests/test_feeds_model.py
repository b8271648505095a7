"""feeds.model and the package's front door."""

import doctest
from datetime import UTC, datetime
from typing import Any

import pytest

import feeds
from feeds.errors import FeedError
from feeds.model import Attribution, Entry, Feed, Link, Tombstone
from feeds.tidy import tidy_feed

MOMENT = datetime(2009, 3, 14, 9, 30, tzinfo=UTC)
LATER = datetime(2009, 3, 15, tzinfo=UTC)
NAIVE = MOMENT.replace(tzinfo=None)


def entry(**fields: Any) -> Entry:
    known = {"id": "tag:a,2009:1", "title": "T", "published": MOMENT, "updated": MOMENT, "url": "https://a.example/1"}
    return Entry(**(known | fields))


def feed(**fields: Any) -> Feed:
    return Feed(**({"id": "tag:a,2009:all", "title": "T", "url": "https://a.example/"} | fields))


def test_the_example_at_the_front_door_runs() -> None:
    assert doctest.testmod(feeds) == doctest.TestResults(failed=0, attempted=9)


@pytest.mark.parametrize("field", ["published", "updated"])
def test_an_entry_with_a_time_without_a_zone_cannot_be_made(field: str) -> None:
    with pytest.raises(FeedError, match=f"{field} of entry 'tag:a,2009:1' has no time zone"):
        entry(**{field: NAIVE})


def test_other_times_without_a_zone_are_refused_too() -> None:
    for make in (
        lambda: feed(updated=NAIVE),
        lambda: Attribution(feed_updated=NAIVE),
        lambda: Tombstone("tag:a,2009:1", NAIVE),
    ):
        with pytest.raises(FeedError, match="no time zone"):
            make()


@pytest.mark.parametrize("blank", ["", " \r\n", "\x00\ud800"])
def test_what_has_no_id_or_no_page_cannot_be_made(blank: str) -> None:
    for make in (
        lambda: entry(id=blank),
        lambda: entry(url=blank),
        lambda: feed(id=blank),
        lambda: feed(url=blank),
        lambda: Tombstone(blank, MOMENT),
    ):
        with pytest.raises(FeedError, match="is blank"):
            make()


def test_a_feed_changed_when_it_says_so_or_with_its_newest_entry() -> None:
    entries = (entry(updated=MOMENT), entry(updated=LATER), entry(updated=MOMENT))
    assert feed(entries=entries).last_changed == LATER
    assert feed(entries=entries, updated=MOMENT).last_changed == MOMENT
    with pytest.raises(FeedError, match="pass updated"):
        _ = feed().last_changed


def test_tidying_twice_is_tidying_once() -> None:
    source = Attribution(" Paper ", "/relative", "https://paper.example/a b", "\x00", LATER)
    untidy = feed(
        title="\x00",
        language="no language",
        entries=(entry(title=" a\nb ", author=" ", categories=("x", " x"), source=source, rights="\x00"),),
        links=(Link("ftp://a.example/"), Link("https://a.example/b", rel="", type=" ")),
    )
    tidy = tidy_feed(untidy)
    assert tidy_feed(tidy) == tidy
    assert (tidy.title, tidy.language, tidy.links) == ("Untitled", "", (Link("https://a.example/b"),))
    only = tidy.entries[0]
    assert (only.title, only.author, only.categories, only.rights) == ("a b", None, ("x",), None)
    assert only.source == Attribution("Paper", None, "https://paper.example/a%20b", None, LATER)


def test_a_source_with_nothing_left_is_no_source() -> None:
    assert tidy_feed(feed(entries=(entry(source=Attribution("\x00", "/relative")),))).entries[0].source is None


def test_there_is_one_self_link_and_one_alternate_of_a_kind() -> None:
    links = (
        Link("https://a.example/self", "self"),
        Link("https://a.example/1", type="text/html"),
        Link("https://a.example/2", type="text/html"),
        Link("https://a.example/2", type="text/html", hreflang="de"),
        Link("https://a.example/3", "related"),
        Link("https://a.example/4", "related"),
        Link("https://a.example/4", "related", title="again"),
    )
    alternates_and_related = [links[1], links[3], links[4], links[5]]
    assert list(tidy_feed(feed(links=links)).links) == [links[0], *alternates_and_related]
    assert list(tidy_feed(feed(links=links, feed_url="https://a.example/feed")).links) == alternates_and_related
