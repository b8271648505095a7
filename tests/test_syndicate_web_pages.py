"""The pages that are read: what they show, to whom, and where they lead."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from public_site import URL, LiveSite, live_site
from sqlalchemy import update

from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.database import Database
from syndicate.datelines import Dateline
from syndicate.models import Batch, Clipping, Edition

FIXED = (
    "/",
    "/sections/news",
    "/archive",
    "/editions",
    "/editions/weekly",
    "/partners",
    "/about",
    "/subscribe",
    "/feeds/",
)


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> LiveSite:
    return live_site(sqlite_database, tmp_path)


class Outline(HTMLParser):
    """What a page is made of: opened tags with their attributes, and whether each was closed."""

    VOID = ("meta", "link", "input", "wbr", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.tags if name == tag)


class Words(HTMLParser):
    """The text of a page, without its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data


def visible(page: str) -> str:
    return Words(page).text


def archive(site: LiveSite, headline: str, dateline: str) -> str:
    clipping = site.publish(headline, dateline=Dateline(dateline))
    with site.database.write() as session:
        session.get_one(Clipping, clipping).archival = True
    return clipping


@pytest.mark.parametrize("path", FIXED)
def test_every_page_is_whole_and_has_landmarks(site: LiveSite, path: str) -> None:
    site.mail(1, [site.publish("The mill", summary="Closed.", link="https://g.test/")])
    for _ in ("with something", "empty"):
        outline = Outline(site.visitor.get(path).text)
        assert outline.open == []
        assert [outline.count(tag) for tag in ("h1", "main", "header", "footer", "nav", "title")] == [1] * 6
        identities = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
        assert len(identities) == len(set(identities))
        assert outline.count("script") == 0
        assert not any("style" in attributes for _, attributes in outline.tags)


@pytest.mark.parametrize("path", FIXED)
def test_an_empty_site_says_so_on_every_page(site: LiveSite, path: str) -> None:
    page = site.visitor.get(path)
    assert page.status_code == 200
    assert Outline(page.text).open == []


def test_empty_pages_say_what_to_do(site: LiveSite) -> None:
    assert "Nothing has been published yet" in site.visitor.get("/").text
    assert "No edition has gone out yet" in site.visitor.get("/editions").text
    assert "The archive is still empty" in site.visitor.get("/archive").text


def test_a_page_names_its_own_feeds_first(site: LiveSite) -> None:
    def named(path: str) -> list[str]:
        return re.findall(
            r'<link rel="alternate" type="[^"]+" title="[^"]+" href="([^"]+)"', site.visitor.get(path).text
        )

    main = ["/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json"]
    section = ["/feeds/sections/long-reads/rss.xml", "/feeds/sections/long-reads/atom.xml"]
    read = site.publish("Long", section="long-reads")
    for path in FIXED:
        assert named(path)[-3:] == main
    for path in ("/sections/long-reads", site.path(read)):
        assert named(path)[:2] == section
        assert named(path)[3:] == main
    assert named("/nothing") == main


def test_home_shows_the_newest_first_and_no_drafts(site: LiveSite) -> None:
    site.publish("Older")
    site.publish("Newer", section="long-reads")
    site.draft("Secret")
    page = site.visitor.get("/").text
    assert page.index("Newer") < page.index("Older")
    assert "Secret" not in page
    assert "The Hill Society" in page


def test_a_section_shows_its_own(site: LiveSite) -> None:
    site.publish("Here")
    site.publish("Elsewhere", section="long-reads")
    page = site.visitor.get("/sections/news").text
    assert "Here" in page
    assert "Elsewhere" not in page
    assert site.visitor.get("/sections/unknown").status_code == 404


def test_a_clipping_page_says_where_it_comes_from(site: LiveSite) -> None:
    clipping = site.publish(
        "The mill",
        publication="Gazette",
        place="WA",
        dateline=Dateline("2009-03"),
        byline="Ann Reed",
        link="https://gazette.test/mill?a=1&b=2",
        summary="It closed.",
    )
    page = site.visitor.get(site.path(clipping))
    assert page.status_code == 200
    assert "Gazette · March 2009 · WA · Ann Reed" in visible(page.text)
    assert 'href="https://gazette.test/mill?a=1&amp;b=2"' in page.text
    assert f'<link rel="canonical" href="{URL}{site.path(clipping)}">' in page.text


def test_the_rights_decide_what_a_page_shows(site: LiveSite) -> None:
    texts = {"summary": "A summary.", "body": "Body one.\n\nBody two.", "deck": "A deck.", "link": "https://g.test/"}
    summary = site.visitor.get(site.path(site.publish("S", **texts))).text
    link = site.visitor.get(site.path(site.publish("L", rights="link", **texts))).text
    full = site.visitor.get(site.path(site.publish("F", rights="full", rights_reason="ours", **texts))).text
    assert "A summary." in summary
    assert "Body one." not in summary
    assert "A summary." not in link
    assert "A deck." not in link
    assert "Body one." not in link
    assert "https://g.test/" in link
    assert '<p dir="auto">Body one.</p>' in full
    assert '<p dir="auto">Body two.</p>' in full


def test_the_body_stands_on_no_list_either(site: LiveSite) -> None:
    for rights in ("summary", "link"):
        site.mail(len(rights), [site.publish("X", rights=rights, summary="Sum.", body="Hidden text.")])
    for path in ("/", "/sections/news", "/archive/2026/11", "/editions/weekly/7", "/editions/weekly/4"):
        page = site.visitor.get(path)
        assert page.status_code == 200
        assert "Hidden text" not in page.text


def test_a_wrong_slug_leads_to_the_right_one(site: LiveSite) -> None:
    clipping = site.publish("The mill closes")
    for wrong in (f"/clippings/{clipping}/old-name", f"/clippings/{clipping}"):
        answer = site.visitor.get(wrong)
        assert answer.status_code == 301
        assert answer.headers["location"] == f"/clippings/{clipping}/the-mill-closes"


def test_drafts_and_unknown_ids_are_not_found(site: LiveSite) -> None:
    draft = site.draft("Not yet")
    for path in (
        f"/clippings/{draft}/not-yet",
        f"/clippings/{draft}",
        "/clippings/aaaaaaaaaaaa/x",
        "/clippings/NO%20id/x",
    ):
        answer = site.visitor.get(path)
        assert answer.status_code == 404
        assert "Not yet" not in answer.text


def test_a_retracted_clipping_is_gone(site: LiveSite) -> None:
    clipping = site.publish("Withdrawn words")
    path = site.path(clipping)
    site.retract(clipping)
    answer = site.visitor.get(path)
    assert answer.status_code == 410
    assert "Withdrawn words" not in answer.text
    assert "withdrawn" in answer.text


def test_hostile_text_stays_text(site: LiveSite) -> None:
    clipping = site.publish('<script>alert("1")</script> ]]> & \u202e', publication="<b>B</b>", summary="<img src=x>")
    for path in ("/", site.path(clipping)):
        page = site.visitor.get(path).text
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>B" not in page
        assert Outline(page).open == []


def test_a_headline_keeps_the_direction_of_its_script(site: LiveSite) -> None:
    arabic = site.publish("\u0645\u062d\u0643\u0645\u0629 1")
    hebrew_number = site.publish("1. \u05d1\u05d9\u05ea")
    latin = site.publish("(2) Court")
    seen = {
        i: re.findall(r'<article class="clipping" dir="(\w+)"', site.visitor.get(site.path(i)).text)
        for i in (arabic, hebrew_number, latin)
    }
    assert seen == {arabic: ["rtl"], hebrew_number: ["rtl"], latin: ["ltr"]}


def test_every_fact_of_a_clipping_keeps_the_direction_of_its_script(site: LiveSite) -> None:
    clipping = site.publish("محكمة", publication="الجزيرة", dateline=Dateline("2026-09-20"))
    page = site.visitor.get(site.path(clipping)).text
    assert "<bdi>الجزيرة</bdi>" in page
    assert "<bdi>20 September 2026</bdi>" in page
    assert '<p class="meta" dir="rtl">' in page


def test_the_archive_goes_by_dateline_and_by_publishing(site: LiveSite) -> None:
    archive(site, "From the old days", "1998")
    archive(site, "Spring story", "2009-03")
    site.publish("Of today")
    index = site.visitor.get("/archive").text
    assert re.findall(r'href="/archive/(\d{4}/\d\d)"', index) == ["2026/11", "2009/03", "1998/01"]
    assert "From the old days" in site.visitor.get("/archive/1998/01").text
    month = site.visitor.get("/archive/2009/03").text
    assert "Spring story" in month
    assert "Of today" not in month
    assert "Spring story" not in site.visitor.get("/").text
    assert "2009" in site.visitor.get("/archive/2009").text


@pytest.mark.parametrize(
    "path", ["/archive/1997", "/archive/abc", "/archive/2009/13", "/archive/2009/00", "/archive/99999/01"]
)
def test_a_time_without_an_archive_is_not_found(site: LiveSite, path: str) -> None:
    archive(site, "Spring story", "2009-03")
    assert site.visitor.get(path).status_code == 404


def test_a_month_of_many_clippings_is_read_page_by_page(site: LiveSite) -> None:
    with site.database.write() as session:
        for number in range(203):
            made = store.add(session, NewClipping(headline=f"Story {number:03}", section="news"), now=site.clock())
            site.clock.pass_by(seconds=1)
            made.state, made.published_at = "published", site.clock()
    seen: list[str] = []
    address = "/archive/2026/11"
    for page in (1, 2, 3):
        text = site.visitor.get(address).text
        assert f"Page {page} of 3" in text
        assert f'<link rel="canonical" href="{URL}{address}">' in text
        seen += re.findall(r"Story (\d{3})</a>", text)
        earlier = re.search(r'href="([^"]+)" rel="next"', text)
        assert (earlier is None) == (page == 3)
        address = earlier[1] if earlier else ""
    assert seen == [f"{number:03}" for number in reversed(range(203))]
    for page_text in ("0", "4", "01", "x", "-1", "²", "9" * 30, ""):
        assert site.visitor.get(f"/archive/2026/11?page={page_text}").status_code == 404


def test_a_month_without_anything_says_so_and_a_short_month_is_led_on(site: LiveSite) -> None:
    assert "Nothing stands in this month" in site.visitor.get("/archive/2009/03").text
    assert site.visitor.get("/archive/2009/3").headers["location"] == "/archive/2009/03"


@pytest.mark.parametrize(
    ("state", "readable", "listed"),
    [
        ("sending", True, False),
        ("paused", True, False),
        ("sent", True, True),
        ("incomplete", True, True),
        ("cancelled", True, False),
        ("draft", False, False),
        ("approved", False, False),
        ("held", False, False),
        ("skipped", False, False),
    ],
)
def test_an_edition_answers_from_its_first_mail_on(site: LiveSite, state: str, readable: bool, listed: bool) -> None:
    site.mail(7, [site.publish("In the mail")], state=state)
    page = site.visitor.get("/editions/weekly/7")
    assert page.status_code == (200 if readable else 404)
    assert ("In the mail" in page.text) is readable
    for path in ("/editions", "/editions/weekly", "/sitemap.xml"):
        assert ("/editions/weekly/7" in site.visitor.get(path).text) is listed


@pytest.mark.parametrize("state", ["sending", "paused", "held"])
def test_an_edition_that_is_taken_up_again_keeps_its_page_and_its_place_in_the_lists(
    site: LiveSite, state: str
) -> None:
    """What readers see of it does not change by a byte, and neither does any feed."""
    edition = site.mail(7, [site.publish("In the mail")])
    paths = ("/editions", "/editions/weekly", "/editions/weekly/7", "/sitemap.xml", "/feeds/rss.xml", "/feeds/atom.xml")
    before = [site.visitor.get(path) for path in paths]
    with site.database.write() as session:
        session.get_one(Edition, edition).state = state
    after = [site.visitor.get(path) for path in paths]
    assert [(page.status_code, page.content) for page in after] == [(200, page.content) for page in before]
    assert "/editions/weekly/7" in after[0].text


@pytest.mark.parametrize("frozen", [False, True])
def test_an_edition_cancelled_before_its_first_mail_has_no_page(site: LiveSite, frozen: bool) -> None:
    edition = site.mail(7, [], state="sending" if frozen else "approved")
    with site.database.write() as session:
        session.get_one(Edition, edition).state = "cancelled"
        session.execute(update(Batch).values(accepted=0, skipped=1))
    assert site.visitor.get("/editions/weekly/7").status_code == 404


@pytest.mark.parametrize("how", ["accepted", "uncertain", "unknown", "on the wire"])
def test_an_edition_cancelled_after_a_mail_may_have_gone_has_its_page(site: LiveSite, how: str) -> None:
    site.mail(7, [], state="cancelled")
    with site.database.write() as session:
        session.execute(update(Batch).values({"accepted": 0} | ({"owner": "me"} if how == "on the wire" else {how: 1})))
    assert site.visitor.get("/editions/weekly/7").status_code == 200


def test_an_edition_shows_its_items_by_section_in_their_order(site: LiveSite) -> None:
    ids = [site.publish("First"), site.publish("Second"), site.publish("Third", section="long-reads")]
    site.mail(1, [ids[1], ids[0], ids[2]])
    site.publish("Not in it")
    page = site.visitor.get("/editions/weekly/1").text
    places = [page.index(word) for word in ("Valley News</h2>", "Second", "First", "Long Reads</h2>", "Third")]
    assert places == sorted(places)
    assert "Not in it" not in page
    assert "No.\xa01, 24 November 2026" in visible(page)


def test_what_was_withdrawn_leaves_the_edition_too(site: LiveSite) -> None:
    ids = [site.publish("Stays"), site.publish("Goes away")]
    site.mail(1, ids)
    site.retract(ids[1])
    page = site.visitor.get("/editions/weekly/1").text
    assert "Stays" in page
    assert "Goes away" not in page
    assert "withdrawn since" in page


@pytest.mark.parametrize("number", ["0", "01", "-1", "1e3", "²", "99999999999999999999", "x"])
def test_a_number_that_is_none_is_not_found(site: LiveSite, number: str) -> None:
    site.mail(1, [])
    assert site.visitor.get(f"/editions/weekly/{number}").status_code == 404
    assert site.visitor.get("/editions/unknown/1").status_code == 404


def test_partners_and_about_say_who_we_are(site: LiveSite) -> None:
    partners = site.visitor.get("/partners").text
    assert 'href="https://hill.test"' in partners
    about = site.visitor.get("/about").text
    assert "7 Mill Lane, Ashford" in about
    assert "<p>And we clip.</p>" in about
    assert "mailto:review@valley.test" in about


def test_a_site_can_bring_its_own_templates(sqlite_database: Database, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "web"
    own.mkdir(parents=True)
    (own / "about.html").write_text('{% extends "base.html" %}{% block main %}<h1>Ours {{ 6 * 7 }}</h1>{% endblock %}')
    (own / "site.css").write_text("body { color: red }")
    site = live_site(sqlite_database, tmp_path)
    assert "<h1>Ours 42</h1>" in site.visitor.get("/about").text
    assert site.visitor.get("/static/site.css").text == "body { color: red }"


def test_pages_read_the_same_from_both_databases(database: Database, tmp_path: Path) -> None:
    site = live_site(database, tmp_path)
    ids = [site.publish("One"), site.publish("Two", section="long-reads")]
    site.mail(1, ids)
    for path in (*FIXED, site.path(ids[0]), "/editions/weekly/1", "/archive/2026/11", "/sitemap.xml"):
        assert site.visitor.get(path).status_code == 200
    assert "2 clippings" in site.visitor.get("/editions/weekly").text
