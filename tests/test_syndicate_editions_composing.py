"""An edition becomes a mail: the same bytes for the same values, small enough, hostile text tamed in every field."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import newsroom
import pytest
from lxml import html as lxml_html

from syndicate.editions.composing import Composer, MailTooLarge, html_size
from syndicate.editions.fitting import LARGEST_HTML
from syndicate.editions.pages import digest_page
from syndicate.editions.snapshot import Corrected, Item, Snapshot
from syndicate.mail.compose import Composition

AT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)  # still the 25th in New York


def _snapshot(*items: Item, note: str | None = None) -> Snapshot:
    return Snapshot(7, "abcdefghabcdefgh", "weekly", "scheduled", "draft", None, AT, note, None, items)


def _item(number: int = 1, **changes: object) -> Item:
    values: dict[str, object] = {
        "clipping_id": f"clip{number}",
        "section": "news",
        "state": "published",
        "headline": f"Story {number}",
        "link": f"https://courier.test/{number}",
        "publication": "The Courier",
        "place": "TX",
        "dateline": "2009-03",
        "byline": "Ann Lee",
        "deck": None,
        "summary": "Why it matters.",
        "rights": "summary",
    }
    return Item(**(values | changes))  # type: ignore[arg-type]


def _compose(folder: Path, snapshot: Snapshot, *, largest: int | None = None) -> Composition:
    desk = newsroom.editions(folder)
    composer = desk.composer if largest is None else Composer(desk.config, desk.renderer, largest_html=largest)
    return composer.compose(desk.config.digest("weekly"), snapshot, number=4, at=AT).composition


def test_the_page_has_sections_in_order_numbers_through_all_and_the_local_day(tmp_path: Path) -> None:
    config = newsroom.editions(tmp_path).config
    items = (
        _item(1, section="letters"),
        _item(2),
        _item(3, link=None, dateline=None),
        _item(4, section="gone"),
    )
    page = digest_page(config, config.digest("weekly"), _snapshot(*items), number=4, at=AT)
    assert [(name, [item.number for item in items]) for name, items in page.sections] == [
        ("Letters", [1]),
        ("News", [2, 3]),
        ("gone", [4]),
    ]
    assert (page.date.isoformat(), page.total) == ("2026-11-25", 4)
    assert page.view_url == "https://valley.test/editions/weekly/4"
    second, third = page.sections[1][1]
    assert (second.url, second.dateline) == ("https://courier.test/2", "March 2009")
    assert (third.url, third.dateline) == ("https://valley.test/clippings/clip3/story-3", "")


def test_the_same_values_give_the_same_bytes_and_another_word_another_hash(tmp_path: Path) -> None:
    first, again = _compose(tmp_path, _snapshot(_item())), _compose(tmp_path, _snapshot(_item()))
    assert first.to_bytes() == again.to_bytes()
    assert first.hash != _compose(tmp_path, _snapshot(_item(summary="Why it mattered."))).hash


def test_a_digest_too_large_for_a_mailbox_moves_its_last_items_to_the_web_and_leaves_the_note_alone(
    tmp_path: Path,
) -> None:
    items = [_item(n, headline=f"Story {n} é " * 40, summary="A few words. " * 60) for n in range(1, 31)]
    desk = newsroom.editions(tmp_path)
    made = Composer(desk.config, desk.renderer, largest_html=27_000).compose(
        desk.config.digest("weekly"), _snapshot(*items, note="Read this."), number=4, at=AT
    )
    assert made.given_up is not None
    assert made.given_up.size == html_size(made.composition) <= 27_000
    assert made.given_up.size >= 0.95 * 27_000, "no more is taken away than must be"
    assert (made.given_up.summaries, made.given_up.lines, made.given_up.counted) == (0, 30, 0)
    assert 0 < made.given_up.moved < 30
    html, text = lxml_html.document_fromstring(made.composition.html), made.composition.text
    assert [one.text_content() for one in html.xpath("//p[starts-with(., 'Read')]")][-1] == "Read this."
    assert [one.text_content() for one in html.xpath("//h2")].count("More on the web") == 1
    stays, moved = html.xpath("//h3//a"), html.xpath("//p[@class='also']/a[@class='also']")
    assert [one.get("href") for one in (*stays, *moved)] == [f"https://courier.test/{n}" for n in range(1, 31)]
    assert len(moved) == made.given_up.moved
    assert all(one.tail == "\xa0· The Courier" for one in moved), "who printed it stands with it"
    assert "MORE ON THE WEB" in text
    assert all(f"\n    https://courier.test/{n}\n" in text for n in range(10, 31))


def test_a_correction_too_large_names_what_it_can_and_a_retracted_clipping_without_a_link(tmp_path: Path) -> None:
    items = [_item(n, headline=f"Story {n}", correction="It was Tuesday. " * 30) for n in range(1, 201)]
    items[-1] = replace(items[-1], state="retracted")
    wrong = replace(_snapshot(*items, note="Days were wrong."), kind="correction", corrects=Corrected(3, AT))
    for language in ("en", "es"):
        desk = newsroom.editions(tmp_path)
        made = desk.composer.compose(desk.config.digest("weekly"), wrong, number=None, at=AT, language=language)
        assert made.given_up is not None
        assert 50 < made.given_up.moved == 200 - made.composition.html.count("<h3")
        assert html_size(made.composition) <= LARGEST_HTML
    few = Composer(desk.config, desk.renderer, largest_html=18_000).compose(
        desk.config.digest("weekly"), replace(wrong, items=tuple(items[-12:])), number=None, at=AT, language="es"
    )
    html = lxml_html.document_fromstring(few.composition.html)
    assert html.xpath("//p[@class='also']")[-1].text_content() == "12 Story 200\xa0· Hemos retirado esta noticia."
    assert "12. Story 200\n    Hemos retirado esta noticia.\n" in few.composition.text
    with pytest.raises(MailTooLarge, match="the template 'correction'"):
        Composer(desk.config, desk.renderer, largest_html=2000).compose(
            desk.config.digest("weekly"), wrong, number=None, at=AT
        )


def test_a_template_too_large_by_itself_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MailTooLarge, match="with one item, where 2000 is the most") as caught:
        _compose(tmp_path, _snapshot(_item()), largest=2000)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "</p><script>alert(1)</script>",
        "a\r\nBcc: x@evil.test",
        "]]>",
        "{{ 7*7 }}{% raw %}",
        "\ud800\x00\x1b[31m",
        "מלחמה",
    ],
)
def test_hostile_text_in_any_field_leaves_a_whole_mail(tmp_path: Path, text: str) -> None:
    fields = ("headline", "publication", "place", "byline", "deck", "summary")
    composition = _compose(tmp_path, _snapshot(replace(_item(), **dict.fromkeys(fields, f"x {text} y")), note=text))
    header, body = composition.fill(
        "a@b.test", "id@valley.test", dict.fromkeys(composition.slots, "https://l.test"), None
    )
    assert b"\r\nBcc:" not in header
    assert body[-1].endswith(b"--\r\n")
    assert "<script" not in composition.html
    assert "{{ 7" in composition.html or "7*7" not in text
    assert "https://allies.test" in composition.html


def test_the_feedback_id_ends_in_a_short_sender_id_that_never_changes(tmp_path: Path) -> None:
    fields = dict(_compose(tmp_path, _snapshot(_item())).last_fields)
    *_, sender = parts = fields["Feedback-ID"].split(":")
    assert len(parts) == 4
    assert 5 <= len(sender) <= 15
    assert sender == dict(_compose(tmp_path, _snapshot(_item(2))).last_fields)["Feedback-ID"].split(":")[-1]


def test_answers_to_a_digest_go_where_it_says_else_where_all_mail_says(tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    config = desk.config.model_copy(
        update={"mail": desk.config.mail.model_copy(update={"reply_to": "office@valley.test"})}
    )
    composer = Composer(config, desk.renderer)
    for given, wanted in ((None, "office@valley.test"), ("weekly@valley.test", "weekly@valley.test")):
        weekly = config.digest("weekly").model_copy(update={"reply_to": given})
        composition = composer.compose(weekly, _snapshot(_item()), number=4, at=AT).composition
        assert dict(composition.first_fields)["Reply-To"] == wanted
