"""Whatever stands in a clipping: each digest template makes a mail of it that says the same words in both parts."""

import dataclasses
import email
import email.policy
from email.message import EmailMessage

import pytest
from every_page import DIGESTS, every_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html as markup
from mails import EDITION, KEYS, MAIL_SITE, PERSON, item

from feeds.text import xml_safe
from syndicate.mail.compose import compose
from syndicate.mail.headers import Headers
from syndicate.mail.pages import AppealLine, DigestPage
from syndicate.mail.personal import delivery_mail
from syndicate.mail.render import Renderer
from syndicate.mail.slots import mark, without_marks

RENDERER = Renderer(None)
HEADLINES = (
    "n" * 10_000,
    "word " * 2_000,
    "🜂🔥👩🏽‍🚀🇪🇸" * 200,
    "שלום עולם \u202e\u2067 مرحبا",
    "z" + "\u0301\u0323\u0489" * 300,
    "{{ 7*7 }} {% for x in y %} {# gone #} ${x} %(digest)s %s %",
    "lone \ud800 surrogate \udfff and \x00 \x0b \ufffe",
    f"{mark('unsubscribe')} {mark('confirm')[:-1]} qSxLz7qSxLz7unsubscribezLxSq7",
    "<h1>x</h1><script>alert(1)</script><!-- </body></html> &amp; &#x3c; ]]>",
    "a\r\nBcc: evil@example.org\r\n\r\n.\r\n",
    "=3D =?utf-8?q?x?= \u2028 \u2029 \x85 \u00a0 \u3000",
)
ANY = st.one_of(
    st.sampled_from(HEADLINES),
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=40),
    st.lists(st.sampled_from(HEADLINES[3:]), min_size=2, max_size=3).map(" ".join),
)


def words(text: str) -> str:
    return " ".join(text.split())


def unspaced(text: str) -> str:
    """Without any white space: a line of the text part may end between two Chinese characters."""
    return "".join(text.split())


def hostile(name: str, headline: str, said: str, other: str) -> DigestPage:
    """The page of a template with these words in all places that a person writes, a plain word behind each."""
    bad = dataclasses.replace(
        item(1),
        headline=headline + " h",
        summary=said + " s",
        deck=other + " d",
        publication=other + " p",
        byline=said + " b",
        correction=headline + " c",
    )
    shown = every_page()[name]
    assert isinstance(shown, DigestPage)
    return dataclasses.replace(
        shown,
        sections=((other + " n", (bad,)),),
        more=(dataclasses.replace(item(2), headline=said + " m"),),
        note=headline + " o",
        appeal=AppealLine(other + " a", "https://give.example"),
    )


def parts(shown: DigestPage, name: str) -> tuple[str, markup.HtmlElement]:
    """Both parts of the mail as it goes out, as its reader's program takes them apart."""
    headers = Headers(
        sender="Coalition News <news@example.org>",
        reply_to=None,
        subject="",
        date=EDITION.at,
        list_id=None,
        list_unsubscribe_mailto=None,
        archive=None,
        feedback_id=None,
        kind="digest",
        message_domain="news.example.org",
        language="en",
    )
    mail = delivery_mail(
        compose(RENDERER.render(name, shown), headers, "seed"),
        person=PERSON,
        edition=EDITION,
        site=MAIL_SITE,
        subscriber_id=7,
        keys=KEYS,
        signing=(),
    )
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Bcc"] is None
    assert len(message.get_all("Subject", [])) == 1
    text, html = message.iter_parts()
    return text.get_content(), markup.document_fromstring(html.get_content())


@pytest.mark.parametrize("name", DIGESTS)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(ANY, ANY, ANY)
def test_both_parts_say_the_same_words_whatever_they_are(name: str, headline: str, said: str, other: str) -> None:
    shown = hostile(name, headline, said, other)
    text, root = parts(shown, name)
    plain, seen = unspaced(text), words(root.text_content())
    (bad,) = shown.sections[0][1]
    told = [bad.headline, bad.summary, bad.deck, bad.publication, bad.byline, bad.correction, shown.more[0].headline]
    told += [shown.note or ""] + ([shown.appeal.text] if shown.appeal and name != "correction" else [])
    for field in told:
        for paragraph in xml_safe(without_marks(xml_safe(field))).split("\n\n"):
            assert words(paragraph) in seen
            assert unspaced(paragraph) in plain
    assert len(root.xpath("//h1")) == 1
    assert not root.xpath("//script | //img | //iframe")
    leave = KEYS.unsubscribe_token(PERSON.uid, "weekly")
    assert text.count(leave) == markup.tostring(root, encoding="unicode").count(leave) == 2


@pytest.mark.parametrize("headline", HEADLINES, ids=range(len(HEADLINES)))
def test_each_known_trap_is_read_back(headline: str) -> None:
    text, root = parts(hostile("single", headline, headline, headline), "single")
    expected = words(without_marks(xml_safe(headline + " h")))
    assert expected in words(root.xpath("//h1")[0].text_content())
    assert expected in words(text)
