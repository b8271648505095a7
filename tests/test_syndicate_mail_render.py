"""Templates to mail: whatever is in a clipping, a readable mail comes out, and both parts say the same."""

import dataclasses
import email
import email.policy
import re
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote

import cssutils
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import html as markup
from mails import EDITION, HEADLINES, KEYS, MAIL_SITE, PARTNERS, PERSON, SITE, confirmation, digest, item, page

from feeds.text import xml_safe
from syndicate.confined import Confinement
from syndicate.mail.pages import ConfirmPage, DigestLines, DigestPage, PartnerLine, PartnerLink, Rendered, SiteLines
from syndicate.mail.personal import delivery_mail
from syndicate.mail.render import Renderer, TemplateFault, _style_sheet, inlined
from syndicate.mail.slots import SLOTS, mark, without_marks
from syndicate.template_folder import templates_root

HOSTILE = [
    "a\r\nBcc: evil@example.org\r\n\r\n<h1>x",
    "bell\x07 nul\x00 esc\x1b c1\x85 lone\ud800 nonchar\ufffe end",
    "]]> <![CDATA[ --> <!-- ",
    "<script>alert(1)</script></title></style></head>",
    "{{ 7*7 }} {% raw %} {# #}",
    "שלום \u202e\u2066 rtl",
    "long " + "w" * 600 + " tail " * 200,
    f"mark {mark('unsubscribe')} qSxLz7qSxLz7",
    "\"quoted' & <b>bold</b> &amp; &#x3c; =3D =?utf-8?q?x?=",
    "line\u2028separator\u2029paragraph\u0085next",
    ".\n.\nFrom here",
    "漢字かな交じり文" * 40,
]
FIELDS = [
    *("Date", "From", "Subject", "To", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version"),
    *("Content-Type", "Content-Language", "List-Id", "List-Archive", "Feedback-ID", "Precedence"),
]
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.one_of(st.sampled_from(["\r\n", "<", "&", "\x0b", "}}", "ü", mark("since")]), st.text(max_size=8))).map(
        "".join
    ),
)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(None)


def test_a_template_is_compiled_once_for_all_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compiles = ImmutableSandboxedEnvironment.compile

    def compiling(self: ImmutableSandboxedEnvironment, source: str, *more: object, **named: object) -> object:
        compiled.append(source)
        return compiles(self, source, *more, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(ImmutableSandboxedEnvironment, "compile", compiling)
    renderer = Renderer(None)
    english, spanish = (renderer.render("digest", dataclasses.replace(page(3), language=one)) for one in ("en", "es"))
    assert len(compiled) == len(set(compiled)) > 3
    assert "Read in the browser:" in english.text
    assert "Read in the browser:" not in spanish.text


def words(text: str) -> str:
    """Text as a reader sees it: on one line."""
    return " ".join(text.split())


def clean(text: str) -> str:
    return words(without_marks(xml_safe(text)))


def unspaced(text: str) -> str:
    """Without any white space: a line of the text part may end between two Chinese characters."""
    return "".join(text.split())


def tree(source: str) -> markup.HtmlElement:
    return markup.document_fromstring(source)


def bodies(shown: DigestPage) -> tuple[EmailMessage, str, str]:
    """The mail of a page as its reader's program takes it apart."""
    mail = delivery_mail(
        digest(shown), person=PERSON, edition=EDITION, site=MAIL_SITE, subscriber_id=7, keys=KEYS, signing=()
    )
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    text, html = message.iter_parts()
    assert max(map(len, mail.data.split(b"\r\n"))) <= 998
    return message, text.get_content(), html.get_content()


@pytest.mark.parametrize("total", [1, 2, 20])
def test_all_facts_and_links_of_the_html_stand_in_the_text(renderer: Renderer, total: int) -> None:
    mail = renderer.render("digest", page(total))
    text = words(mail.text).casefold()
    body = tree(mail.html).find("body")
    assert body is not None
    facts = [words(fact) for node in body.itertext() for fact in str(node).split("·")]
    assert len(facts) > total
    assert [fact for fact in facts if fact.casefold() not in text] == []
    links = {unquote(link) for link in body.xpath("//a/@href")}
    assert len(links) > total
    rows = set(map(str.strip, mail.text.split("\n")))
    assert {link for link in links if link.removeprefix("mailto:") not in rows} == set(), "each on its own line"


def test_numbers_run_through_all_sections_and_lines_are_short(renderer: Renderer) -> None:
    mail = renderer.render("digest", page(20))
    assert re.findall(r"^(\d+)\. ", mail.text, re.MULTILINE) == [str(n) for n in range(1, 21)]
    assert re.findall(r"^ *(\d+)  \S", mail.text, re.MULTILINE) == [str(n) for n in range(1, 21)], "contents"
    assert [e.text for e in tree(mail.html).cssselect("h3 .n")] == [str(n) for n in range(1, 21)]
    assert all(len(line) <= 72 for line in mail.text.split("\n") if "://" not in line)
    assert "\n\n\n\n" not in mail.text


def test_each_part_of_the_digest_is_there_and_in_order(renderer: Renderer) -> None:
    mail = renderer.render("digest", page(4))
    assert mail.subject == f"Weekly digest No. 48: {HEADLINES[1]} 1"
    root = tree(mail.html)
    heads = [(e.tag, words(e.text_content())) for e in root.iter("h1", "h2", "h3")]
    assert heads == [
        ("h1", "Weekly digest"),
        ("h2", "Don’t miss"),
        *(("h3", f"{n} {item(n).headline}") for n in (1, 2)),
        ("h2", "Latest news"),
        *(("h3", f"{n} {item(n).headline}") for n in (3, 4)),
        ("h2", "Visit our friends and allies"),
        ("h2", "About this mail"),
    ]
    links = root.xpath("//a/@href")
    assert links[:2] == [page(4).view_url, mark("unsubscribe")]
    assert links.count(mark("unsubscribe")) == 2
    assert mark("preferences") in links
    for partner in PARTNERS:
        assert {partner.url, *(also.url for also in partner.also)} <= set(links)
    assert SITE.postal_address in words(root.text_content())
    assert "Example Herald · 14 November 2026 · WA · Jo Writer" in words(root.text_content())


def test_a_clipping_printed_in_full_links_to_our_page_and_to_its_source(renderer: Renderer) -> None:
    root = tree(renderer.render("digest", page(3)).html)
    (third,) = [h for h in root.iter("h3") if h.text_content().startswith("3 ")]
    assert third.xpath("a/@href") == [item(3).page_url]
    assert third.getnext().xpath("a/@href") == [item(3).link]
    assert third.getnext().xpath("a")[0].text == "Example Herald"


@given(TEXT, TEXT, TEXT)
@settings(max_examples=15, deadline=None)
@example(HOSTILE[0], HOSTILE[1], "w" * 5000 + " tail" * 1000)
@example(HOSTILE[3], HOSTILE[4], HOSTILE[7])
def test_a_readable_mail_comes_out_of_any_text(first: str, second: str, third: str) -> None:
    shown = hostile(first, second, third)
    message, text, html = bodies(shown)
    assert message.keys() == FIELDS
    root = tree(html)
    assert not root.xpath("//script | //iframe | //img | //body//style")
    assert len(root.xpath("//h1")) == 1
    assert len(root.xpath("//h3")) == 2
    said = words(root.text_content())
    plain = unspaced(text)
    for field in (first, second, third):
        assert clean(field) in said
        assert unspaced(clean(field)) in plain
    leave = KEYS.unsubscribe_token(PERSON.uid, "weekly")
    assert html.count(leave) == text.count(leave) == 2, "nobody can place a link of theirs"


def hostile(first: str, second: str, third: str) -> DigestPage:
    bad = dataclasses.replace(
        item(1),
        headline=first + " x",
        publication=second,
        byline=third,
        place=second,
        deck=third,
        summary=second + "\n\n" + first,
        url="javascript:alert(1)",
        link="https://x.example/\r\n<b>",
    )
    other = dataclasses.replace(item(2), headline=second + " y", summary=third)
    partner = PartnerLine(third + " z", 'https://p.example/"><script>', first, (PartnerLink("also", "data:x"),))
    return dataclasses.replace(
        page(2),
        site=dataclasses.replace(SITE, name=first + " n", tagline=second, postal_address=third),
        digest=DigestLines("weekly", second + " d"),
        note=third,
        sections=((first + " s", (bad, other)),),
        partners=(partner,),
    )


def test_a_link_that_is_none_gives_way_to_our_page(renderer: Renderer) -> None:
    shown = hostile("a", "b", "c")
    mail = renderer.render("digest", shown)
    links = [unquote(link) for link in tree(mail.html).xpath("//a/@href")]
    assert not [link for link in links if link.startswith(("javascript", "data"))]
    assert item(1).page_url in links
    assert "javascript" not in mail.text + mail.html
    assert all(re.match(r"https://|mailto:|qSxLz7", link) for link in links)


def test_both_bodies_carry_language_and_direction(renderer: Renderer) -> None:
    for language, way in (("en", "ltr"), ("he", "rtl"), ("ar-EG", "rtl")):
        shown = dataclasses.replace(page(2), language=language)
        root = tree(renderer.render("digest", shown).html)
        body = root.find("body")
        assert body is not None
        for element in (root, *body):
            assert (element.get("lang"), element.get("dir")) == (language, way)


def test_what_mail_programs_need_survives_the_inliner(renderer: Renderer) -> None:
    for mail in (renderer.render("digest", page(3)), renderer.render("confirm", ConfirmPage(SITE, ("A", "B")))):
        assert mail.html.startswith("<!DOCTYPE html>\n<html ")
        assert mail.html.count("<!DOCTYPE") == 1
        root = tree(mail.html)
        (style,) = root.xpath("//style/text()")
        assert "prefers-color-scheme" in style
        rules = re.findall(r":[^;{}]*(?=[;}\n])", re.sub(r"@media[^{]*", "", style))
        assert rules
        assert all("!important" in rule for rule in rules), "else they lose to the inlined ones"
        assert all(table.get("role") == "presentation" for table in root.iter("table"))
        assert "<!--[if mso]>" in mail.html
        sizes = [int(size) for size in re.findall(r"font(?:-size)?: ?(?:bold )?(\d+)px", mail.html)]
        assert {14, 17} <= set(sizes)
        assert min(sizes) >= 14
        assert not root.xpath("//img | //link")


def test_no_style_sheet_can_make_the_inliner_fetch_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"something was fetched: {args}")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    page_with_imports = """<!DOCTYPE html><html><head><title>x</title>
        <link rel="stylesheet" href="http://127.0.0.1:9/a.css">
        <style>@import url(http://127.0.0.1:9/b.css);
        p { color: red; background: url(http://127.0.0.1:9/c.png) }</style>
        </head><body><p>x</p></body></html>"""
    assert "color:red" in inlined(page_with_imports).replace(" ", "")


def test_the_style_sheet_of_a_template_is_read_once_and_every_mail_has_it_whole(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    parse = cssutils.CSSParser.parseString
    monkeypatch.setattr(cssutils.CSSParser, "parseString", lambda self, css: read.append(css) or parse(self, css))
    _style_sheet.cache_clear()
    first = renderer.render("digest", page(3))
    assert [renderer.render("digest", page(3)) for _ in range(3)] == [first] * 3
    assert len(read) == 1
    with ThreadPoolExecutor(1) as other:  # a sheet belongs to one thread
        assert other.submit(renderer.render, "digest", page(3)).result() == first
    assert len(read) == 2


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2 between two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_clipping_in_another_direction_is_turned_whole_in_both_kinds_of_mail(renderer: Renderer) -> None:
    headlines = {"ltr": "Night court", "rtl": "בית המשפט"}
    for language, own in (("en", "ltr"), ("he", "rtl")):
        for way, headline in headlines.items():
            other = dataclasses.replace(item(2), headline=headline, deck=headline, summary=f"{headline}, 2")
            shown = dataclasses.replace(page(2), language=language, sections=(("S", (item(1), other)),))
            head = tree(renderer.render("digest", shown).html).xpath("//h3")[1]
            block = [head, *head.itersiblings()]
            assert len(block) == 4, "headline, source, deck, summary"
            side = {"ltr": "left", "rtl": "right"}[way]
            for element in block:
                assert element.get("dir", own) == way
                assert (f"text-align:{side}" in element.get("style", "").replace(" ", "")) == (way != own)


def test_a_lead_that_is_a_whole_sentence_is_not_set_large(renderer: Renderer) -> None:
    for headline, large in (("n" * 90, True), ("n" * 91, False)):
        shown = dataclasses.replace(page(1), sections=(("S", (dataclasses.replace(item(1), headline=headline),)),))
        [head] = tree(renderer.render("digest", shown).html).xpath("//h3")
        assert ("25px" in head.get("style")) == large


def test_the_only_clipping_of_an_edition_has_no_number(renderer: Renderer) -> None:
    mail = renderer.render("digest", page(1))
    assert words(tree(mail.html).xpath("//h3")[0].text_content()) == item(1).headline
    assert f"\n{item(1).headline}\n" in mail.text


def test_no_line_of_the_text_part_begins_with_a_dot_between_facts(renderer: Renderer) -> None:
    long = dataclasses.replace(
        item(2), publication="The Valley Post and Evening Standard " * 2, byline="Maria del Carmen " * 4
    )
    mail = renderer.render("digest", dataclasses.replace(page(2), sections=(("S", (item(1), long)),)))
    assert "Maria del Carmen" in mail.text
    assert not re.findall(r"^ *·", mail.text, re.MULTILINE)
    assert not re.findall(r"[^\n] \n", mail.text), "no blank at the end of a line"


def test_colours_are_readable_in_light_and_in_the_dark() -> None:
    sheet = (templates_root() / "email" / "look.css").read_text(encoding="utf-8")
    day, night = sheet.split("@media (prefers-color-scheme: dark)")

    def colour(where: str, selector: str, what: str) -> str:
        found = re.search(rf"(?:^|,)\s*{re.escape(selector)}[^{{}}]*{{[^}}]*?\b{what}: (#[0-9a-f]{{6}})", where, re.M)
        assert found, (selector, what)
        return found[1]

    for where in (day, night):
        card = colour(where, ".card", "background-color")
        assert contrast(card, colour(where, ".part", "color")) >= 7
        assert contrast(card, colour(where, ".s", "color")) >= 4.5
        assert contrast(card, colour(where, "a", "color")) >= 4.5
        button = colour(where, ".button", "background-color")
        press = colour(where, ".press" if where is day else "a.press", "color")
        assert contrast(button, press) >= 4.5


def test_a_confirmation_says_what_was_asked_for_and_what_happens_without_it(renderer: Renderer) -> None:
    mail = renderer.render("confirm", ConfirmPage(SITE, ("Weekly digest", "Daily <notes>")))
    assert mail.subject == "Please confirm: Weekly digest, Daily <notes> from Coalition News"
    root = tree(mail.html)
    assert [words(e.text_content()) for e in root.iter("li")] == ["Weekly digest", "Daily <notes>"]
    assert root.xpath(f"//a[@class='press'][@href='{mark('confirm')}']")
    for body in (words(root.text_content()), words(mail.text)):
        assert "Do nothing. Without your confirmation we send nothing more, and after 7 days the link ends." in body
        assert SITE.postal_address in body
        assert "Daily <notes>" in body
    facts = [words(t) for t in root.find("body").itertext()]  # type: ignore[union-attr]
    left = [f for f in facts if f.casefold() not in words(mail.text).casefold() and "button" not in f.casefold()]
    assert left == []
    assert confirmation().slots == {"confirm"}


def test_a_digest_of_sixty_stays_under_what_mail_programs_clip(renderer: Renderer) -> None:
    _, body = digest(page(60)).fill("a@b.example", "i", dict.fromkeys(SLOTS, "x" * 90), None)
    assert sum(map(len, body)) < 102 * 1024


def test_a_subject_is_one_line_and_cut_between_words(renderer: Renderer) -> None:
    for headline in ("word " * 100, "x" * 9000, "a\r\nb"):
        shown = dataclasses.replace(page(1), sections=(("S", (dataclasses.replace(item(1), headline=headline),)),))
        subject = renderer.render("digest", shown).subject
        assert len(subject) <= 150
        assert "\n" not in subject
    assert renderer.render("digest", dataclasses.replace(page(1), number=None)).subject.startswith("Weekly digest: ")
    assert renderer.render("digest", dataclasses.replace(page(1), sections=())).subject == "Weekly digest No. 48"


def site_template(folder: Path, name: str, text: str) -> Renderer:
    path = folder / "email" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Renderer(folder)


def test_the_sites_own_files_come_first_one_by_one(tmp_path: Path, renderer: Renderer) -> None:
    own = site_template(tmp_path, "digest/subject.txt", "{{ digest.name }} of ours")
    mail = own.render("digest", page(2))
    assert mail.subject == "Weekly digest of ours"
    assert mail.html.replace(mail.subject, "") == renderer.render("digest", page(2)).html.replace(
        f"Weekly digest No. 48: {HEADLINES[1]} 1", ""
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ nothing.here }}", "subject.txt fails: 'nothing' is undefined"),
        ("{% if %}", "subject.txt is wrong in line 1"),
        ("{{ 1 / 0 }}", "fails: division by zero"),
        ("{{ ''.__class__.__mro__ }}", "fails: access to attribute '__class__'"),
        ("{{ sections.append(1) }}", "fails"),
        ("{% include 'gone.txt' %}", "no e-mail template gone.txt"),
        ("{% for n in range(9999999) %}{% endfor %}", "fails: Range too big"),
    ],
)
def test_a_bad_template_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    bad = site_template(tmp_path, "digest/subject.txt", text)
    with pytest.raises(TemplateFault, match=re.escape(says)) as fault:
        bad.render("digest", page(1))
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "more than 1 seconds"),
        ("{{ 7 ** (10 ** 8) }}", "more than 1 seconds"),
        ("{{ 'a' * 10 ** 10 }}", "too much memory"),
        ("{% for a in range(99999) %}{{ 'a' * 100000 }}{% endfor %}", "too much memory"),
        ("{{ 'a' * 34000000 }}", "more than 32 MB"),
        ("{% include 'digest/body.txt' %}", "maximum recursion depth exceeded"),
        ("{% extends 'digest/body.txt' %}", "maximum recursion depth exceeded"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "maximum recursion depth exceeded"),
    ],
)
def test_a_template_that_would_take_the_program_down_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    bad = site_template(tmp_path, "digest/body.txt", text)
    bad._apart = Confinement(seconds=1 if "seconds" in says else 30)
    with pytest.raises(TemplateFault, match=re.escape(says)) as fault:
        bad.render("digest", page(1))
    assert "the e-mail template digest/body.txt" in str(fault.value)
    assert "\n" not in str(fault.value)
    (tmp_path / "email" / "digest" / "body.txt").write_text("mended\n")
    assert bad.render("digest", page(1)).text == "mended\n"


def test_the_html_of_a_site_is_inlined_apart_too(tmp_path: Path) -> None:
    own = site_template(tmp_path, "digest/body.html", "<html><style>p{color:red}</style><p>{{ title }}x</p></html>")
    assert "color:red" in own.render("digest", page(1)).html.replace(" ", "")
    (tmp_path / "email" / "digest" / "body.html").write_text("<!-- -->")
    with pytest.raises(TemplateFault, match=r"the HTML of the e-mail template digest/body\.html cannot be read"):
        own.render("digest", page(1))
    endless = "<html><style>" + "p{color:red}p b{top:0}" * 20 + "</style>" + "<p>x" * 200_000
    (tmp_path / "email" / "digest" / "body.html").write_text(endless)
    own._apart = Confinement(seconds=1)
    with pytest.raises(TemplateFault, match=r"digest/body\.html, .* more than 1 seconds"):
        own.render("digest", page(1))


def test_no_process_is_started_for_the_templates_of_the_program(tmp_path: Path, renderer: Renderer) -> None:
    own = Renderer(tmp_path)
    own._apart = Confinement(seconds=0)
    assert own.render("digest", page(1)) == renderer.render("digest", page(1))


def test_a_template_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match="there is no e-mail template brochure/subject") as fault:
        Renderer(tmp_path).render("brochure", page(1))
    assert f"{tmp_path / 'email'} and {templates_root() / 'email'}" in str(fault.value)


def test_a_context_may_also_be_a_mapping(renderer: Renderer) -> None:
    shown = page(1)
    values = {field.name: getattr(shown, field.name) for field in dataclasses.fields(shown)}
    assert renderer.render("digest", values) == renderer.render("digest", shown)
    assert isinstance(renderer.render("digest", values), Rendered)
    assert isinstance(shown.site, SiteLines)
