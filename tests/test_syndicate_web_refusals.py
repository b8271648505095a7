"""Bad input gets the right status and a plain page; every answer carries the headers that bind the browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from public_site import LiveSite, live_site
from starlette.routing import Route

from syndicate.database import Database
from syndicate.web.public.headers import HEADERS


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> LiveSite:
    return live_site(sqlite_database, tmp_path)


HOSTILE = ("%00", "a%00b", "%ff", "%C3%28", "%ED%A0%80", "a" * 10_000, "%0d%0aSet-Cookie:x", "%1b[31m", "%7f")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_path_or_query_that_nobody_means_is_refused(site: LiveSite, text: str) -> None:
    site.publish("One")
    for path in (
        f"/{text}",
        f"/clippings/{text}",
        f"/clippings/x/{text}",
        f"/sections/{text}",
        f"/editions/weekly/{text}",
    ):
        assert 400 <= site.visitor.get(path).status_code < 500
    for prefix in ("/archive/", "/archive/2026/", "/confirm/", "/preferences/", "/unsubscribe/"):
        for method in ("GET", "POST", "HEAD"):
            assert 400 <= site.visitor.ask(method, prefix + text).status_code < 500
    for path in ("/", "/feeds/rss.xml", "/static/site.css"):
        assert 400 <= site.visitor.get(f"{path}?v={text}").status_code < 500


VALUES = ("a\0b", "\ud800", "a" * 10_000, "\x1b[31m", "\x85")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("field", ["email", "digest", "token", "topic", "anything"])
def test_a_field_that_nobody_means_is_refused(site: LiveSite, field: str, value: str) -> None:
    uid = site.subscriber("ann@example.org")
    before = site.fingerprint()
    body = f"{field}=".encode() + "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "surrogatepass")).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/subscribe", site.unsubscribe_path(uid), site.preferences_path(uid)):
        answer = site.visitor.ask("POST", path, content=body, headers=headers)
        assert answer.status_code in (400, 422)
        assert "<h1" in answer.text
    assert site.fingerprint() == before


def test_a_field_twice_is_refused(site: LiveSite) -> None:
    assert site.visitor.post("/subscribe", {"email": ["a@example.org", "b@example.org"]}).status_code == 422


def _part(value: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + value + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"email": "a@b.c"}', "application/json", 415),
        (b"email=a", "text/plain", 415),
        (b"email=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(60)), "application/x-www-form-urlencoded", 400),
        (b"nothing", "multipart/form-data", 400),
        (b"nothing", "multipart/form-data; boundary=x", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nfile\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"a=" + b"b" * 65_536, "application/x-www-form-urlencoded", 413),
        (_part(b"\xff"), "multipart/form-data; boundary=x", 400),
        (_part(b"abc-d"), "multipart/form-data; boundary=x; charset=punycode", 415),
        (_part(b"abc"), 'multipart/form-data; charset="utf-16"; boundary=x', 415),
    ],
)
def test_what_is_no_form_is_refused(site: LiveSite, body: bytes, kind: str, status: int) -> None:
    uid = site.subscriber("ann@example.org")
    with site.database.write() as session:
        site.signup.ask(session, "ben@example.org", ["weekly"], way="form", words="Yes.", now=site.clock())
    waiting = site.confirm_path(site.letters()[0])
    before = site.fingerprint()
    for path in ("/subscribe", waiting, site.unsubscribe_path(uid), site.preferences_path(uid)):
        answer = site.visitor.ask("POST", path, content=body, headers={"content-type": kind})
        assert answer.status_code == status
        assert "<h1" in answer.text
    assert site.fingerprint() == before


def test_a_multipart_form_may_say_that_it_is_utf_8(site: LiveSite) -> None:
    for charset in ("utf-8", '"UTF-8"', "utf8"):
        headers = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
        answer = site.visitor.ask("POST", "/subscribe", content=_part("ä".encode()), headers=headers)
        assert "did not come whole" in answer.text


def test_a_large_body_without_a_length_is_cut_off(site: LiveSite) -> None:
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"a" * 4096

    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert site.visitor.ask("POST", "/subscribe", content=pieces(), headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["x", "-1", "1" * 5000, "²"])
def test_a_length_that_is_none_is_refused(site: LiveSite, length: str) -> None:
    headers = {"content-length": length.encode()}
    assert site.visitor.ask("POST", "/subscribe", headers=headers).status_code in (400, 413)


def test_a_method_that_a_page_has_not_is_named_with_those_it_has(site: LiveSite) -> None:
    answer = site.visitor.ask("DELETE", "/subscribe")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    answer = site.visitor.ask("POST", "/about")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "BREW"):
        assert site.visitor.ask(method, "/").status_code == 405


def test_an_unknown_address_is_not_found_with_a_way_on(site: LiveSite) -> None:
    answer = site.visitor.get("/nothing/of/ours")
    assert answer.status_code == 404
    assert 'href="/archive"' in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_slash_too_many_leads_nowhere_else(site: LiveSite) -> None:
    for path in ("//evil.test", "//evil.test/", "/about/", "/%2F%2Fevil.test", "/clippings//x"):
        answer = site.visitor.ask("GET", f"http://any.host{path}")
        assert answer.status_code == 404


def answers(site: LiveSite) -> Iterator[Any]:
    for route in site.app.routes:
        assert isinstance(route, Route)
        yield site.visitor.get(route.path.replace("{", "").replace("}", ""))
    yield site.visitor.get("/%00")
    yield site.visitor.ask("POST", "/about")
    yield site.visitor.post("/subscribe", {"email": "x"})


def test_every_answer_carries_the_headers_and_no_cookie(site: LiveSite) -> None:
    for answer in answers(site):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value or name == "referrer-policy", answer.url
        assert "set-cookie" not in answer.headers
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_a_failure_of_ours_is_a_plain_page_too(site: LiveSite, caplog: pytest.LogCaptureFixture) -> None:
    with site.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM site")
    assert site.visitor.get("/feeds/rss.xml").status_code == 404

    def broken() -> None:
        raise RuntimeError("by purpose")

    site.app.add_api_route("/broken", broken)
    answer = site.visitor.get("/broken")
    assert answer.status_code == 500
    assert "The fault is ours" in answer.text
    assert "by purpose" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "by purpose" in caplog.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60), body=st.binary(max_size=120))
def test_no_input_is_answered_with_a_failure(site: LiveSite, raw: bytes, body: bytes) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in raw)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in (f"/{quoted}", f"/clippings/{quoted}/x", f"/archive/{quoted}", f"/confirm/{quoted}", f"/?{quoted}"):
        assert site.visitor.get(path).status_code < 500
    assert site.visitor.ask("POST", "/subscribe", content=body, headers=headers).status_code < 500
