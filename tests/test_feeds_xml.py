"""feeds.xml: what feedgen gets wrong by itself is right."""

import locale
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from feedgen.feed import FeedGenerator
from lxml import etree

from feeds.model import Attribution, Entry, Feed, Link
from feeds.xml import atom, rss

A = "{http://www.w3.org/2005/Atom}"
MOMENT = datetime(2009, 3, 14, 9, 30, tzinfo=UTC)
LATER = datetime(2009, 3, 15, 10, 0, tzinfo=UTC)
RAID = Entry(
    id="tag:news.example.org,2009:1",
    title="Raid & <b>ruin</b>",
    published=MOMENT,
    updated=LATER,
    url="https://news.example.org/clippings/1",
    summary="3 < 5 grams",
    content_html="<p>The whole text, with ]]&gt; in it.</p>",
    author="Ann Lee",
    external_url="https://paper.example/raid",
    source=Attribution(
        "Paper", "https://paper.example/", "https://paper.example/rss", "tag:paper.example,2000:f", LATER
    ),
    categories=("Don't Miss", "Courts"),
    language="de",
    rights="© Paper",
)
NEWS = Feed(
    id="tag:news.example.org,2009:all",
    title="All news",
    url="https://news.example.org/",
    feed_url="https://news.example.org/feeds/this",
    description="What the papers print",
    entries=(RAID,),
    author="The Coalition",
    links=(Link("https://news.example.org/feeds/archive/2009-02.atom", "prev-archive", "application/atom+xml"),),
    rights="© All",
    hub="https://hub.example/",
)


def news_with(**fields: Any) -> Feed:
    known = {"id": "tag:news.example.org,2009:2", "title": "T", "url": "https://news.example.org/2"}
    return Feed(
        NEWS.id, NEWS.title, NEWS.url, entries=(Entry(**(known | {"published": MOMENT, "updated": MOMENT} | fields)),)
    )


def rss_channel(feed: Feed) -> etree._Element:
    return etree.fromstring(rss(feed))[0]


def atom_entry(feed: Feed) -> etree._Element:
    found = etree.fromstring(atom(feed)).find(f"{A}entry")
    assert found is not None
    return found


def links(element: etree._Element) -> list[tuple[str | None, ...]]:
    return [tuple(map(link.get, ("rel", "href", "type"))) for link in element.findall(f"{A}link")]


# ---- the locale of the process


def test_rendering_never_touches_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(locale, "setlocale", lambda *arguments: calls.append(arguments) or "C")
    rss(NEWS)
    atom(NEWS)
    assert calls == []
    # The control: left alone, feedgen does, so this test would see it.
    alone = FeedGenerator()
    alone.title("t")
    alone.link(href="https://news.example.org/")
    alone.description("d")
    alone.rss_str()
    assert calls


# ---- links


def test_the_rss_channel_links_to_the_page_and_names_self_hub_and_archive() -> None:
    channel = rss_channel(NEWS)
    assert channel.findtext("link") == "https://news.example.org/"
    assert links(channel) == [
        ("self", "https://news.example.org/feeds/this", "application/rss+xml"),
        ("hub", "https://hub.example/", None),
        ("prev-archive", "https://news.example.org/feeds/archive/2009-02.atom", "application/atom+xml"),
    ]


def test_the_atom_feed_has_the_same_links_and_the_page_as_alternate() -> None:
    assert links(etree.fromstring(atom(NEWS))) == [
        ("alternate", "https://news.example.org/", "text/html"),
        ("self", "https://news.example.org/feeds/this", "application/atom+xml"),
        ("hub", "https://hub.example/", None),
        ("prev-archive", "https://news.example.org/feeds/archive/2009-02.atom", "application/atom+xml"),
    ]


def test_there_is_one_alternate_of_a_type() -> None:
    other = Link("https://news.example.org/other", "alternate", "text/html")
    german = Link("https://news.example.org/de", "alternate", "text/html", hreflang="de")
    root = etree.fromstring(atom(Feed(NEWS.id, "T", NEWS.url, updated=MOMENT, links=(other, german))))
    assert [link[1] for link in links(root)] == ["https://news.example.org/", "https://news.example.org/de"]


def test_an_entry_links_to_our_page_and_via_to_the_original() -> None:
    element = atom_entry(NEWS)
    assert links(element) == [
        ("alternate", "https://news.example.org/clippings/1", "text/html"),
        ("via", "https://paper.example/raid", None),
    ]
    assert [link.get("title") for link in element.findall(f"{A}link")] == [None, "Paper"]
    item = rss_channel(NEWS).find("item")
    assert item is not None
    assert item.findtext("link") == "https://news.example.org/clippings/1"
    assert links(item) == [("via", "https://paper.example/raid", None)]


@pytest.mark.parametrize("write", [rss, atom])
def test_a_reader_opens_our_page_for_an_entry_not_the_original(write: Any) -> None:
    read = feedparser.parse(write(NEWS))
    assert read.entries[0].link == "https://news.example.org/clippings/1"
    assert read.feed.link == "https://news.example.org/"
    assert {"https://paper.example/raid"} == {link.href for link in read.entries[0].links if link.rel == "via"}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/relative", "http://[broken", "mailto:a@paper.example"])
def test_an_original_that_is_no_web_address_is_left_out(address: str) -> None:
    odd = news_with(external_url=address, source=Attribution("Paper", address, address, "tag:p", MOMENT))
    assert address.encode() not in rss(odd) + atom(odd)
    assert len(links(atom_entry(odd))) == 1


# ---- text


def test_titles_are_plain_text_and_stay_it() -> None:
    assert b"<title>Raid &amp; &lt;b&gt;ruin&lt;/b&gt;</title>" in rss(NEWS)
    assert b"<title>Raid &amp; &lt;b&gt;ruin&lt;/b&gt;</title>" in atom(NEWS)


def test_rss_has_the_summary_as_html_before_the_content() -> None:
    item = rss_channel(NEWS).find("item")
    assert item is not None
    names = [etree.QName(child).localname for child in item]
    assert names.index("description") < names.index("encoded")
    assert item.findtext("description") == "3 &lt; 5 grams"
    assert item.findtext("{*}encoded") == RAID.content_html


def test_atom_says_which_text_is_html() -> None:
    element = atom_entry(NEWS)
    summary, content = element.find(f"{A}summary"), element.find(f"{A}content")
    assert summary is not None
    assert content is not None
    assert (summary.get("type"), summary.text) == (None, "3 < 5 grams")
    assert (content.get("type"), content.text) == ("html", RAID.content_html)


def test_content_alone_is_the_description_and_no_text_comes_twice() -> None:
    only_content = news_with(content_html="<p>All of it</p>")
    item = rss_channel(only_content).find("item")
    assert item is not None
    assert item.findtext("description") == "<p>All of it</p>"
    assert item.find("{*}encoded") is None
    assert atom_entry(only_content).find(f"{A}summary") is None


def test_an_entry_with_a_title_alone_has_text_in_atom() -> None:
    assert atom_entry(news_with()).findtext(f"{A}summary") == "T"


# ---- people, ids, dates, languages


def test_authors_need_no_mail_address() -> None:
    for write in (rss, atom):
        read = feedparser.parse(write(NEWS))
        assert read.entries[0].author == "Ann Lee"
        assert read.feed.author == "The Coalition"


def test_atom_has_an_author_where_nobody_is_named() -> None:
    assert feedparser.parse(atom(Feed(NEWS.id, "All news", NEWS.url, updated=MOMENT))).feed.author == "All news"


def test_the_guid_is_the_id_and_says_that_it_is_no_address() -> None:
    guid = rss_channel(NEWS).find("item/guid")
    assert guid is not None
    assert (guid.text, guid.get("isPermaLink")) == ("tag:news.example.org,2009:1", "false")


def test_published_and_updated_are_told_apart() -> None:
    channel, element = rss_channel(NEWS), atom_entry(NEWS)
    assert channel.findtext("lastBuildDate") == "Sun, 15 Mar 2009 10:00:00 GMT"
    assert channel.findtext("item/pubDate") == "Sat, 14 Mar 2009 09:30:00 GMT"
    assert element.findtext(f"{A}published") == "2009-03-14T09:30:00Z"
    assert element.findtext(f"{A}updated") == "2009-03-15T10:00:00Z"
    assert etree.fromstring(atom(NEWS)).findtext(f"{A}updated") == "2009-03-15T10:00:00Z"


def test_an_entry_in_the_language_of_the_feed_does_not_repeat_it() -> None:
    german = Feed(NEWS.id, NEWS.title, NEWS.url, language="de", entries=(RAID,))
    assert b'<entry xml:lang="de">' in atom(NEWS)
    assert b"<dc:language>de</dc:language>" in rss(NEWS)
    assert b"<entry>" in atom(german)
    assert b"<dc:language>" not in rss(german)
    assert b"<language>de</language>" in rss(german)


# ---- where an entry came from


def test_a_known_source_feed_is_named() -> None:
    source = rss_channel(NEWS).find("item/source")
    assert source is not None
    assert (source.text, source.get("url")) == ("Paper", "https://paper.example/rss")
    made = atom_entry(NEWS).find(f"{A}source")
    assert made is not None
    assert [made.findtext(f"{A}{name}") for name in ("id", "title", "updated")] == [
        "tag:paper.example,2000:f",
        "Paper",
        "2009-03-15T10:00:00Z",
    ]
    assert [link[:2] for link in links(made)] == [
        ("alternate", "https://paper.example/"),
        ("self", "https://paper.example/rss"),
    ]


def test_of_a_publication_without_a_known_feed_no_source_is_made_up() -> None:
    for source in (
        Attribution("Paper", "https://paper.example/"),
        Attribution("Paper", "https://paper.example/", "/relative", "tag:paper.example,2000:f", MOMENT),
    ):
        printed = news_with(external_url="https://paper.example/raid", source=source)
        assert rss_channel(printed).find("item/source") is None
        assert atom_entry(printed).find(f"{A}source") is None
        assert b'rel="via" title="Paper"' in atom(printed)


def test_a_source_feed_whose_time_of_change_is_unknown_is_named_in_rss_alone() -> None:
    undated = news_with(source=Attribution(feed_url="https://paper.example/rss"))
    assert rss_channel(undated).findtext("item/source") == "https://paper.example/rss"
    assert atom_entry(undated).find(f"{A}source") is None


def test_rights_stand_on_the_feed_and_on_the_entry() -> None:
    assert rss_channel(NEWS).findtext("copyright") == "© All"
    assert rss_channel(NEWS).findtext("item/{http://purl.org/dc/elements/1.1/}rights") == "© Paper"
    assert etree.fromstring(atom(NEWS)).findtext(f"{A}rights") == "© All"
    assert atom_entry(NEWS).findtext(f"{A}rights") == "© Paper"


def test_categories_keep_their_order_and_come_once() -> None:
    doubled = news_with(categories=("Courts", " ", "Don't\nMiss", "Courts"))
    assert [category.text for category in rss_channel(doubled).findall("item/category")] == ["Courts", "Don't Miss"]
    assert [category.get("term") for category in atom_entry(doubled).findall(f"{A}category")] == [
        "Courts",
        "Don't Miss",
    ]


@pytest.mark.parametrize("write", [rss, atom])
def test_prefixes_are_declared_once_and_by_name(write: Any) -> None:
    assert b"ns0" not in write(NEWS)
    assert write(NEWS).count(b"xmlns:dc=") <= 1
