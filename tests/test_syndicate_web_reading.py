"""Reading changes nothing: every GET route of the application is walked, found by looking into the application."""

from pathlib import Path

import pytest
from public_site import LiveSite, live_site
from starlette.routing import Route

from syndicate.database import Database

# GET routes that may change something. There is none, and one that is added here needs a reason.
MAY_CHANGE: frozenset[str] = frozenset()


@pytest.fixture
def site(database: Database, tmp_path: Path) -> LiveSite:
    return live_site(database, tmp_path)


def routes(site: LiveSite) -> list[Route]:
    """Every route of the application. One of another kind than a path would escape this walk, so there may be none."""
    assert all(isinstance(route, Route) for route in site.app.routes)
    return [route for route in site.app.routes if isinstance(route, Route)]


def addresses(site: LiveSite) -> dict[str, list[str]]:
    """For each route that has parameters, addresses that show something and addresses that do not."""
    clipping, gone = site.publish("The mill", link="https://g.test/"), site.publish("Gone")
    site.retract(gone)
    site.mail(1, [clipping, gone])
    uid, left = site.subscriber("ann@example.org"), site.subscriber("ben@example.org")
    with site.database.write() as session:
        site.signup.ask(session, "new@example.org", ["weekly"], way="form", words="Yes.", now=site.clock())
    site.visitor.post(site.unsubscribe_path(left))
    own = {
        f"/preferences/{{token}}/{page}": [f"{site.preferences_path(who)}/{page}" for who in (uid, left)]
        for page in ("pause", "export", "erase")
    }
    return own | {
        "/sections/{slug}": ["/sections/news", "/sections/none"],
        "/clippings/{clipping_id}": [f"/clippings/{clipping}"],
        "/clippings/{clipping_id}/{slug}": [site.path(clipping), f"/clippings/{gone}/gone", "/clippings/x/y"],
        "/archive/{year}": ["/archive/2026", "/archive/1900"],
        "/archive/{year}/{month}": ["/archive/2026/11", "/archive/2026/99"],
        "/editions/{slug}": ["/editions/weekly", "/editions/none"],
        "/editions/{slug}/{number}": ["/editions/weekly/1", "/editions/weekly/2"],
        "/confirm/{token}": [site.confirm_path(site.letters()[0]), "/confirm/forged"],
        "/unsubscribe/{token}": [site.unsubscribe_path(uid), site.unsubscribe_path(left), "/unsubscribe/forged"],
        "/preferences/{token}": [site.preferences_path(uid), site.preferences_path(left), "/preferences/forged"],
    }


def test_no_get_and_no_head_changes_a_row(site: LiveSite) -> None:
    known = addresses(site)
    before = site.fingerprint()
    woken = site.woken
    walked = 0
    for route in routes(site):
        if "GET" not in (route.methods or ()) or route.path in MAY_CHANGE:
            continue
        assert "{" not in route.path or route.path in known, f"say in this test how {route.path} is asked"
        for address in known.get(route.path, [route.path]):
            for method in ("GET", "HEAD"):
                for query in ("", "?List-Unsubscribe=One-Click&confirm=yes&action=save&digest=each-one"):
                    answer = site.visitor.ask(method, address + query)
                    assert answer.status_code in (200, 301, 404, 410), (address, answer.status_code)
                    walked += 1
    assert walked > 100
    assert site.fingerprint() == before
    assert site.woken == woken


def test_what_acts_would_be_noticed(site: LiveSite) -> None:
    uid = site.subscriber("ann@example.org")
    before = site.fingerprint()
    site.visitor.post(site.unsubscribe_path(uid))
    assert site.fingerprint() != before


def test_head_answers_wherever_get_does(site: LiveSite) -> None:
    known = addresses(site)
    for route in routes(site):
        methods = route.methods or set()
        assert ("GET" in methods) == ("HEAD" in methods)
        if "GET" not in methods:
            continue
        for address in known.get(route.path, [route.path]):
            whole, head = site.visitor.get(address), site.visitor.ask("HEAD", address)
            assert head.status_code == whole.status_code
            assert head.content == b""
            assert head.headers.get("content-type") == whole.headers.get("content-type")


def test_every_page_answers_under_any_host_and_leads_nowhere_else(site: LiveSite) -> None:
    known = addresses(site)
    for route in routes(site):
        for address in known.get(route.path, [route.path]):
            for host in ("evil.test", "127.0.0.1:8000", "valley.test", "x" * 300):
                answer = site.visitor.get(address, {"host": host})
                assert "evil.test" not in answer.text
                assert answer.status_code != 400
                location = answer.headers.get("location", "/")
                assert location.startswith("/")
                assert not location.startswith("//")
