"""Lines of plain text by the columns they take: none too wide, no word lost, no break where none may be."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.mail.columns import columns, filled, listed, shortened
from syndicate.mail.words import opening, underlined, wrapped

TOKYO = (
    "漢字かな交じり文の要約です。今月、最初の四十件が図書館から借りた部屋で「審理」され、誰も独房には送られなかった。"
)
WORDS = st.text(st.sampled_from("ab é漢字。「」ｶﾞe\u0301👩\u200d🚀שלום\u200f-한국"), max_size=80).map(
    lambda text: " ".join(text.split())
)


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        ("", 0),
        ("abc", 3),
        ("漢字", 4),
        ("한국", 4),
        ("e\u0301", 1),
        ("é", 1),
        ("📚", 2),
        ("שלום\u200f", 4),
        ("ｶ", 1),
        ("“…”", 3),
    ],
)
def test_a_text_takes_the_columns_of_its_characters(text: str, wide: int) -> None:
    assert columns(text) == wide


@settings(max_examples=200, deadline=None)
@given(WORDS, st.integers(8, 40))
def test_lines_are_narrow_and_no_character_is_lost(text: str, width: int) -> None:
    lines = filled(text, width, "1. ", "   ").split("\n")
    assert "".join("".join(lines).split()).removeprefix("1.") == "".join(text.split())
    for line in lines:
        assert line == line.rstrip()
        assert columns(line) <= width or " " not in line.removeprefix("1. ").strip()
    for before, after in pairwise(lines):
        assert unicodedata.category(after.strip()[0]) not in ("Mn", "Cf", "Pe") or " " in text, (before, after)


def test_japanese_is_broken_between_its_characters_and_never_before_a_closing_mark() -> None:
    lines = wrapped(TOKYO, "1. ").split("\n")
    assert len(lines) == 2
    for width in range(12, 40):
        lines = filled(TOKYO, width).split("\n")
        assert all(columns(line) <= width for line in lines)
        assert not [line for line in lines if line[0] in "。、」" or line[-1] == "「"]


def test_what_belongs_together_stays_in_one_line() -> None:
    for whole in ("👩🏽\u200d🚀" * 20, "한국어" * 20, "e\u0301" * 60, "https://news.example.org/" + "x" * 80):
        assert filled(f"a {whole} b", 20) == f"a\n{whole}\nb"


def test_facts_are_whole_where_they_can_be_and_a_dot_begins_no_line() -> None:
    facts = ("The Valley Post-Intelligencer and Evening Standard", "21 November 2026", "CA", "Maria del Carmen")
    assert listed(facts, 72, "    ", "    ") == (
        "    The Valley Post-Intelligencer and Evening Standard ·\n    21 November 2026 · CA · Maria del Carmen"
    )
    assert listed(("one one one one one one one", "two"), 20) == "one one one one one\none one · two"
    assert listed((), 20) == ""


@settings(max_examples=200, deadline=None)
@given(WORDS, st.integers(8, 40))
def test_a_shortened_line_fits_and_is_the_beginning(text: str, width: int) -> None:
    short = shortened(text, width)
    assert columns(short) <= width
    assert text.startswith(short.removesuffix("…")) if text else short == ""
    assert (short == text) == (columns(text) <= width)


def test_a_line_is_under_the_whole_of_a_heading() -> None:
    assert underlined("漢字", "=") == "漢字\n===="
    head, second, line = underlined("word " * 20).split("\n")
    assert (len(line), head[:4], second[:4]) == (len(head), "WORD", "WORD")


def test_a_line_begins_with_a_large_letter_in_every_language() -> None:
    assert [opening(text) for text in ("jueves, 26", "Thursday", "", "26 jueves")] == [
        "Jueves, 26",
        "Thursday",
        "",
        "26 jueves",
    ]
