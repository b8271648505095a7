"""A mail that would be clipped is made smaller: summaries first, then items, and it says so."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.editions.fitting import TooLarge, cut, fit
from syndicate.mail.pages import DigestItem, DigestLines, DigestPage, SiteLines


def _page(items: int, summary: int = 100, headline: int = 40) -> DigestPage:
    made = tuple(
        DigestItem(
            number=number,
            headline="h" * headline,
            url="https://x.test/",
            page_url="https://x.test/",
            summary="word " * (summary // 5),
        )
        for number in range(1, items + 1)
    )
    return DigestPage(
        site=SiteLines("Site", "https://x.test", "", "1 Street", "en", "a@x.test"),
        digest=DigestLines("weekly", "Weekly"),
        number=4,
        date=date(2026, 11, 26),
        note="Hello.",
        sections=(("One", made[: items // 2]), ("Two", made[items // 2 :])),
        partners=(),
        view_url="https://x.test/editions/weekly/4",
        subscribe_url="https://x.test/subscribe",
        total=items,
    )


def _size(page: DigestPage) -> int:
    items = [item for _, items in page.sections for item in items]
    return 8000 + sum(600 + len(item.headline) + len(item.deck) + len(item.summary) for item in items)


def _fit(page: DigestPage, limit: int) -> tuple[DigestPage | TooLarge, int]:
    tried: list[DigestPage] = []

    def compose(shown: DigestPage) -> DigestPage:
        tried.append(shown)
        return shown

    return fit(page, compose=compose, size=_size, limit=limit), len(tried)


def test_what_fits_is_composed_once_and_left_as_it_is() -> None:
    page = _page(20)
    assert _fit(page, 102_000) == (page, 1)


def test_summaries_are_shortened_before_an_item_goes() -> None:
    page = _page(60, summary=2000)
    found, tries = _fit(page, 80_000)
    assert isinstance(found, DigestPage)
    assert tries <= 6
    assert sum(len(items) for _, items in found.sections) == 60
    assert found.note == "Hello."
    summaries = [item.summary for _, items in found.sections for item in items]
    assert all(0 < len(summary) <= 400 and summary.endswith("word…") for summary in summaries)


def test_then_the_last_items_go_and_the_note_says_where_they_are() -> None:
    found, tries = _fit(_page(300), 102_000)
    assert isinstance(found, DigestPage)
    shown = [item.number for _, items in found.sections for item in items]
    assert shown == list(range(1, len(shown) + 1))
    assert 120 <= len(shown) < 160
    assert tries <= 11
    assert found.total == 300
    assert found.note == (
        f"Hello.\n\nHere are the first {len(shown)} of 300. The other {300 - len(shown)} are on the web: "
        "https://x.test/editions/weekly/4"
    )


@pytest.mark.parametrize("field", ["headline", "byline", "publication", "place", "link", "url"])
def test_one_monstrous_field_costs_no_other_clipping_its_place(field: str) -> None:
    page = _page(4)
    monster = replace(page.sections[0][1][0], **{field: "https://x.test/" + "a" * 120_000})
    page = replace(page, sections=(("One", (monster, *page.sections[0][1][1:])), *page.sections[1:]))

    def size(shown: DigestPage) -> int:
        return sum(len(repr(item)) for _, items in shown.sections for item in items)

    made = fit(page, compose=lambda shown: shown, size=size, limit=20_000)
    assert isinstance(made, DigestPage)
    assert [len(items) for _, items in made.sections] == [2, 2]
    assert made.note == "Hello."


def test_a_single_item_that_does_not_fit_is_said_to_be_too_large() -> None:
    found, tries = _fit(_page(50), 5000)
    assert found == TooLarge(8640)
    assert tries <= 11


def test_a_monstrous_headline_is_cut_before_items_are() -> None:
    found, _ = _fit(_page(2, headline=90_000), 102_000)
    assert isinstance(found, DigestPage)
    assert [len(item.headline) for _, items in found.sections for item in items] == [300, 300]


@given(st.integers(1, 120), st.integers(0, 3000), st.integers(1, 2000), st.integers(9000, 120_000))
def test_the_result_is_never_larger_than_the_limit_and_never_empty(
    items: int, summary: int, headline: int, limit: int
) -> None:
    found, tries = _fit(_page(items, summary, headline), limit)
    assert tries <= 11
    if isinstance(found, TooLarge):
        one = replace(_page(1, 0, min(headline, 300)))
        assert _size(one) > limit
    else:
        assert _size(found) <= limit
        assert sum(len(items) for _, items in found.sections) >= 1


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [
        ("short", 10, "short"),
        ("one two three", 9, "one two…"),
        ("onetwothree", 6, "onetw…"),
        ("one", 0, ""),
        ("", 0, ""),
    ],
)
def test_text_is_cut_between_words_where_that_is_possible(text: str, characters: int, expected: str) -> None:
    assert cut(text, characters) == expected
