"""Every mail template in every language: both parts say the same, and what comes out is what was looked at."""

import dataclasses
import os
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from every_page import DIGESTS, every_page
from lxml import html as markup

from syndicate.mail.render import Renderer
from syndicate.mail.slots import mark
from syndicate.template_folder import templates_root

GOLDEN = Path(__file__).parent / "golden" / "email"
RENDERER = Renderer(None)
MAILS = [(name, language) for name in every_page() for language in ("en", "es", "he")]
BUTTON_WORDS = ("If the button does not work", "Si el botón no funciona")


def words(text: str) -> str:
    return " ".join(text.split())


def body_of(source: str) -> markup.HtmlElement:
    body = markup.document_fromstring(source).find("body")
    assert body is not None
    return body


def test_each_template_folder_has_a_page_here() -> None:
    folders = {path.name for path in (templates_root() / "email").iterdir() if path.is_dir()}
    assert folders == set(every_page())


@pytest.mark.parametrize(("name", "language"), MAILS)
def test_the_text_holds_every_fact_and_link_of_the_html(name: str, language: str) -> None:
    mail = RENDERER.render(name, every_page(language)[name])
    body, text = body_of(mail.html), words(mail.text).casefold()
    facts = [words(fact) for node in body.itertext() for fact in str(node).split("·")]
    missing = [fact for fact in facts if fact.casefold().rstrip(":.") not in text]
    assert [fact for fact in missing if not fact.startswith(BUTTON_WORDS)] == []
    rows = set(map(str.strip, mail.text.split("\n")))
    links = {unquote(link).removeprefix("mailto:") for link in body.xpath("//a/@href")}
    assert links - rows == set(), "each address stands on a line of its own"
    assert all(len(line) <= 72 for line in mail.text.split("\n") if "://" not in line)
    assert "\n\n\n\n" not in mail.text


@pytest.mark.parametrize(("name", "language"), MAILS)
def test_a_mail_has_one_first_heading_its_language_twice_and_no_picture(name: str, language: str) -> None:
    root = markup.document_fromstring(RENDERER.render(name, every_page(language)[name]).html)
    levels = [int(e.tag[1]) for e in root.iter("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for element in (root, *root.find("body")):  # type: ignore[misc]
        assert (element.get("lang"), element.get("dir")) == (language, "rtl" if language == "he" else "ltr")
    assert not root.xpath("//img | //script | //link")
    leaves = root.xpath("//a/@href").count(mark("unsubscribe"))
    assert leaves == (2 if name in DIGESTS else 0), "at the top and at the end of a digest, nowhere else"


def test_a_subject_that_an_editor_wrote_stands() -> None:
    for folder in DIGESTS:
        page = dataclasses.replace(every_page()[folder], title="Tonight’s vote")  # type: ignore[call-arg]
        assert RENDERER.render(folder, page).subject == "Tonight’s vote"


def test_the_correction_says_on_top_what_it_puts_right_and_marks_the_clipping() -> None:
    mail = RENDERER.render("correction", every_page()["correction"])
    for said in (mail.text, body_of(mail.html).text_content()):
        plain = words(said)
        wrong, headline = plain.index("We gave the wrong day."), plain.index("What a pardon takes")
        assert plain.index("This puts right what we sent you in “Weekly digest”, No. 48.") < wrong < headline
        assert "Corrected: The hearing was on Tuesday, not on Monday." in plain


@pytest.mark.parametrize(("name", "language"), [(name, language) for name, language in MAILS if language != "he"])
def test_what_comes_out_is_what_was_looked_at(name: str, language: str) -> None:
    """Golden files. After a change that is meant: look at the mail, then SYNDICATE_TEST_GOLDEN=write once."""
    mail = RENDERER.render(name, every_page(language)[name])
    shown = {"txt": f"Subject: {mail.subject}\n\n{mail.text}", "html": re.sub(r"[ \t]+\n", "\n", mail.html)}
    for kind, text in shown.items():
        path = GOLDEN / f"{name}.{language}.{kind}"
        if os.environ.get("SYNDICATE_TEST_GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")
