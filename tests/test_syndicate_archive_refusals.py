"""What the reader of saved pages refuses, in one line with file and line number, and how fast."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_pages import ABOVE, BACK, BELOW, SOURCE, page

from syndicate.clippings.archive_pages import (
    ArchivedClipping,
    UnreadablePage,
    decode,
    detect,
    read_index,
    read_page,
)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "no text"),
        (" \n\u00a0\n", 1, "no text"),
        ("\x00\x01\x02" * 100, 1, "no text"),
        (ABOVE, 1, "no line of the form"),
        (ABOVE + BELOW, 1, "no line of the form"),
        (page("A Headline", "By Ada Quill", BACK), 1, "no line of the form"),
        (page("Harbor Times (TX)", "A Headline", BACK), 1, "no line of the form"),
        (page("Next spring -- Harbor Times (TX)", "A Headline", BACK), 1, "no line of the form"),
        (page("2008 - A Year in Review", "A Headline"), 1, "no line of the form"),
        (page("March 2009 -- The doors were shut.", "A Headline"), 1, "no line of the form"),
        (page("February 30, 2009 -- Harbor Times (TX)", "A Headline"), 13, "'February 30, 2009' is not a date"),
        (page("13/13/09 -- Harbor Times (TX)", "A Headline", BACK), 13, "'13/13/09' is not a date"),
        (page("2008-2009 -- Harbor Times (TX)", "A Headline", BACK), 13, "'2008' is not a date"),
        (page("March 1066 -- Harbor Times (TX)", "A Headline", BACK), 13, "'March 1066' is not a date"),
        ("\n".join([ABOVE, SOURCE]), 12, "no headline"),
        (page(SOURCE, body=()), 13, "no headline"),
        (page(SOURCE, BACK, body=()), 13, "no headline"),
        (page(SOURCE, "-- -- --"), 15, "where the headline should be"),
        (page(SOURCE, "By Ada Quill", BACK), 15, "where the headline should be"),
        (page(SOURCE, BACK, "The doors were shut."), 17, "where the headline should be"),
        (page(SOURCE, body=("All the beds were sold and nobody said a word. " * 8,)), 15, "where the headline"),
        (page(SOURCE), 15, "where the headline should be"),
        (page(SOURCE, "March 2009 -- Prairie Weekly (US)", "A Headline"), 15, "where the headline should be"),
        (page(SOURCE, "A Headline", "By Ada Quill", BACK, body=()), 15, "no article under"),
        (page(SOURCE, "A Headline", body=()), 15, "no article under"),
    ],
)
def test_a_page_without_a_believable_dateline_headline_or_body_is_refused(text: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadablePage) as refused:
        read_page(text, "saved/page.txt")
    assert str(refused.value).startswith(f"saved/page.txt, line {line}: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250
    assert refused.value.status == 1


def test_an_unreadable_date_is_not_passed_over_for_another_line_further_down() -> None:
    text = page("February 30, 2009 -- Harbor Times (TX)", "A Headline", "May 1, 2008 - Prairie Weekly (US)")
    with pytest.raises(UnreadablePage, match="line 13: 'February 30, 2009'"):
        read_page(text, "page.txt")


HUGE = 900_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x" * 5_000_000,
        lambda: "x" * HUGE,
        lambda: "<html>" + "<a " * (HUGE // 3),
        lambda: "<html>" + '<a "' * (HUGE // 4),
        lambda: "<html>" + "<!--" * (HUGE // 4),
        lambda: "<html>" + "<script>" * (HUGE // 8),
        lambda: "<html>&#" + "9" * HUGE,
        lambda: "&" * HUGE,
        lambda: "March 2009 " + "-" * HUGE,
        lambda: "By " + "A, " * (HUGE // 3),
        lambda: decode(bytes(range(256)) * 4000),
        lambda: "\ud800" * 1000,
    ],
)
@pytest.mark.parametrize("reader", [read_page, read_index])
def test_hostile_files_are_refused_at_once(make: Callable[[], str], reader: Callable[[str, str], object]) -> None:
    text = make()
    began = time.process_time()
    with pytest.raises(UnreadablePage):
        reader(text, "page.txt")
    assert time.process_time() - began < 8


def test_hostile_lines_of_the_longest_size_looked_at_are_quick() -> None:
    shapes = ["a, ", "-- ", "( ", "Return to ", "; from ", "1/1/09, ", "By A and ", "? from (", "November Coalition "]
    heads = [(shape * 400)[:limit] for shape in shapes for limit in (109, 159, 219, 299, 499)]
    text = "\n".join([SOURCE, "A Headline", *heads * 20, "The end came."])
    began = time.process_time()
    read_page(text, "page.txt")
    read_index(text, "page.txt")
    detect(text)
    assert time.process_time() - began < 4


def test_bytes_are_read_as_they_were_meant() -> None:
    assert decode("Café “x”".encode()) == "Café “x”"
    assert decode(b"\xef\xbb\xbfCaf\xc3\xa9") == "Café"
    assert decode("Café “x” – y".encode("cp1252")) == "Café “x” – y"
    assert decode("Café".encode("utf-16")) == "Café"
    assert decode(b"\x81\xff") == "\ufffd\u00ff"
    crlf = page(SOURCE, "A Headline", BACK).replace("\n", "\r\n").encode("cp1252")
    assert read_page(decode(crlf), "page.txt") == read_page(page(SOURCE, "A Headline", BACK), "page.txt")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("A b\n\n-—(US)2009/.;<>&\"'"), max_size=300), st.booleans())
def test_any_text_is_read_whole_or_refused(text: str, sourced: bool) -> None:
    for reader in (read_page, read_index):
        try:
            found = reader(f"{SOURCE}\nA Headline\n{text}" if sourced else text, "any.txt")
        except UnreadablePage:
            continue
        if isinstance(found, ArchivedClipping):
            assert found.headline
            assert found.body
