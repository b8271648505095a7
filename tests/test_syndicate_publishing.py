"""Clippings as feed entries, and the feeds as documents: what stands in them, and that the bytes are the same."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from public_site import URL, LiveSite, live_site

from feeds.text import plain_title
from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.database import Database
from syndicate.datelines import Dateline
from syndicate.errors import NotFound
from syndicate.models import Clipping
from syndicate.publishing import static
from syndicate.publishing.attribution import attribution
from syndicate.publishing.documents import Document, Documents
from syndicate.publishing.entries import site_facts
from syndicate.publishing.sitemap import robots_txt, sitemap

NAMES = ("rss.xml", "atom.xml", "feed.json")


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> LiveSite:
    return live_site(sqlite_database, tmp_path)


def rendered(site: LiveSite, path: str, documents: Documents | None = None) -> bytes:
    with site.database.read() as session:
        found = (documents or site.documents).render(session, path)
    assert found is not None
    return found


def document(site: LiveSite, path: str) -> Document:
    with site.database.read() as session:
        found = site.documents.document(session, path)
    assert found is not None
    return found


def items(site: LiveSite, path: str = "/feeds/feed.json") -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(rendered(site, path))["items"]
    return found


def full_story(site: LiveSite, **other: object) -> str:
    fields: dict[str, object] = {
        "publication": "Mill Gazette",
        "place": "WA",
        "dateline": Dateline("2026-11"),
        "byline": "Ann Reed",
        "link": "https://gazette.test/mill",
        "summary": "The mill closes.",
        "body": "The mill is closed.\n\nNobody knows <why> & when.",
    }
    return site.publish("The mill", **{**fields, **other})


def test_every_stream_has_the_three_formats_and_the_main_ones_come_first(site: LiveSite) -> None:
    bases = ("/feeds/", "/feeds/sections/news/", "/feeds/sections/long-reads/")
    assert site.documents.paths() == tuple(base + name for base in bases for name in NAMES)


def test_an_unknown_path_is_no_document(site: LiveSite) -> None:
    with site.database.read() as session:
        assert site.documents.render(session, "/feeds/nothing.xml") is None
        assert site.documents.render(session, "/feeds/sections/gone/rss.xml") is None


def test_an_entry_says_what_the_clipping_says(site: LiveSite) -> None:
    clipping = full_story(site)
    (entry,) = items(site)
    assert entry["id"] == f"tag:valley.test,2026-11-01:clipping/{clipping}"
    assert entry["title"] == "The mill"
    assert entry["url"] == URL + site.path(clipping)
    assert entry["external_url"] == "https://gazette.test/mill"
    assert entry["summary"] == "The mill closes."
    assert entry["authors"] == [{"name": "Ann Reed"}]
    assert entry["tags"] == ["Valley News"]
    assert entry["date_published"] == "2026-11-24T12:01:00Z"
    assert entry["content_html"] == (
        "<p><small>Mill Gazette · November 2026 · WA · Ann Reed</small></p><p>The mill closes.</p>"
        '<p><a href="https://gazette.test/mill">Read it at Mill Gazette</a></p>'
    )


def test_the_body_is_in_a_feed_only_with_full_rights(site: LiveSite) -> None:
    full_story(site)
    full_story(site, rights="full", rights_reason="theirs to give")
    full_story(site, rights="link")
    link, full, summary = (str(entry["content_html"]) for entry in items(site))
    assert "Nobody knows" not in summary
    assert "The mill closes." in summary
    assert "<p>The mill is closed.</p><p>Nobody knows &lt;why&gt; &amp; when.</p>" in full
    assert "Nobody knows" not in link
    assert "The mill closes." not in link
    assert "https://gazette.test/mill" in link
    for path in site.documents.paths():
        assert rendered(site, path).count(b"Nobody knows") == (1 if "long-reads" not in path else 0)


def test_full_text_can_be_kept_out_of_feeds(sqlite_database: Database, tmp_path: Path) -> None:
    site = live_site(sqlite_database, tmp_path, extra="[feeds]\nfull_text = false\n")
    full_story(site, rights="full", rights_reason="theirs to give")
    assert "Nobody knows" not in str(items(site)[0]["content_html"])
    assert "The mill closes." in str(items(site)[0]["content_html"])


def test_the_newest_come_first_and_no_more_than_the_size(sqlite_database: Database, tmp_path: Path) -> None:
    site = live_site(sqlite_database, tmp_path, extra="[feeds]\nsize = 3\n")
    for number in range(5):
        site.publish(f"Story {number}")
    for path in site.documents.paths()[:3]:
        titles = [entry.title for entry in feedparser.parse(rendered(site, path)).entries] or [
            str(entry["title"]) for entry in items(site, path)
        ]
        assert titles == ["Story 4", "Story 3", "Story 2"]


def test_a_section_feed_holds_its_section_alone(site: LiveSite) -> None:
    site.publish("News item")
    site.publish("Long read", section="long-reads")
    assert [entry["title"] for entry in items(site, "/feeds/sections/long-reads/feed.json")] == ["Long read"]
    assert [entry["title"] for entry in items(site)] == ["Long read", "News item"]


def test_drafts_retracted_and_archival_clippings_are_in_no_feed(site: LiveSite) -> None:
    site.draft("A draft")
    site.retract(site.publish("Withdrawn"))
    old = site.publish("From 1998")
    with site.database.write() as session:
        session.get_one(Clipping, old).archival = True
    for path in site.documents.paths():
        for word in (b"A draft", b"Withdrawn", b"From 1998"):
            assert word not in rendered(site, path)


def test_the_same_clippings_give_the_same_bytes_at_any_time(site: LiveSite) -> None:
    full_story(site)
    before = {path: rendered(site, path) for path in site.documents.paths()}
    site.clock.pass_by(days=400)
    fresh = Documents(site.config)
    assert before == {path: rendered(site, path, fresh) for path in fresh.paths()}


def test_an_empty_feed_is_as_old_as_the_site(site: LiveSite) -> None:
    root = ET.fromstring(rendered(site, "/feeds/atom.xml"))
    assert root.findtext("{http://www.w3.org/2005/Atom}updated") == "2026-11-01T00:00:00Z"
    assert document(site, "/feeds/atom.xml").modified.isoformat() == "2026-11-01T00:00:00+00:00"


def test_a_document_is_rendered_once_until_the_revision_moves(site: LiveSite) -> None:
    site.publish("One")
    first = document(site, "/feeds/rss.xml")
    assert document(site, "/feeds/rss.xml") is first
    site.publish("Two")
    second = document(site, "/feeds/rss.xml")
    assert second.etag != first.etag
    assert b"Two" in second.data


def test_a_retraction_changes_tag_and_time_of_a_feed(site: LiveSite) -> None:
    site.publish("Stays")
    gone = site.publish("Goes")
    before = document(site, "/feeds/atom.xml")
    site.retract(gone)
    after = document(site, "/feeds/atom.xml")
    assert after.etag != before.etag
    assert after.modified > before.modified


def test_a_new_host_or_title_leaves_the_id_alone(sqlite_database: Database, tmp_path: Path) -> None:
    site = live_site(sqlite_database, tmp_path)
    clipping = site.publish("Old title")
    before = items(site)[0]["id"]
    with site.database.write() as session:
        session.get_one(Clipping, clipping).headline = "New title"
        store.bump(session)
    moved = site.config.model_copy(update={"site": site.config.site.model_copy(update={"url": "https://new.test"})})
    (entry,) = json.loads(rendered(site, "/feeds/feed.json", Documents(moved)))["items"]
    assert entry["title"] == "New title"
    assert entry["url"].startswith("https://new.test/")
    assert entry["id"] == before


def test_static_files_hold_the_bytes_that_are_served(site: LiveSite, tmp_path: Path) -> None:
    full_story(site)
    out = tmp_path / "public"
    written = static.build(site.database, site.config, out)
    assert written == [out / path.lstrip("/") for path in site.documents.paths()]
    for path, file in zip(site.documents.paths(), written, strict=True):
        assert file.read_bytes() == rendered(site, path)
    assert sorted(file for file in out.rglob("*") if file.is_file()) == sorted(written)


def test_a_site_that_was_never_made_is_said_in_one_line(sqlite_database: Database) -> None:
    with sqlite_database.read() as session, pytest.raises(NotFound, match="syndicate init"):
        site_facts(session)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headline=st.text(min_size=1, max_size=60), text=st.text(max_size=200), publication=st.text(max_size=40))
def test_hostile_text_never_costs_a_feed(site: LiveSite, headline: str, text: str, publication: str) -> None:
    site.clock.pass_by(minutes=1)
    with site.database.write() as session:
        # Past the doors that clean it: what an older version or a restore might hold. PostgreSQL refuses NUL itself.
        clipping = store.add(session, NewClipping(headline="x", section="news"), now=site.clock())
        store.publish(session, clipping.id, now=site.clock())
        clipping.headline, clipping.summary, clipping.byline = _storable(headline), _storable(text), _storable(text)
        clipping.publication = _storable(publication)
    for path in site.documents.paths()[:3]:
        data = rendered(site, path)
        assert json.loads(data) if path.endswith(".json") else ET.fromstring(data) is not None
    shown = plain_title(_storable(headline)) or "Untitled"
    assert items(site)[0]["title"] == shown


@pytest.mark.parametrize("link", ["javascript:alert(1)", " data:text/html,x", "//evil.test/", "https://a@evil.test/"])
def test_a_link_that_no_reader_should_follow_is_in_no_feed_and_on_no_page(site: LiveSite, link: str) -> None:
    clipping = site.publish("The mill", summary="Closed.", rights="link")
    with site.database.write() as session:  # however it came there: an older program, a restored backup
        store.get(session, clipping).link = link
    for path in ("/feeds/feed.json", "/feeds/rss.xml", "/feeds/atom.xml", "/", site.path(clipping)):
        page = site.visitor.get(path).text
        assert "The mill" in page
        assert "alert(1)" not in page
        assert "data:text" not in page
        assert "evil.test" not in page


def _storable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


def test_the_attribution_names_what_is_known_with_its_precision() -> None:
    clipping = Clipping(publication="Mill  Gazette", dateline="2009-03", place="US", byline=None)
    assert attribution(clipping) == ("Mill Gazette", "March 2009", "US")
    assert attribution(Clipping()) == ()


def test_the_site_map_names_pages_clippings_and_editions_and_no_drafts(site: LiveSite) -> None:
    clipping = site.publish("Shown & told")
    site.draft("Hidden")
    with site.database.read() as session:
        root = ET.fromstring(sitemap(session, site.config, ["/editions/weekly/1"]))
    places = [loc.text for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert f"{URL}/" in places
    assert f"{URL}/editions/weekly/1" in places
    assert URL + site.path(clipping) in places
    assert not any("hidden" in str(place) for place in places)


def test_crawlers_are_kept_from_pages_of_one_person(site: LiveSite) -> None:
    lines = robots_txt(site.config).decode().splitlines()
    assert "Disallow: /unsubscribe/" in lines
    assert f"Sitemap: {URL}/sitemap.xml" in lines


def test_documents_read_the_same_from_both_databases(database: Database, tmp_path: Path) -> None:
    site = live_site(database, tmp_path)
    full_story(site)
    site.retract(site.publish("Goes"))
    assert [entry["title"] for entry in items(site, "/feeds/sections/news/feed.json")] == ["The mill"]
    assert document(site, "/feeds/rss.xml").modified == site.clock()
