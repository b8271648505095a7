"""What the check of an edition finds: each fault is found where it is put, and a good mail has none."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import mails
import pytest

from syndicate.editions.composing import Made, html_size
from syndicate.editions.given_up import GivenUp
from syndicate.editions.preflight import contrast, linking, reading, vouching
from syndicate.editions.preflight.examination import _CHECKS
from syndicate.editions.preflight.facts import Facts, Seen
from syndicate.editions.preflight.findings import Finding
from syndicate.editions.preflight.reach import MOST_LINKS, reachable
from syndicate.editions.preflight.room import lost, room

FACTS = Facts(
    url="https://news.example.org",
    sender_domain="example.org",
    signing="example.org",
    bounce_domain="example.org",
    postal_address=mails.SITE.postal_address,
    largest_html=102_000,
)


def good() -> Seen:
    composed = mails.digest(mails.page(8))
    return Seen.of(composed, url=FACTS.url, size=html_size(composed))


def page(body: str, style: str = "") -> Seen:
    """A mail with this body alone."""
    return replace(good(), html=f"<!DOCTYPE html><html><head><style>{style}</style></head><body>{body}</body></html>")


def levels(found: Iterator[Finding]) -> list[str]:
    return [one.level for one in found]


def test_a_good_mail_has_neither_fault_nor_warning() -> None:
    seen = good()
    assert [one for check in _CHECKS for one in check(seen, FACTS)] == []


def test_a_subject_is_neither_empty_nor_too_long_to_be_read() -> None:
    assert levels(reading.subject(replace(good(), subject=" "), FACTS)) == ["fault"]
    assert levels(reading.subject(replace(good(), subject="x" * 71), FACTS)) == ["warning"]
    assert levels(reading.subject(replace(good(), subject="x" * 70), FACTS)) == []


def test_a_mail_that_would_be_clipped_has_a_fault() -> None:
    assert levels(reading.size(replace(good(), size=102_001), FACTS)) == ["fault"]
    assert levels(reading.size(replace(good(), size=102_000), FACTS)) == []


def test_a_part_that_is_empty_or_lacks_the_postal_address_has_a_fault() -> None:
    assert [one.where for one in reading.both_parts(replace(good(), text=""), FACTS)] == ["text"]
    assert [one.where for one in reading.both_parts(replace(good(), html=""), FACTS)] == ["html"]
    assert [one.where for one in reading.both_parts(page("<p>Only this</p>"), FACTS)] == ["html"]


def test_a_link_that_the_text_part_lacks_is_named() -> None:
    seen = good()
    link = seen.links[1].href
    [found] = reading.text_has_every_link(replace(seen, text=seen.text.replace(link, "")), FACTS)
    assert (found.level, link[:60] in found.what) == ("warning", True)


def test_what_did_not_fit_is_a_warning_once_or_by_language() -> None:
    none, some = GivenUp(None, 0, 3, 1, 101_000), GivenUp(120, 1, 0, 0, 100_000)
    assert list(room({"en": None, "es": None})) == []
    [alike] = room({"en": none, "es": replace(none, size=99_000)})
    assert (alike.level, alike.where) == ("warning", "html")
    assert alike.what.endswith(": 3 clippings moved to “More on the web”, 1 of them only counted there")
    assert "max_items" in alike.remedy
    first, other = room({"en": none, "es": some})
    assert (first.where, other.where) == ("html, en", "html, es")
    assert other.what.endswith(": summaries cut to 120 characters, overlong lines or links of 1 clipping cut")
    assert [one.where for one in room({"en": None, "es": some})] == ["html, es"]


def test_a_clipping_that_a_mail_neither_shows_nor_names_nor_counts_is_found() -> None:
    whole = mails.page(12)
    everything = [item for _, items in whole.sections for item in items]
    fewer = replace(whole, sections=(("News", tuple(everything[:4])),), more=tuple(everything[4:6]), rest=6)
    told = GivenUp(0, 0, 8, 6, 9000)
    assert list(lost(whole, [Made(mails.digest(whole), None), Made(mails.digest(fewer), told)])) == []
    [uncounted] = lost(whole, [Made(mails.digest(replace(fewer, rest=0)), told)])
    assert (uncounted.level, uncounted.where) == ("warning", "html")
    assert uncounted.what == "6 of its 12 clippings are nowhere in the mail"
    [unnamed] = lost(whole, [Made(mails.digest(replace(fewer, more=())), told)])
    assert unnamed.what == "2 of its 12 clippings are nowhere in the mail"
    # A headline without its link is there all the same.
    linkless = tuple(replace(item, url="", page_url="", link=None) for item in everything)
    assert list(lost(whole, [Made(mails.digest(replace(whole, sections=(("News", linkless),))), None)])) == []


def test_what_was_given_up_is_kept_and_read_again() -> None:
    for given_up in (GivenUp(None, 0, 3, 1, 101_000), GivenUp(0, 1, 0, 0, 100_000)):
        assert GivenUp.of_json(json.loads(json.dumps(given_up.as_json()))) == given_up


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2>", 0),
        ("<h2>A</h2>", 1),
        ("<h1>A</h1><h1>B</h1>", 1),
        ("<h1>A</h1><h3>B</h3>", 1),
        ("<h1>A</h1><h2> </h2>", 1),
    ],
)
def test_headings_begin_at_one_and_skip_no_level(body: str, count: int) -> None:
    assert levels(reading.headings(page(body), FACTS)) == ["warning"] * count


def test_a_mail_says_its_language_and_direction_twice() -> None:
    assert len(list(reading.language(page("<p>A</p>"), FACTS))) == 4
    wrong = page("<p>A</p>").html.replace("<html>", '<html lang="es" dir="ltr">')
    [found] = reading.language(replace(good(), html=wrong.replace("<p>", '<p lang="en" dir="ltr">')), FACTS)
    assert "lang=es" in found.what


def test_a_picture_without_words_is_named() -> None:
    assert levels(reading.pictures(page('<img src="https://a.example/x.png">'), FACTS)) == ["warning"]
    assert levels(reading.pictures(page('<img src="https://a.example/x.png" alt="">'), FACTS)) == []


@pytest.mark.parametrize(
    ("href", "level"),
    [
        ("https://paper.example.com/a?b=1#c", None),
        ("mailto:news@example.org", None),
        ("https://news.example.org/x", None),
        ("/clippings/1", "fault"),
        ("//paper.example.com/a", "fault"),
        ("", "fault"),
        ("javascript:alert(1)", "fault"),
        ("ftp://paper.example.com/a", "fault"),
        ("https://", "fault"),
        ("https://paper.example.com:x/", "fault"),
        ("https://[::1", "fault"),
        ("https://paper.example.com/a b", "fault"),
        ("mailto:", "fault"),
        ("http://localhost:8000/", "fault"),
        ("http://127.0.0.1/", "fault"),
        ("http://10.1.2.3/", "fault"),
        ("http://[::1]/", "fault"),
        ("http://169.254.169.254/latest", "fault"),
        ("http://intranet/", "fault"),
        ("https://desk.local/", "fault"),
        ("https://bit.ly/3x", "warning"),
        ("https://www.tinyurl.com/3x", "warning"),
    ],
)
def test_a_link_leads_somewhere_a_reader_can_go(href: str, level: str | None) -> None:
    found = levels(linking.links(page(f'<a href="{href}">Words</a>'), FACTS))
    assert found == ([level] if level else [])


def test_a_site_that_nobody_can_reach_is_told_once_and_one_without_https_has_a_fault() -> None:
    local = replace(FACTS, url="http://localhost:8000")
    assert levels(linking.links(page('<a href="http://localhost:8000/x">W</a>'), local)) == []
    assert levels(linking.own_site(good(), local)) == ["warning"]
    assert levels(linking.own_site(good(), replace(FACTS, url="http://news.example.org"))) == ["fault"]


@pytest.mark.parametrize(
    ("signing", "bounces", "level"),
    [
        ("example.org", "other.example", None),
        ("mail.example.org", "other.example", None),
        ("other.example", "bounces.example.org", "warning"),
        ("other.example", "other.example", "fault"),
        ("badexample.org", "other.example", "fault"),
        (None, "other.example", "note"),
    ],
)
def test_who_signs_vouches_for_the_sender(signing: str | None, bounces: str, level: str | None) -> None:
    found = levels(vouching.alignment(good(), replace(FACTS, signing=signing, bounce_domain=bounces)))
    assert found == ([level] if level else [])


def test_the_contrast_of_black_on_white_is_21_and_of_the_same_is_1() -> None:
    assert round(contrast.ratio((0, 0, 0), (255, 255, 255)), 1) == 21
    assert contrast.ratio((9, 99, 199), (9, 99, 199)) == 1
    assert round(contrast.ratio((0x76, 0x76, 0x76), (255, 255, 255)), 2) == 4.54  # WCAG's own example


@pytest.mark.parametrize(
    ("style", "count"),
    [
        ("color:#000000;font-size:17px", 0),
        ("color:#777777;font-size:17px", 1),  # 4.48
        ("color:#666666;font-size:17px", 1),  # 5.7: too little to read at length
        ("color:#666666;font-size:14px", 0),  # enough for what describes
        ("color:#aaa;font-size:14px", 1),
        ("background-color:#000", 1),  # black on black: the ink is inherited
    ],
)
def test_pale_text_is_named(style: str, count: int) -> None:
    assert levels(contrast.contrast(page(f'<div style="{style}">Words</div>'), FACTS)) == ["warning"] * count


def test_a_link_left_dark_in_the_dark_scheme_is_named() -> None:
    link = '<p><a class="h" style="color:#0e5a55">W</a></p>'
    body = f'<div class="card" style="background-color:#fff;color:#000">{link}T</div>'
    dark = (
        "@media (prefers-color-scheme: dark) { .card { background-color: #111 !important; color: #eee !important } %s }"
    )
    [found] = contrast.contrast(page(body, dark % ""), FACTS)
    assert "#0e5a55 on #111111 in the dark scheme" in found.what
    assert levels(contrast.contrast(page(body, dark % "a { color: #7fcfc4 !important }"), FACTS)) == []
    # The more exact rule wins, wherever it stands.
    both = "a.h { color: #7fcfc4 !important } a { color: #222 !important } a:hover { color: #000 }"
    assert levels(contrast.contrast(page(body, dark % both), FACTS)) == []


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        asked.append(f"{self.command} {self.path}")
        status = {"/gone": 410, "/away": 302, "/round": 302, "/get": 405}.get(self.path, 200)
        self.send_response(200 if self.path == "/get" and self.command == "GET" else status)
        if status == 302:
            self.send_header("Location", "/fine" if self.path == "/away" else "/round")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815 - the name that http.server calls

    def log_message(self, *words: object) -> None:
        del words


asked: list[str] = []


@contextmanager
def web_server() -> Iterator[str]:
    asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_links_are_fetched_and_what_is_gone_is_named() -> None:
    with web_server() as root:
        paths = ("/fine", "/gone", "/away", "/round", "/get", "/fine")
        found = list(reachable([root + path for path in paths], own="https://own.example", allowed=lambda _: True))
    assert [one.what.removeprefix(root) for one in found] == [
        "/gone: the server answers 410",
        "/round: more than 3 redirections",
    ]
    assert asked.count("HEAD /fine") == 2  # once by itself, once at the end of a redirection
    assert asked.count("GET /get") == 1


def test_no_private_address_is_asked() -> None:
    with web_server() as root:
        port = root.rpartition(":")[2]
        hrefs = [f"{root}/fine", f"http://localhost:{port}/fine", f"http://[::ffff:127.0.0.1]:{port}/fine"]
        found = list(reachable(hrefs, own="https://own.example"))
    assert ["private address" in one.what for one in found] == [True] * 3
    assert asked == []


def test_so_many_links_are_fetched_and_the_rest_is_told() -> None:
    with web_server() as root:
        hrefs = [f"{root}/{number}" for number in range(MOST_LINKS + 3)]
        [found] = reachable(hrefs, own="https://own.example", allowed=lambda _: True)
        assert (found.level, found.what) == ("note", "3 of 53 links were not fetched")
        assert list(reachable([f"{root}/own"], own=root)) == []
    assert len(asked) == MOST_LINKS


@pytest.mark.parametrize(
    "size", ["font-size: 14px", "font: 14px/1.5 Arial", "font: italic bold 14px Arial", "font: 1px x; font-size: 14px"]
)
def test_the_size_of_what_describes_is_read_from_both_ways_to_write_it(size: str) -> None:
    grey = f'<p style="color: #666666; {size}">Small</p>'
    assert levels(contrast.contrast(page(grey), FACTS)) == []
    assert levels(contrast.contrast(page(grey.replace("14px", "17px")), FACTS)) == ["warning"]
