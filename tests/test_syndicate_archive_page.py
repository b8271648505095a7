"""The reader of saved archive pages: the article and its source, and not the site around it."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_pages import ABOVE, BACK, BELOW, BODY, SOURCE, as_html, page

from syndicate.clippings.archive_pages import ArchivedClipping, fingerprint, read_page
from syndicate.datelines import Dateline


def read(*head: str, body: tuple[str, ...] = BODY, below: str = BELOW) -> ArchivedClipping:
    return read_page(page(*head, body=body, below=below), "page.txt")


def test_a_page_is_its_article_and_nothing_of_the_site() -> None:
    clipping = read(
        "March 2007 -- Prairie Weekly (US)",
        "The Jail That Nobody Needed",
        "How a County Built for a Boom in Prisoners and Was Left With the Bill",
        "By Ada Quill",
        BACK,
    )
    assert clipping == ArchivedClipping(
        headline="The Jail That Nobody Needed",
        dateline=Dateline("2007-03"),
        publication="Prairie Weekly",
        place="US",
        deck="How a County Built for a Boom in Prisoners and Was Left With the Bill",
        byline="Ada Quill",
        body="\n\n".join(BODY),
        line=13,
    )


@pytest.mark.parametrize(
    ("line", "dateline", "publication", "place"),
    [
        ("August 10, 2004 - Harbor Times (TX)", "2004-08-10", "Harbor Times", "TX"),
        ("Aug. 10, 2004 – Harbor Times (TX)", "2004-08-10", "Harbor Times", "TX"),
        ("2/6/09 — Harbor Times (TX)", "2009-02-06", "Harbor Times", "TX"),
        ("2/6/95--Harbor Times (TX)", "1995-02-06", "Harbor Times", "TX"),
        ("March 2009 -- Harbor Times", "2009-03", "Harbor Times", None),
        ("March 2009 -- Harbor Times (US Web)", "2009-03", "Harbor Times", "US Web"),
        ("March 2009 -- Harbor Times (UK)", "2009-03", "Harbor Times", "UK"),
        ("March 2009 -- Harbor Times (Fort Ives) (FL)", "2009-03", "Harbor Times (Fort Ives)", "FL"),
        ("March 2009 -- Harbor Times (Fort Ives)", "2009-03", "Harbor Times (Fort Ives)", None),
        ("March 2009 -- Post &amp; Courant, The (SC)", "2009-03", "Post & Courant, The", "SC"),
        ("March&nbsp;2009 --\u00a0St. Ives Star-Sun (MN)", "2009-03", "St. Ives Star-Sun", "MN"),
        ("Sept. 3, 1998 -- N.E. Farmer Inc.", "1998-09-03", "N.E. Farmer Inc.", None),
        ("2004 -- Harbor Times (TX)", "2004", "Harbor Times", "TX"),
        ("July-August 2004 - Harbor Times (TX)", "2004-07", "Harbor Times", "TX"),
        ("10 August 2004 &#8212; Harbor Times (CN BC)", "2004-08-10", "Harbor Times", "CN BC"),
        ("August 10,2004 - Harbor Times (TX)", "2004-08-10", "Harbor Times", "TX"),
        ("March 2009 -- Record, The (Ives, TX)", "2009-03", "Record, The", "Ives, TX"),
        ("March 2009 -- Harbor Herald (Australia)", "2009-03", "Harbor Herald", "Australia"),
        ("March 2009 -- KHBR (TV)", "2009-03", "KHBR (TV)", None),
        ("March 2009 -- Harbor News - 60 Minutes (US)", "2009-03", "Harbor News - 60 Minutes", "US"),
    ],
)
def test_the_source_line_is_read_in_all_its_forms(
    line: str, dateline: str, publication: str, place: str | None
) -> None:
    clipping = read(line, "A Headline", BACK)
    assert (clipping.dateline.text, clipping.publication, clipping.place) == (dateline, publication, place)
    assert clipping.body == "\n\n".join(BODY)


DECK = "Who Pays, Who Gains and Who Keeps the Beds"


@pytest.mark.parametrize(
    ("head", "deck", "byline"),
    [
        ((), None, None),
        ((BACK,), None, None),
        ((DECK,), DECK, None),
        ((DECK, BACK), DECK, None),
        (("Three years of beds that nobody slept in",), "Three years of beds that nobody slept in", None),
        ((DECK, "By Ada Quill"), DECK, "Ada Quill"),
        ((DECK, "By Ada Quill", BACK), DECK, "Ada Quill"),
        ((DECK, BACK, "By Ada Quill"), DECK, "Ada Quill"),
        ((BACK, DECK, "By Ada Quill"), DECK, "Ada Quill"),
        ((BACK, "By Ada Quill"), None, "Ada Quill"),
        (("By Ada Quill",), None, "Ada Quill"),
        (("By Ada Quill", DECK, BACK), DECK, "Ada Quill"),
        (("Ada Quill", BACK), None, "Ada Quill"),
        ((DECK, "ADA Q. QUILL", BACK), DECK, "ADA Q. QUILL"),
        ((BACK, "Ada Quill"), None, "Ada Quill"),
        (("Ada Quill and Tom O'Dell", BACK), None, "Ada Quill and Tom O'Dell"),
        (("Ada Quill, Jr.", BACK), None, "Ada Quill, Jr."),
        (("Broken Beds, Empty Yards", BACK), "Broken Beds, Empty Yards", None),
        ((DECK, "GoodShop: You Shop and We Gain!", "By Ada Quill", BACK), DECK, "Ada Quill"),
        (("Voices from Inside", DECK, BACK), DECK, None),
        ((DECK, "And Why It Took Three Years", BACK), f"{DECK} And Why It Took Three Years", None),
        ((DECK, "And Why It Took Three Years", "By Ada Quill"), f"{DECK} And Why It Took Three Years", "Ada Quill"),
        ((DECK, "And Why It Took Three Years"), f"{DECK} And Why It Took Three Years", None),
        (("The beds are for sale.", "By Ada Quill"), "The beds are for sale.", "Ada Quill"),
        (("The beds are for sale.", BACK), "The beds are for sale.", None),
        (("By Ada Quill", "Associated Press Writer"), None, "Ada Quill"),
        (("By Ada Quill", "Harbor Times", BACK), None, "Ada Quill"),
        (("Ada Quill, Staff Writer",), None, "Ada Quill"),
        (("Return to Don't Miss Archive", "By Ada Quill"), None, "Ada Quill"),
        (("Return to Drug War News: Don’t Miss Archives", DECK), DECK, None),
        ((DECK, f"[12]{BACK}"), DECK, None),
        (("Ada Quill",), None, "Ada Quill"),
        ((DECK, "Ada Quill"), DECK, "Ada Quill"),
        (("Ada Quill and Tom O'Dell",), None, "Ada Quill and Tom O'Dell"),
        (("Broken Beds", BACK, "By Ada Quill"), "Broken Beds", "Ada Quill"),
        (("Special Report",), "Special Report", None),
    ],
)
def test_deck_and_byline_are_found_wherever_they_stand(
    head: tuple[str, ...], deck: str | None, byline: str | None
) -> None:
    clipping = read(SOURCE, "The Jail That Nobody Needed", *head)
    assert (clipping.headline, clipping.deck, clipping.byline) == ("The Jail That Nobody Needed", deck, byline)
    assert clipping.body == "\n\n".join(BODY)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("By Ada Quill", "Ada Quill"),
        ("by Ada Quill", "Ada Quill"),
        ("BY ADA QUILL", "ADA QUILL"),
        ("By: Ada Quill", "Ada Quill"),
        ("Written by Ada Quill", "Ada Quill"),
        ("By Ada Quill, Editor", "Ada Quill"),
        ("By Ada Quill, Staff Writer", "Ada Quill"),
        ("By Ada Quill, The Harbor Morning News", "Ada Quill"),
        ("By ADA QUILL, Associated Press", "ADA QUILL"),
        ("By Ada Quill, Arts and Leisure Editor", "Ada Quill"),
        ("By Ada Quill, Prairie Weekly", "Ada Quill"),
        ("By Ada Quill Staff Writer", "Ada Quill"),
        ("By Ada Quill of the Harbor Times", "Ada Quill"),
        ("By Ada Quill (Harbor Times)", "Ada Quill"),
        ("By Staff Writer Ada Quill", "Ada Quill"),
        ("By Ada Quill and Tom O'Dell", "Ada Quill and Tom O'Dell"),
        ("By Ada Quill and Tom O'Dell, Staff Writers", "Ada Quill and Tom O'Dell"),
        ("By Ada Quill, Tom O'Dell and Li Wei", "Ada Quill, Tom O'Dell and Li Wei"),
        ("By Ada Quill, Tom O'Dell, and Li Wei", "Ada Quill, Tom O'Dell, and Li Wei"),
        ("By Ada Quill, Staff Writer, and Tom O'Dell, Special to The Post", "Ada Quill and Tom O'Dell"),
        ("By Martin L. Quill, Jr.", "Martin L. Quill, Jr."),
        ("By Martin Quill Jr., Editor", "Martin Quill Jr."),
        ("By Ada van der Quill", "Ada van der Quill"),
        ("By José Ñandú-Pérez", "José Ñandú-Pérez"),
        ("By A. Philip Quill", "A. Philip Quill"),
        ("By Dorothy Day", "Dorothy Day"),
        ("By Ada Law, Editor", "Ada Law"),
        ("By The Associated Press", "The Associated Press"),
        ("By Staff", "Staff"),
        ("By the Associated Press", "the Associated Press"),
        ("By Ada Quill; Associated Press", "Ada Quill"),
        ("By Ada Quill (a former deputy who now " + "writes, and writes, " * 9 + "of jails)", "Ada Quill"),
        ("By Will Quill", "Will Quill"),
        ("Ada Quill, AlterNet", "Ada Quill"),
        ("Ada Quill, Tom O'Dell and Li Wei", "Ada Quill, Tom O'Dell and Li Wei"),
        ("Ada Quill and Tom O'Dell, Staff Writers", "Ada Quill and Tom O'Dell"),
    ],
)
def test_a_byline_keeps_the_names_alone(line: str, names: str) -> None:
    for place in ((line, BACK), (BACK, line), (line,)):
        clipping = read(SOURCE, "The Jail That Nobody Needed", *place)
        assert (clipping.byline, clipping.deck) == (names, None)
        assert clipping.body == "\n\n".join(BODY)


@pytest.mark.parametrize("line", ["By Any Means Necessary", "By Design, a Drug War", "By the Numbers"])
def test_a_deck_that_begins_with_by_is_no_byline(line: str) -> None:
    clipping = read(SOURCE, "The Jail That Nobody Needed", line, "By Ada Quill", BACK)
    assert (clipping.deck, clipping.byline) == (line, "Ada Quill")


@pytest.mark.parametrize("first", ["Dear Friends,", "To the Editor:", "IVES, Texas -- It was over.", "It was over."])
def test_a_first_line_that_opens_the_article_is_no_deck(first: str) -> None:
    body = (first, *BODY)
    clipping = read(SOURCE, "The Jail That Nobody Needed", body=body)
    assert (clipping.deck, clipping.byline, clipping.body) == (None, None, "\n\n".join(body))


def test_a_body_may_begin_with_by_or_with_a_short_line() -> None:
    body = ("By Tuesday the beds were gone.", *BODY)
    assert read(SOURCE, "A Headline", body=body).body == "\n\n".join(body)
    assert read(SOURCE, "A Headline", "By Ada Quill", BACK, body=body).body == "\n\n".join(body)


@pytest.mark.parametrize("headline", ["2009 - A Year of Beds", "May 5, 2004 -- The Day the Jail Closed"])
def test_a_headline_may_begin_with_a_date(headline: str) -> None:
    for head in ((headline, BACK), (headline, "By Ada Quill", BACK), (headline,)):
        clipping = read(SOURCE, *head)
        assert (clipping.dateline.text, clipping.publication) == ("2004-08-10", "Harbor Times")
        assert (clipping.headline, clipping.body) == (headline, "\n\n".join(BODY))


def test_a_headline_may_say_return_to() -> None:
    assert read(SOURCE, "Return to Prohibition", BACK).headline == "Return to Prohibition"


def test_everything_else_stays_as_printed() -> None:
    odd = ('The  "Rabbit" -- it\'s said -- ate 5 < 6 carrots &amp; <b>more</b>\u00a0\u2026', "R&D; AT&T")
    clipping = read(SOURCE, 'The "Raid" That Wasn\'t -- Again', body=odd)
    assert clipping.headline == 'The "Raid" That Wasn\'t -- Again'
    assert clipping.body == 'The "Rabbit" -- it\'s said -- ate 5 < 6 carrots & <b>more</b> \u2026\n\nR&D; AT&T'


def test_an_event_in_the_navigation_is_not_taken_for_the_dateline() -> None:
    above = f"{ABOVE}\nMay 5, 2009 - Rally for Parole\n2008 - A Year in Review\n"
    for head in ((SOURCE, "A Headline"), (SOURCE, "A Headline", BACK)):
        clipping = read_page(page(*head, above=above), "page.txt")
        assert (clipping.publication, clipping.headline) == ("Harbor Times", "A Headline")
    clipping = read_page(page("August 10, 2004 - Harbor Times", "A Headline", BACK, above=above), "page.txt")
    assert (clipping.publication, clipping.headline) == ("Harbor Times", "A Headline")


def test_a_source_line_inside_the_article_is_not_taken_for_the_dateline() -> None:
    body = (*BODY, "May 1, 2008 - Prairie Weekly (US)", "The Other Jail")
    for below in (BELOW, BACK, ""):
        for source in (SOURCE, "August 10, 2004 - Harbor Times"):
            clipping = read(source, "A Headline", "By Ada Quill", body=body, below=below)
            assert (clipping.publication, clipping.headline) == ("Harbor Times", "A Headline")
            assert clipping.body == "\n\n".join(body)


def test_a_page_saved_as_html_reads_like_its_text() -> None:
    text = page(
        SOURCE, "Who Pays & Who Gains", DECK, "By Ada Quill", BACK, body=(*BODY, "The price was < $5 & falling.")
    )
    markup = as_html(text)
    clipping = read_page(markup, "page.html")
    assert clipping == dataclasses.replace(read_page(text, "page.txt"), line=clipping.line)
    assert "Harbor Times" in markup.split("\n")[clipping.line - 1]


def test_old_html_with_breaks_and_a_table_is_read() -> None:
    markup = (
        "<table><tr><td><a href=/>Home</a><br><a href=/x>Voices from Inside</a></td><td>\n"
        "<b>August&nbsp;10, 2004 -\nHarbor Times (TX)</b><br><br><h2>The <i>Jail</i>\nThat Nobody&#146;s Using</h2>"
        "By Ada Quill<br><br>One paragraph\nof the body.<br><br>Another &eacute;t&eacute; here.<p><hr>"
        "Working to end drug war injustice</td></tr></table>"
    )
    clipping = read_page(markup, "page.html")
    assert clipping.headline == "The Jail That Nobody’s Using"
    assert (clipping.byline, clipping.place, clipping.line) == ("Ada Quill", "TX", 2)
    assert clipping.body == "One paragraph of the body.\n\nAnother été here."


NAMES = st.sampled_from(["Ada", "Tom", "Li", "José", "Ruth", "Ng"])
SURNAMES = st.sampled_from(["Quill", "O'Dell", "McRae", "Ñandú-Pérez", "Wei", "van Holt"])
PERSON = st.builds("{} {}".format, NAMES, SURNAMES)
BYLINE = st.one_of(PERSON, st.builds("{} and {}".format, PERSON, PERSON), PERSON.map(str.upper))
TITLE = st.sampled_from(["", ", Editor", ", Staff Writer", ", The Harbor Morning News", ", Associated Press"])
CAPITALS = st.sampled_from(["Jail", "County", "Beds", "Sold", "Twice", "Farmer", "Judge", "Wonders", "Yard", "Bill"])
HEADLINE = st.lists(CAPITALS, min_size=2, max_size=9).map(" ".join)
WORDS = st.sampled_from("the a beds were sold when nobody looked 1,200 $5 -- (all) U.S. café & <b> from by".split())  # noqa: SIM905
SENTENCE = st.lists(WORDS, min_size=3, max_size=40).map(lambda words: f"Then {' '.join(words)} again.")
PARAGRAPHS = st.lists(SENTENCE, min_size=1, max_size=6)
PUBLICATION = st.sampled_from(
    [
        "Harbor Times",
        "St. Ives Star-Sun",
        "News, Times & Post",
        "X (Fort Ives)",
        "N.E.J. Law Review",
        "Bee",
        "Reason Daily 24/7",
    ]
)
PLACE = st.sampled_from(["US", "TX", "UK", "US Web", "CN BC"])
SEPARATOR = st.sampled_from([" -- ", " - ", " – ", " — ", "--", "—"])
DATES = st.sampled_from(
    [
        ("March 2009", "2009-03"),
        ("Sept. 2009", "2009-09"),
        ("August 10, 2004", "2004-08-10"),
        ("Dec. 31, 1999", "1999-12-31"),
        ("2/6/09", "2009-02-06"),
        ("12/31/1998", "1998-12-31"),
        ("May 1, 2003", "2003-05-01"),
    ]
)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_clipping_written_in_the_page_form_is_read_back(data: st.DataObject) -> None:
    draw = data.draw
    (printed, dateline), place = draw(DATES), draw(st.none() | PLACE)
    deck = draw(st.lists(HEADLINE.filter(lambda text: len(text.split()) >= 4), max_size=2))
    byline = draw(st.none() | BYLINE)
    signed = [] if byline is None else [f"By {byline}{draw(TITLE)}"]
    back = draw(st.sampled_from(["before", "after", "none"]))
    head = [*deck, *signed]
    if back == "before":
        head = [*deck, BACK, *signed]
    elif back == "after":
        head = [*deck, *signed, BACK]
    want = ArchivedClipping(
        headline=draw(HEADLINE),
        dateline=Dateline(dateline),
        publication=draw(PUBLICATION),
        place=place,
        deck=" ".join(deck) or None,
        byline=byline,
        body="\n\n".join(draw(PARAGRAPHS)),
        line=13,
    )
    source = f"{printed}{draw(SEPARATOR)}{want.publication}{f' ({place})' if place else ''}"
    text = page(source, want.headline, *head, body=(want.body,), below=draw(st.sampled_from([BELOW, BACK, ""])))
    assert read_page(text, "page.txt") == want
    from_html = read_page(as_html(text), "page.html")
    assert from_html == dataclasses.replace(want, line=from_html.line)
    assert fingerprint(from_html) == fingerprint(want)
