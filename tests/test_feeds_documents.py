"""feeds.xml and feeds.jsonfeed together: whatever goes in, all three documents are valid and say the same."""

import html
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds.dates import rfc822, rfc3339
from feeds.errors import FeedError
from feeds.jsonfeed import json_feed
from feeds.links import web_link
from feeds.model import Attribution, Entry, Feed, Link
from feeds.text import language_tag, plain_title, shown_title, xml_safe
from feeds.xml import atom, rss

A = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
MOMENT = datetime(2009, 3, 14, 9, 30, tzinfo=UTC)
FORMATS = {"rss": rss, "atom": atom, "json": json_feed}

# fmt: off
HOSTILE = st.sampled_from([
    "\x00", "\x0b\x1b", "\ud800", "\udfff", "\ufffe\uffff", "\r\n", "\r", "]]>", "<![CDATA[", "<script>x()</script>",
    "<b>", "&", "&amp;", "&#0;", "<!--", "<?xml?>", '"', "'", "\u202eRTL", "\u2028", "🌿", "x" * 10_000, " \t\n",
])
# fmt: on
# st.characters() without limits gives lone surrogates too, which st.text() by itself does not.
TEXT = st.lists(HOSTILE | st.text(st.characters(), max_size=8), max_size=4).map("".join)
ADDRESS = TEXT | TEXT.map("https://paper.example/{}".format)
MOMENTS = st.datetimes(
    datetime.fromisoformat("1800-01-01"), datetime.fromisoformat("2100-01-01"), timezones=st.just(UTC)
)
SOURCES = st.builds(
    Attribution, title=TEXT, url=ADDRESS, feed_url=ADDRESS, feed_id=TEXT, feed_updated=st.none() | MOMENTS
)
ENTRIES = st.builds(
    Entry,
    id=TEXT.map("tag:news.example.org,2009:{}".format),
    title=TEXT,
    published=MOMENTS,
    updated=MOMENTS,
    url=TEXT.map("https://news.example.org/{}".format),
    summary=TEXT,
    content_html=TEXT,
    author=st.none() | TEXT,
    external_url=st.none() | ADDRESS,
    source=st.none() | SOURCES,
    categories=st.lists(TEXT, max_size=3).map(tuple),
    language=st.sampled_from([None, "en", "de"]) | TEXT,
    rights=st.none() | TEXT,
)
LINKS = st.builds(
    Link, href=ADDRESS, rel=TEXT, type=TEXT, title=TEXT, hreflang=TEXT, length=st.none() | st.integers(0, 10**9)
)
FEEDS = st.builds(
    Feed,
    id=TEXT.map("tag:news.example.org,2009:{}".format),
    title=TEXT,
    url=TEXT.map("https://news.example.org/{}".format),
    feed_url=TEXT,
    description=TEXT,
    language=st.just("en") | TEXT,
    updated=MOMENTS,
    entries=st.lists(ENTRIES, max_size=2).map(tuple),
    author=st.none() | TEXT,
    links=st.lists(LINKS, max_size=2).map(tuple),
    rights=st.none() | TEXT,
    hub=st.none() | ADDRESS,
    generator=TEXT,
)
READ_BACK = settings(max_examples=80, deadline=None)


def entry(number: int = 1, **fields: Any) -> Entry:
    address = f"https://news.example.org/clippings/{number}"
    known = {"id": f"tag:news.example.org,2009:{number}", "title": f"News {number}", "url": address}
    return Entry(**(known | {"published": MOMENT, "updated": MOMENT} | fields))


def feed(*entries: Entry, **fields: Any) -> Feed:
    known = {"id": "tag:news.example.org,2009:all", "title": "All news", "url": "https://news.example.org/"}
    return Feed(**(known | {"entries": entries} | fields))


def text_of(value: str | None) -> str:
    """What stays of a longer text: nothing, if nothing but white space does."""
    safe = xml_safe(value or "")
    return safe if safe.strip() else ""


def names_of(values: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(plain_title, values))))


def language_of(one: Entry, whole: Feed) -> str:
    tag = language_tag(one.language or "")
    return "" if tag == language_tag(whole.language) else tag


# ---- hostile text, field by field


@READ_BACK
@given(FEEDS)
def test_rss_reads_back_as_what_went_in(whole: Feed) -> None:
    channel = etree.fromstring(rss(whole))[0]
    assert channel.findtext("title") == shown_title(whole.title)
    assert channel.findtext("link") == xml_safe(whole.url).strip()
    assert channel.findtext("description") == (text_of(whole.description) or shown_title(whole.title))
    assert (channel.findtext("copyright") or "") == text_of(whole.rights)
    assert (channel.findtext(f"{DC}creator") or "") == plain_title(whole.author or "")
    assert (channel.findtext("language") or "") == language_tag(whole.language)
    assert (channel.findtext("generator") or "") == plain_title(whole.generator)
    items = channel.findall("item")
    assert len(items) == len(whole.entries)
    for item, one in zip(items, whole.entries, strict=True):
        summary, content = text_of(one.summary), text_of(one.content_html)
        assert item.findtext("title") == shown_title(one.title)
        assert item.findtext("guid") == xml_safe(one.id).strip()
        assert item.findtext("link") == xml_safe(one.url).strip()
        assert item.findtext("pubDate") == rfc822(one.published)
        description = item.findtext("description") or ""
        if summary:  # is plain text, and a description is HTML
            assert html.unescape(description) == summary
            assert "<" not in description
        else:
            assert description == content
        assert (item.findtext(CONTENT) or "") == (content if summary else "")
        assert (item.findtext(f"{DC}creator") or "") == plain_title(one.author or "")
        assert (item.findtext(f"{DC}rights") or "") == text_of(one.rights)
        assert (item.findtext(f"{DC}language") or "") == language_of(one, whole)
        assert [category.text for category in item.findall("category")] == names_of(one.categories)
        assert [via.get("href") for via in item.findall(f"{A}link")] == list(
            filter(None, [web_link(one.external_url or "")])
        )
        known = one.source and web_link(one.source.feed_url or "")
        assert [source.get("url") for source in item.findall("source")] == ([known] if known else [])


@READ_BACK
@given(FEEDS)
def test_atom_reads_back_as_what_went_in(whole: Feed) -> None:
    root = etree.fromstring(atom(whole))
    assert root.findtext(f"{A}id") == xml_safe(whole.id).strip()
    assert root.findtext(f"{A}title") == shown_title(whole.title)
    assert (root.findtext(f"{A}subtitle") or "") == text_of(whole.description)
    assert root.findtext(f"{A}author/{A}name") == (plain_title(whole.author or "") or shown_title(whole.title))
    assert (root.findtext(f"{A}rights") or "") == text_of(whole.rights)
    assert (root.get(LANG) or "") == language_tag(whole.language)
    elements = root.findall(f"{A}entry")
    assert len(elements) == len(whole.entries)
    for element, one in zip(elements, whole.entries, strict=True):
        content = text_of(one.content_html)
        assert element.findtext(f"{A}id") == xml_safe(one.id).strip()
        assert element.findtext(f"{A}title") == shown_title(one.title)
        assert element.findtext(f"{A}published") == rfc3339(one.published)
        assert [stamp.text for stamp in element.findall(f"{A}updated")] == [rfc3339(one.updated)]
        fallback = "" if content else shown_title(one.title)
        assert (element.findtext(f"{A}summary") or "") == (text_of(one.summary) or fallback)
        assert (element.findtext(f"{A}content") or "") == content
        assert (element.findtext(f"{A}author/{A}name") or "") == plain_title(one.author or "")
        assert (element.findtext(f"{A}rights") or "") == text_of(one.rights)
        assert (element.get(LANG) or "") == language_of(one, whole)
        assert [category.get("term") for category in element.findall(f"{A}category")] == names_of(one.categories)
        links = [(link.get("rel"), link.get("href")) for link in element.findall(f"{A}link")]
        via = web_link(one.external_url or "")
        assert links == [("alternate", xml_safe(one.url).strip())] + ([("via", via)] if via else [])


@READ_BACK
@given(FEEDS)
def test_json_reads_back_as_what_went_in(whole: Feed) -> None:
    document = json.loads(json_feed(whole).decode("utf-8"))
    assert document["title"] == shown_title(whole.title)
    assert document["home_page_url"] == xml_safe(whole.url).strip()
    assert document.get("description", "") == text_of(whole.description)
    assert document.get("authors", []) == [{"name": name} for name in names_of((whole.author or "",))]
    assert len(document["items"]) == len(whole.entries)
    for item, one in zip(document["items"], whole.entries, strict=True):
        summary, content = text_of(one.summary), text_of(one.content_html)
        assert item["id"] == xml_safe(one.id).strip()
        assert item["title"] == shown_title(one.title)
        assert item["url"] == xml_safe(one.url).strip()
        assert (item["date_published"], item["date_modified"]) == (rfc3339(one.published), rfc3339(one.updated))
        assert item.get("content_html", "") == content
        assert item.get("content_text", "") == ("" if content else summary or shown_title(one.title))
        assert item.get("summary", "") == (summary if content else "")
        assert item.get("external_url", "") == web_link(one.external_url or "")
        assert item.get("tags", []) == names_of(one.categories)
        assert item.get("language", "") == language_of(one, whole)


@settings(max_examples=40, deadline=None)
@given(FEEDS)
def test_a_feed_reader_finds_every_entry_under_its_id(whole: Feed) -> None:
    # In ASCII, as addresses are: this reader takes some other text for wrongly decoded and "repairs" it.
    entries = tuple(
        replace(one, id=f"tag:here.example,2026:{quote(one.id.encode('utf-8', 'surrogatepass'))}")
        for one in whole.entries
    )
    whole = replace(whole, entries=entries)
    ids = [one.id for one in entries]
    for write in (rss, atom):
        read = feedparser.parse(write(whole), sanitize_html=False, resolve_relative_uris=False)
        assert not read.bozo
        assert [one.id for one in read.entries] == ids


def test_one_bad_entry_costs_no_other() -> None:
    bad = "\x00\ud800]]>\r\n<script>alert(1)</script>\ufffe"
    worst = entry(
        2,
        **dict.fromkeys(("title", "summary", "content_html", "author", "language", "rights", "external_url"), bad),
        categories=(bad,),
        source=Attribution(bad, bad, bad, bad),
    )
    whole = feed(entry(1), worst, entry(3))
    for write in (rss, atom):
        read = feedparser.parse(write(whole))
        assert not read.bozo
        assert [one.title for one in read.entries][::2] == ["News 1", "News 3"]
    assert [item["title"] for item in json.loads(json_feed(whole))["items"]][::2] == ["News 1", "News 3"]


def test_an_entry_without_a_title_is_called_untitled() -> None:
    whole = feed(entry(title="\x00 \r\n"), title="")
    for write in (rss, atom):
        read = feedparser.parse(write(whole))
        assert (read.feed.title, read.entries[0].title) == ("Untitled", "Untitled")
    assert json.loads(json_feed(whole))["items"][0]["title"] == "Untitled"


# ---- the same bytes, always


def sample() -> Feed:
    source = Attribution(
        "Paper", "https://paper.example/", "https://paper.example/rss", "tag:paper.example,2000:", MOMENT
    )
    full = entry(
        1, summary="A & B", content_html="<p>Text</p>", author="Ann", source=source, categories=("b", "a", "c")
    )
    return feed(
        replace(full, external_url="https://paper.example/1", language="de", rights="© Paper"),
        entry(2, summary="Short"),
        feed_url="https://news.example.org/feed",
        description="What the papers print",
        author="Coalition",
        links=(
            Link("https://news.example.org/2009-02.atom", "prev-archive", "application/atom+xml", "Older", "en", 5),
        ),
        rights="© All",
        hub="https://hub.example/",
    )


def test_the_bytes_do_not_depend_on_hash_seed_locale_or_time_zone() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; import locale; locale.setlocale(locale.LC_ALL, '')\n"
        "from test_feeds_documents import FORMATS, sample\n"
        "for write in FORMATS.values(): sys.stdout.buffer.write(write(sample()))"
    )
    settings_of_process = [
        {"PYTHONHASHSEED": seed, "LC_ALL": language, "TZ": zone}
        for seed, language, zone in (
            ("0", "C", "UTC"),
            ("1", "C.UTF-8", "Asia/Tokyo"),
            ("4711", "C", "America/New_York"),
        )
    ]
    command = [sys.executable, "-c", script, os.path.dirname(__file__)]
    processes = [
        subprocess.Popen(command, env=os.environ | extra, stdout=subprocess.PIPE) for extra in settings_of_process
    ]
    outputs = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert outputs == {b"".join(write(sample()) for write in FORMATS.values())}


def test_no_other_moment_than_the_given_is_in_a_document() -> None:
    moments = [rb"\d{4}-\d\d-\d\dT[^<\"]*", rb"\w{3}, \d\d \w{3} \d{4} [^<\"]*"]
    found = {
        moment for write in FORMATS.values() for pattern in moments for moment in re.findall(pattern, write(sample()))
    }
    assert found == {b"2009-03-14T09:30:00Z", b"Sat, 14 Mar 2009 09:30:00 GMT"}


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS.keys())
def test_entries_stand_in_the_order_given(write: Any) -> None:
    written = write(feed(*(entry(number) for number in (3, 1, 10, 2)))).decode()
    assert re.findall(r"tag:news\.example\.org,2009:(\d+)", written) == ["3", "1", "10", "2"]


# ---- a feed without entries


@pytest.mark.parametrize("write", [rss, atom])
def test_a_feed_without_entries_needs_its_own_time_of_change(write: Any) -> None:
    with pytest.raises(FeedError, match="pass updated"):
        write(feed())
    assert not feedparser.parse(write(feed(updated=MOMENT))).bozo
