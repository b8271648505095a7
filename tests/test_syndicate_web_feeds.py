"""The feeds over HTTP: media types, validators, conditional requests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from public_site import LiveSite, live_site

from feeds.dates import rfc822
from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.database import Database
from syndicate.outbox import guard, relays

TYPES = {"rss.xml": "application/rss+xml", "atom.xml": "application/atom+xml", "feed.json": "application/feed+json"}


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> LiveSite:
    site = live_site(sqlite_database, tmp_path)
    site.publish("The mill closes", summary="For good.")
    site.clock.pass_by(seconds=1)
    return site


def test_every_feed_is_served_with_its_type_and_validators(site: LiveSite) -> None:
    for path in site.documents.paths():
        answer = site.visitor.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{TYPES[path.rsplit('/', 1)[1]]}; charset=utf-8"
        assert answer.headers["etag"].startswith('"')
        assert "last-modified" in answer.headers
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in answer.headers["cache-control"]
        with site.database.read() as session:
            assert answer.content == site.documents.render(session, path)


def test_last_modified_is_the_newest_change(site: LiveSite) -> None:
    answer = site.visitor.get("/feeds/rss.xml")
    assert answer.headers["last-modified"] == "Tue, 24 Nov 2026 12:01:00 GMT"


@pytest.mark.parametrize("form", ["{}", 'W/{}, "other"', '"other", {}', "*", ' {} , "x"'])
def test_a_current_copy_is_answered_without_a_body(site: LiveSite, form: str) -> None:
    etag = site.visitor.get("/feeds/atom.xml").headers["etag"]
    answer = site.visitor.get("/feeds/atom.xml", {"if-none-match": form.format(etag)})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == etag
    assert "cache-control" in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("tag", ['"other"', "garbage", '""', 'W/"x", "y"'])
def test_another_tag_gets_the_whole_feed(site: LiveSite, tag: str) -> None:
    answer = site.visitor.get("/feeds/atom.xml", {"if-none-match": tag})
    assert answer.status_code == 200
    assert b"The mill closes" in answer.content


def test_a_change_makes_the_old_tag_useless(site: LiveSite) -> None:
    etag = site.visitor.get("/feeds/feed.json").headers["etag"]
    site.publish("Another")
    assert site.visitor.get("/feeds/feed.json", {"if-none-match": etag}).status_code == 200


def test_the_date_counts_only_without_a_tag(site: LiveSite) -> None:
    now = rfc822(site.clock())
    before = rfc822(datetime(2026, 11, 24, 12, 0, 59, tzinfo=UTC))
    ask = site.visitor.get
    assert ask("/feeds/rss.xml", {"if-modified-since": now}).status_code == 304
    assert ask("/feeds/rss.xml", {"if-modified-since": before}).status_code == 200
    assert ask("/feeds/rss.xml", {"if-modified-since": "yesterday"}).status_code == 200
    assert ask("/feeds/rss.xml", {"if-modified-since": now, "if-none-match": '"old"'}).status_code == 200


def test_a_retraction_reaches_readers_that_know_only_dates(site: LiveSite) -> None:
    gone = site.publish("Goes")
    site.clock.pass_by(seconds=1)
    since = site.visitor.get("/feeds/rss.xml").headers["last-modified"]
    site.retract(gone)
    answer = site.visitor.get("/feeds/rss.xml", {"if-modified-since": since})
    assert answer.status_code == 200
    assert b"Goes" not in answer.content


def test_a_date_that_may_still_hide_a_change_is_not_given(site: LiveSite) -> None:
    with site.database.write() as session:
        for number in range(3):  # in one second: their times of change are set one second apart, into the future
            made = store.add(session, NewClipping(headline=f"At once {number}", section="news"), now=site.clock())
            store.publish(session, made.id, now=site.clock())
    for _ in range(3):
        answer = site.visitor.get("/feeds/rss.xml")
        assert "last-modified" not in answer.headers
        ahead = rfc822(site.clock() + timedelta(days=1))
        assert site.visitor.get("/feeds/rss.xml", {"if-modified-since": ahead}).status_code == 200
        site.clock.pass_by(seconds=1)
    assert site.visitor.get("/feeds/rss.xml").headers["last-modified"] < rfc822(site.clock())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fri, 01 Jan 2100 00:00:00 +9999999999999999999",
        "999999999999999999999999999999 Jan 2100 00:00:00 GMT",
        "99999999999 Jan Z 1.2.3 01 - 1.2.3",
        "Fri, 01 Jan 99999 00:00:00 GMT",
        "1" * 5000,
        "((((((",
    ],
)
def test_a_date_that_is_none_is_as_good_as_absent(site: LiveSite, text: str) -> None:
    assert site.visitor.get("/feeds/rss.xml", {"if-modified-since": text}).status_code == 200


def test_head_says_the_same_without_the_feed(site: LiveSite) -> None:
    whole = site.visitor.get("/feeds/rss.xml")
    head = site.visitor.ask("HEAD", "/feeds/rss.xml")
    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-type", "content-length", "last-modified"):
        assert head.headers[name] == whole.headers[name]


def test_an_unknown_feed_is_not_found(site: LiveSite) -> None:
    assert site.visitor.get("/feeds/sections/nothing/rss.xml").status_code == 404
    assert site.visitor.get("/feeds/other.xml").status_code == 404


def test_the_page_about_feeds_names_each_by_its_public_address(site: LiveSite) -> None:
    page = site.visitor.get("/feeds/")
    for path in site.documents.paths():
        assert f'href="{path}"' in page.text
    assert "https://valley.test/<wbr>feeds/<wbr>rss.xml" in page.text
    moved = site.visitor.get("/feeds")
    assert (moved.status_code, moved.headers["location"]) == (301, "/feeds/")


def test_the_style_sheet_is_kept_for_good_under_its_version(site: LiveSite) -> None:
    page = site.visitor.get("/").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = site.visitor.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert site.visitor.get("/static/site.css?v=old").headers["cache-control"] == "no-cache"
    assert site.visitor.get(address, {"if-none-match": answer.headers["etag"]}).status_code == 304


def test_watchers_are_answered(site: LiveSite) -> None:
    assert site.visitor.get("/healthz").text == "ok\n"
    assert site.visitor.get("/readyz").text == "ready\n"
    site.sender_fault = "the login is wrong: secret-relay.example"
    answer = site.visitor.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the sender does not run\n")
    assert site.visitor.get("/healthz").status_code == 200


def test_a_held_outbox_is_not_ready_and_its_pages_are_served(site: LiveSite) -> None:
    with site.database.write() as session:
        guard.hold(session, "an older copy", site.clock())
    answer = site.visitor.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the outbox is held\n")
    assert site.visitor.get("/").status_code == 200


def test_a_relay_that_refuses_the_login_is_not_ready(site: LiveSite) -> None:
    with site.database.write() as session:
        relays.stopped(session, site.config.mail.smtp.name, error="535", login=None, now=site.clock())
    answer = site.visitor.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the relay refuses the login\n")


def test_a_lost_database_is_not_ready_but_alive(site: LiveSite, tmp_path: Path) -> None:
    site.database.close()
    (tmp_path / "syndicate.db").rename(tmp_path / "away.db")
    (tmp_path / "syndicate.db").mkdir()
    assert site.visitor.get("/healthz").status_code == 200
    assert site.visitor.get("/readyz").status_code == 503
    page = site.visitor.get("/")
    assert page.status_code == 503
    assert "retry-after" in page.headers
    assert "The database is busy or away" in page.text
