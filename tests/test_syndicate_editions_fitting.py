"""A mail that would be clipped is made smaller: summaries first, then items move to the web, and it is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.editions.fitting import MOST_LINKS, Fitted, TooLarge, cut, fit
from syndicate.editions.given_up import GivenUp
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


def _items(page: DigestPage) -> list[DigestItem]:
    return [item for _, items in page.sections for item in items]


def _size(page: DigestPage) -> int:
    items = sum(600 + len(item.headline) + len(item.deck) + len(item.summary) for item in _items(page))
    links = sum(250 + len(item.headline) + len(item.url) for item in page.more)
    return 8000 + items + links + (100 if page.rest else 0)


def _fit(
    page: DigestPage, limit: int, size: Callable[[DigestPage], int] = _size
) -> tuple[DigestPage, GivenUp | None, int]:
    tried: list[DigestPage] = []

    def compose(shown: DigestPage) -> DigestPage:
        tried.append(shown)
        return shown

    found = fit(page, compose=compose, size=size, limit=limit)
    assert isinstance(found, Fitted)
    return found.composed, found.given_up, len(tried)


def test_what_fits_is_composed_once_and_left_as_it_is() -> None:
    page = _page(20)
    assert _fit(page, 102_000) == (page, None, 1)


def test_summaries_are_shortened_before_an_item_moves() -> None:
    page = _page(60, summary=2000)
    found, given_up, tries = _fit(page, 80_000)
    assert tries <= 6
    assert (len(_items(found)), found.more, found.rest, found.note) == (60, (), 0, "Hello.")
    assert given_up == GivenUp(summaries=400, lines=0, moved=0, counted=0, size=_size(found))
    assert all(0 < len(one.summary) <= 400 and one.summary.endswith("word…") for one in _items(found))


def test_then_the_last_items_move_to_the_web_and_the_note_stays_the_editors() -> None:
    found, given_up, tries = _fit(_page(160), 102_000)
    numbers = [item.number for item in (*_items(found), *found.more)]
    assert numbers == list(range(1, 161))
    assert 0 < len(found.more) < MOST_LINKS
    assert tries <= 12
    assert (found.total, found.note, found.rest) == (160, "Hello.", 0)
    assert given_up == GivenUp(summaries=0, lines=0, moved=len(found.more), counted=0, size=_size(found))
    assert _size(found) > 0.95 * 102_000


def test_beyond_fifty_links_the_others_are_counted() -> None:
    found, given_up, tries = _fit(_page(2000), 102_000)
    assert tries <= 12
    assert len(found.more) == MOST_LINKS
    assert given_up is not None
    assert (given_up.moved, given_up.counted) == (2000 - len(_items(found)), found.rest)
    assert found.rest == 2000 - MOST_LINKS - len(_items(found))
    assert _size(found) > 0.95 * 102_000


@pytest.mark.parametrize("field", ["headline", "byline", "publication", "place", "link", "url"])
def test_one_monstrous_field_costs_no_other_clipping_its_place(field: str) -> None:
    page = _page(4)
    monster = replace(page.sections[0][1][0], **{field: "https://x.test/" + "a" * 120_000})
    page = replace(page, sections=(("One", (monster, *page.sections[0][1][1:])), *page.sections[1:]))
    found, given_up, _ = _fit(page, 20_000, lambda shown: sum(len(repr(item)) for item in _items(shown)))
    assert [len(items) for _, items in found.sections] == [2, 2]
    assert given_up is not None
    assert (given_up.summaries, given_up.lines, given_up.moved) == (None, 1, 0)


def test_a_first_item_that_does_not_fit_alone_is_said_to_be_too_large() -> None:
    for items in (1, 50):
        found = fit(_page(items), compose=lambda shown: shown, size=_size, limit=5000)
        assert found == TooLarge(8640 + (100 if items > 1 else 0))


def test_where_links_alone_are_too_long_fewer_are_named() -> None:
    found, given_up, tries = _fit(_page(40, headline=300), 12_000)
    assert (len(_items(found)), len(found.more) > 2, tries <= 12) == (1, True, True)
    assert given_up is not None
    assert (given_up.moved, given_up.counted) == (39, 39 - len(found.more))


def test_a_monstrous_headline_is_cut_before_items_move() -> None:
    found, given_up, _ = _fit(_page(2, headline=90_000), 102_000)
    assert [len(item.headline) for item in _items(found)] == [300, 300]
    assert given_up is not None
    assert (given_up.lines, given_up.moved) == (2, 0)


def _without_more(page: DigestPage) -> int:
    return _size(replace(page, more=(), rest=0))


def _all_twice(page: DigestPage) -> int:
    return 2 * _size(page)


@given(
    st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 3000)), min_size=1, max_size=150),
    st.integers(9_000, 120_000),
    st.sampled_from((_size, _without_more, _all_twice)),
)
def test_the_result_fits_and_each_item_is_in_it_or_named_or_counted(
    lengths: list[tuple[int, int]], limit: int, size: Callable[[DigestPage], int]
) -> None:
    made = tuple(
        replace(item, headline="h" * headline, summary="word " * (summary // 5))
        for item, (headline, summary) in zip(_items(_page(len(lengths))), lengths, strict=True)
    )
    sections = (("One", made[:3]), ("Two", made[3:])) if len(made) > 3 else (("One", made),)
    page = replace(_page(1), sections=sections, total=len(made))
    tried: list[DigestPage] = []
    found = fit(page, compose=lambda shown: tried.append(shown) or shown, size=size, limit=limit)  # type: ignore[func-returns-value]
    assert len(tried) <= 12
    if isinstance(found, TooLarge):
        assert found.size == min(map(size, tried)) > limit
        return
    shown = found.composed
    assert size(shown) <= limit
    numbers = [item.number for item in (*_items(shown), *shown.more)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) + shown.rest == shown.total == len(made)
    assert all(items for _, items in shown.sections)
    assert (shown.note, shown.title) == (page.note, page.title)
    if found.given_up is None:
        assert shown == page
    else:
        assert (found.given_up.moved, found.given_up.counted) == (len(made) - len(_items(shown)), shown.rest)
        assert found.given_up.size == size(shown)


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
