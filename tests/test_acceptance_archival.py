"""Thousands of archival clippings beside one ordinary clipping: the archive is on the site, and neither in the mail nor
in a feed of news."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Event

import feedparser
import httpx
import pytest
from acceptance.sites import new_site, publish_one, readers
from saved_pages import BACK, page
from sqlalchemy import func, select

from syndicate.app.parts import App, open_site
from syndicate.app.sending import drive
from syndicate.app.serving import Server
from syndicate.catcher import Catcher
from syndicate.clippings.archive_pages import detect, read_index, read_page
from syndicate.clippings.archive_pages.values import ArchivedClipping
from syndicate.clippings.store import ImportReport, import_archived, retract
from syndicate.clippings.store import publish as publish_again
from syndicate.editions.report import Report, report
from syndicate.models import Clipping, Edition

MANY = 5000
IMPORT_DAY = datetime(2026, 11, 10, 12, tzinfo=UTC)  # a Tuesday
THURSDAY = datetime(2026, 11, 12, 14, tzinfo=UTC)  # 09:00 in New York
NEWS = "County opens a night court"


class Clock:
    def __init__(self) -> None:
        self.now = IMPORT_DAY

    def __call__(self) -> datetime:
        return self.now


def old_clippings() -> list[ArchivedClipping]:
    """As the reader finds them in a saved list, and in one saved page; some are dated in the week of the import."""
    lines = [
        f"Archived Door {number}; from Gazette {number % 40} (TX), "
        f"{'11/9/26' if number % 100 == 0 else f'{number % 12 + 1}/{number % 28 + 1}/{number % 20 + 2000}'}"
        for number in range(MANY - 1)
    ]
    text = "\n".join(lines)
    assert detect(text) == "index"
    listed = read_index(text, "list.txt")
    assert not listed.unread
    article = page("March 2009 -- Harbor Times (TX)", "Archived Door Itself", "By Ada Quill", BACK)
    return [*listed.clippings, read_page(article, "page.txt")]


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    made = Catcher(tmp_path / "mail")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, catcher: Catcher, clock: Clock) -> Iterator[App]:
    config = new_site(tmp_path / "site", smtp_port=catcher.port, connections=2, clock=clock)
    with open_site(config, environ={}, clock=clock) as app:
        yield app


def bring_in(site: App) -> ImportReport:
    with site.database.write() as session:
        return import_archived(session, old_clippings(), section="latest", as_drafts=False, now=site.clock())


def test_neither_the_next_digest_nor_a_feed_of_news_holds_an_archival_clipping(
    site: App, catcher: Catcher, clock: Clock
) -> None:
    readers(site, 2)
    brought = bring_in(site)
    assert (len(brought.added), len(set(brought.added)), brought.known) == (MANY, MANY, ())
    again = bring_in(site)
    assert (again.added, again.known) == ((), brought.added)
    assert documents_with(site, "Archived Door") == []
    news = publish_one(site, NEWS)
    assert documents_with(site, "Archived Door") == []
    assert {"/feeds/rss.xml", "/feeds/sections/latest/atom.xml", "/feeds/feed.json"} <= set(documents_with(site, NEWS))
    assert [entry.title for entry in feedparser.parse(document(site, "/feeds/atom.xml")).entries] == [NEWS]
    assert len(json.loads(document(site, "/feeds/sections/latest/feed.json"))["items"]) == 1

    clock.now = THURSDAY
    site.tick()
    ended = sent(site, only_edition(site))
    assert (ended.kind, ended.state, ended.items, ended.counts.accepted) == ("scheduled", "sent", (news,), 2)
    assert len(catcher.caught()) == 2
    for caught in catcher.caught():
        mail = message_from_bytes(caught.path.read_bytes(), policy=policy.default)
        assert NEWS in shown(mail)
        assert "Archived Door" not in shown(mail)


def test_a_week_that_only_brought_the_archive_has_no_digest(site: App, catcher: Catcher, clock: Clock) -> None:
    readers(site, 1)
    bring_in(site)
    now_sent = site.editions.send_now(site.database, "weekly", "by-hand", clock.now)
    clock.now = THURSDAY
    site.tick()
    with site.database.read() as session:
        states = session.scalars(select(Edition.state)).all()
        assert report(session, now_sent).items == ()
    assert states == ["skipped", "skipped"]
    assert catcher.caught() == []


def test_the_site_shows_what_was_archived_at_its_dateline(site: App) -> None:
    brought = bring_in(site)
    publish_one(site, NEWS)
    server = Server(site, host="127.0.0.1", port=0, tick=False)
    server.start()
    try:
        with httpx.Client(base_url=server.address, follow_redirects=True) as web:
            month, article = web.get("/archive/2009/03"), web.get(f"/clippings/{brought.added[-1]}")
            assert web.get("/archive/2026/11").text.count("Archived Door") >= MANY // 100 - 1
            assert "Archived Door" not in web.get("/").text
            section = web.get("/sections/latest").text
            assert section.index(NEWS) < section.index("From the archive") < section.index("Archived Door")
            assert "From the archive" not in web.get("/sections/dont-miss").text
    finally:
        server.stop()
    assert "Archived Door Itself" in month.text
    assert NEWS not in month.text
    assert article.status_code == 200
    assert "March 2009" in article.text
    assert "Ada Quill" in article.text


def test_an_archival_clipping_stays_archival_when_a_retraction_is_taken_back(site: App) -> None:
    identity = bring_in(site).added[-1]
    with site.database.write() as session:
        retract(session, identity, now=site.clock())
        publish_again(session, identity, now=site.clock())
    with site.database.read() as session:
        count = select(func.count()).where(Clipping.archival, Clipping.state == "published")
        assert session.scalar(count) == MANY
    assert documents_with(site, "Archived Door") == []


def documents_with(site: App, text: str) -> list[str]:
    """The public documents (feeds) that hold the text."""
    return [path for path in site.documents.paths() if "/feeds/" in path and text.encode() in document(site, path)]


def document(site: App, path: str) -> bytes:
    with site.database.read() as session:
        made = site.documents.render(session, path)
    assert made
    return made


def only_edition(site: App) -> int:
    with site.database.read() as session:
        return session.scalars(select(Edition.id)).one()


def sent(site: App, edition: int) -> Report:
    def now() -> Report:
        with site.database.read() as session:
            return report(session, edition)

    drive(site, lambda: now().state == "sent", Event(), progress=lambda: None)
    return now()


def shown(mail: EmailMessage) -> str:
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return "\n".join(str(part.get_content()) for part in parts if part)
