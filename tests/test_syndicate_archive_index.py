"""The reader of the archive's lists, what tells a list from a page, and what makes two clippings the same."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_pages import ABOVE, BACK, BELOW, SOURCE, as_html, page

from syndicate.clippings.archive_pages import (
    ArchivedClipping,
    UnreadablePage,
    detect,
    fingerprint,
    read_index,
)
from syndicate.datelines import Dateline


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A Jail Closes; from Harbor Times (TX), 2/6/09", ("A Jail Closes", "Harbor Times", "TX", "2009-02-06")),
        ("A Jail Closes; from Harbor Times (TX), 2/6/98", ("A Jail Closes", "Harbor Times", "TX", "1998-02-06")),
        (
            "A Jail Closes; from Harbor Times (US Web), 2/6/09",
            ("A Jail Closes", "Harbor Times", "US Web", "2009-02-06"),
        ),
        ("Beds; Yards; from X (Ives) (FL), 2/6/09", ("Beds; Yards", "X (Ives)", "FL", "2009-02-06")),
        (
            "A Jail Closes; from Post &amp; Courant, The (SC), 2/6/09",
            ("A Jail Closes", "Post & Courant, The", "SC", "2009-02-06"),
        ),
        ("Who Pays? from Harbor Times (TX), 2/6/09", ("Who Pays?", "Harbor Times", "TX", "2009-02-06")),
        ("Who Pays? From Harbor Times (TX), 2/6/09", ("Who Pays?", "Harbor Times", "TX", "2009-02-06")),
        ("Who Pays?; from Harbor Times (TX), 2/6/09", ("Who Pays?", "Harbor Times", "TX", "2009-02-06")),
        ("A Jail Closes, 2/6/09", ("A Jail Closes", None, None, "2009-02-06")),
        ("A Jail Closes; 2/6/09", ("A Jail Closes", None, None, "2009-02-06")),
        ("A Jail Closes; from (TX), 2/6/09", ("A Jail Closes", None, "TX", "2009-02-06")),
        ("A Jail Closes (TX), 2/6/09", ("A Jail Closes", None, "TX", "2009-02-06")),
        ("A Jail Closes; from Harbor Times, 2/6/09", ("A Jail Closes", "Harbor Times", None, "2009-02-06")),
        ("A Jail Closes; from Harbor Times 2/6/09", ("A Jail Closes", "Harbor Times", None, "2009-02-06")),
        ("Since 9/11/01, Fear; from X (NY), 9/12/02", ("Since 9/11/01, Fear", "X", "NY", "2002-09-12")),
        ("Since 9/11/01 Fear Rules, 9/12/02", ("Since 9/11/01 Fear Rules", None, None, "2002-09-12")),
        ("A Jail Closes, 2/6/09; from Harbor Times (TX)", ("A Jail Closes", "Harbor Times", "TX", "2009-02-06")),
        ("A Jail Closes; from X (TX), 2/6/09 (PDF, updated 3/1/09)", ("A Jail Closes", "X", "TX", "2009-02-06")),
        ("A Jail Closes; from X (TX), 2/6/09 - a must; from us", ("A Jail Closes", "X", "TX", "2009-02-06")),
        ("A Jail Closes, from X (TX), 2/6/09", ("A Jail Closes", "X", "TX", "2009-02-06")),
        ("Letters from Jail from X (TX), 2/6/09", ("Letters from Jail", "X", "TX", "2009-02-06")),
        ("A Jail Closes; (TX), 2/6/09", ("A Jail Closes", None, "TX", "2009-02-06")),
        ("A Jail Closes; from, 2/6/09", ("A Jail Closes", None, None, "2009-02-06")),
        ("A Jail Closes; Harbor Times (TX), 2/6/09", ("A Jail Closes", "Harbor Times", "TX", "2009-02-06")),
        ("• A Jail Closes; from X (TX), August 10, 2004", ("A Jail Closes", "X", "TX", "2004-08-10")),
        ("A Jail Closes; from X (US), March 2004", ("A Jail Closes", "X", "US", "2004-03")),
        ("A Jail Closes;\nfrom X (US), 2/6/09", ("A Jail Closes", "X", "US", "2009-02-06")),
        ("A Jail Closes; from\nX (US), 2/6/09", ("A Jail Closes", "X", "US", "2009-02-06")),
        ("A Jail Closes; from X (US),\n2/6/09", ("A Jail Closes", "X", "US", "2009-02-06")),
        (
            "A Jail That Nobody Had Asked For and That Nobody Will Miss Closes\nToday; from X (US), 2/6/09",
            ("A Jail That Nobody Had Asked For and That Nobody Will Miss Closes Today", "X", "US", "2009-02-06"),
        ),
        ("Who Pays? 2/6/09", ("Who Pays?", None, None, "2009-02-06")),
        ("A Jail Closes (2/6/09); from X (TX)", ("A Jail Closes", "X", "TX", "2009-02-06")),
        ("A Jail Closes; from X (TX), 2/6/09Read it", ("A Jail Closes", "X", "TX", "2009-02-06")),
        (
            "A Jail Closes; from Record, The (Ives, TX), 2/6/09",
            ("A Jail Closes", "Record, The", "Ives, TX", "2009-02-06"),
        ),
        ("A Jail Closes; from X (OR), June 2008 (pdf)", ("A Jail Closes", "X", "OR", "2008-06")),
        (
            "Talk by A. B. Quill, Chairman, Board of Jails, Beds, and Yards, 2/6/09 (pdf) - More",
            ("Talk by A. B. Quill, Chairman, Board of Jails, Beds, and Yards", None, None, "2009-02-06"),
        ),
    ],
)
def test_a_line_of_a_list_is_read_with_its_irregularities(
    line: str, expected: tuple[str, str | None, str | None, str]
) -> None:
    found = read_index(f"Drug War News\n\n{line}\n\nHome", "list.txt")
    assert not found.unread
    [clipping] = found.clippings
    assert (clipping.headline, clipping.publication, clipping.place, clipping.dateline.text) == expected
    assert (clipping.body, clipping.deck, clipping.byline, clipping.line) == ("", None, None, 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A Jail Closes; from Harbor Times (TX), 2/30/09", "February 2009 has no day 30"),
        ("Since 9/11/01, Fear; from X (NY), 13/13/02", "no month 13"),
        ("A Jail Closes; from Harbor Times (TX), ?/6/09", "not a dateline"),
        ("A Jail Closes; from Harbor Times (TX), 2/6/9", "not a dateline"),
        ("A Jail Closes; from Harbor Times (TX), 2/6", "no date after the publication"),
        ("A Jail Closes; from Harbor Times (TX)", "no date after the publication"),
        ("Fear Since 9/11/01 Rules; from Harbor Times (TX)", "no date after the publication"),
        ("A Jail Closes, 2/6", "no year"),
        ("A Jail Closes, 2/30/09", "no day 30"),
        ("Last updated 2/6/09", "not the form"),
        ("Page last updated, 2/6/09", "not the form"),
        ("; from Harbor Times (TX), 2/6/09", "no headline"),
        ("from Harbor Times (TX), 2/6/09", "no headline"),
        ("2/6/09", "not the form"),
        ("Friday, March 6, 2009", "not the form"),
        ("Posted Friday, 3/6/09", "not the form"),
        ("Ives, March 6, 2009", "not the form"),
        ("word " * 120 + ", 2/6/09", "a paragraph"),
    ],
)
def test_a_line_with_a_date_that_cannot_be_read_is_named(line: str, reason: str) -> None:
    found = read_index(f"Drug War News\n\n{line}", "list.txt")
    assert not found.clippings
    [unread] = found.unread
    assert unread.line == 3
    assert unread.text == line.strip()[:500]
    assert reason in unread.reason


def test_navigation_without_a_date_is_passed_over_and_the_order_kept() -> None:
    text = f"{ABOVE}\nMarch 2009\n\nB Falls; from X (NY), 3/2/09\nA Rises; from Y (TX), 3/1/09\n\n{BELOW}"
    found = read_index(text, "list.txt")
    assert [clipping.headline for clipping in found.clippings] == ["B Falls", "A Rises"]
    assert not found.unread
    markup = read_index(as_html(text), "list.html")
    assert [clipping.headline for clipping in markup.clippings] == ["B Falls", "A Rises"]


@pytest.mark.parametrize("text", ["", ABOVE, BELOW, "A Headline\n\nBy Ada Quill"])
def test_a_file_without_any_entry_is_no_list(text: str) -> None:
    with pytest.raises(UnreadablePage, match=r"list\.txt, line 1: "):
        read_index(text, "list.txt")


def test_pages_and_lists_are_told_apart() -> None:
    listed = f"{ABOVE}\nB Falls; from X (NY), 3/2/09\nA Rises? from Y (TX), 3/1/09\n{BELOW}"
    article = page(SOURCE, "A Headline", "By Ada Quill", BACK)
    assert [detect(text) for text in (listed, as_html(listed))] == ["index", "index"]
    assert [detect(text) for text in (article, as_html(article), "", ABOVE)] == ["archive"] * 4


def test_an_article_beside_the_latest_lines_of_a_list_is_an_article() -> None:
    latest = "B Falls; from X (NY), 3/2/09\nA Rises? from Y (TX), 3/1/09\nC Stands; from Z (TX), 3/1/09"
    for head in (("By Ada Quill", BACK), ("By Ada Quill",)):
        for above, below in ((f"{ABOVE}\n\n{latest}", BELOW), (ABOVE, f"{BELOW}\n\n{latest}")):
            assert detect(page(SOURCE, "A Headline", *head, above=above, below=below)) == "archive"
    assert detect(f"May 5, 2009 - Rally for Parole (WA)\n\n{latest}\n\n{BACK}") == "index"


def made(headline: str, publication: str | None = "Harbor Times", dateline: str = "2004-08-10") -> ArchivedClipping:
    return ArchivedClipping(headline, Dateline(dateline), publication, "TX", None, None, "body")


def test_the_same_page_twice_has_one_fingerprint() -> None:
    first = fingerprint(made('The "Jail" That Isn\'t -- Again'))
    assert len(first) == 64
    assert int(first, 16) >= 0
    for variant in (
        "THE “JAIL” THAT ISN’T — AGAIN",
        "The  “Jail”\u00a0that isn't - again",
        "The 'Jail' That Isnt–Again",
    ):
        assert fingerprint(made(variant)) == first
    other_reading = dataclasses.replace(
        made('The "Jail" That Isn\'t -- Again'), body="x", byline="A", line=9, place=None
    )
    assert fingerprint(other_reading) == first


def test_another_headline_publication_or_date_is_another_clipping() -> None:
    marks = [
        made("The Jail"),
        made("The Jail 2"),
        made("Jail"),
        made("The Jail", "Prairie Weekly"),
        made("The Jail", None),
        made("The Jail", dateline="2004-08"),
        made("The Jail", dateline="2004-08-11"),
        made("The Jail Harbor", "Times"),
        made("Тюрьма"),
    ]
    assert len({fingerprint(one) for one in marks}) == len(marks)


HEADLINE = st.lists(st.sampled_from(["Jail", "Beds", "Sold", "Twice", "Wonders"]), min_size=1, max_size=9).map(" ".join)
PUBLICATION = st.sampled_from(["Harbor Times", "St. Ives Star-Sun", "News, Times & Post", "X (Fort Ives)"])
PLACE = st.sampled_from(["US", "TX", "UK", "US Web", "CN BC"])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(HEADLINE, st.none() | PUBLICATION, st.none() | PLACE), min_size=1, max_size=8),
    st.sampled_from(["", " (PDF)", " with pictures", "*"]),
)
def test_a_list_written_out_is_read_back(entries: list[tuple[str, str | None, str | None]], after: str) -> None:
    lines, wanted = [ABOVE], []
    for number, (headline, publication, place) in enumerate(entries):
        where = f" ({place})" if place else ""
        middle = f"; from {publication}{where}" if publication else ""
        lines.append(f"{headline}{middle}, {number + 1}/6/09{after}")
        wanted.append((headline, publication, place if publication else None, f"2009-{number + 1:02d}-06"))
    found = read_index("\n".join([*lines, BELOW]), "list.txt")
    assert not found.unread
    got = [(one.headline, one.publication, one.place, one.dateline.text) for one in found.clippings]
    assert got == wanted
