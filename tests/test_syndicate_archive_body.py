"""Where the reader of saved pages sees the end of an article, and what it keeps and leaves out within."""

import dataclasses

import pytest
from saved_pages import ABOVE, BACK, BELOW, BODY, SOURCE, page

from syndicate.clippings.archive_pages import ArchivedClipping, read_page


def read(*head: str, body: tuple[str, ...] = BODY, below: str = BELOW) -> ArchivedClipping:
    return read_page(page(*head, body=body, below=below), "page.txt")


@pytest.mark.parametrize(
    "below",
    [
        "",
        BACK,
        f"{BACK}\n\n{BELOW}",
        "Visit our friends and allies\n\nThe Drug Policy Alliance\nDrugSense",
        "Working to end drug war injustice\n\nMeet the People Behind The Bars",
        "Drug Policy Alliance\nStopTheDrugWar.org\nDrugSense",
        "Calendar of Gatherings\n\nVoices from Inside",
        "Top\n\nQuestions or problems? Contact webmaster@example.org",
        "November Coalition Projects\n\nAnother Short Line\n\nThe Razor Wire",
        "Home | Site Map | About Us",
        "Copyright 2009, The November Coalition. All rights reserved.",
        "Questions or problems? Contact webmaster@example.org.",
        "For the latest drug war news, visit our friends and allies below We are careful not to duplicate the efforts "
        "of other organizations, and so we send you on.\n\nThe Drug Policy Alliance",
        ABOVE,
        "Latest Drug War News\nGoodShop: You Shop and We Gain!\nCalendar of Gatherings\nVoices from Inside\n"
        "The Razor Wire\nAsk for Parole Again!",
    ],
)
def test_what_stands_under_the_article_is_left_out(below: str) -> None:
    assert read(SOURCE, "A Headline", "By Ada Quill", below=below).body == "\n\n".join(BODY)


def test_an_article_keeps_its_own_short_lines_and_names() -> None:
    body = (*BODY, "What comes next", "The Drug Policy Alliance has asked for a hearing.", "Ada Quill lives in Ives")
    assert read(SOURCE, "A Headline", BACK, body=body).body == "\n\n".join(body)
    assert read(SOURCE, "A Headline", BACK, body=body, below="").body == "\n\n".join(body)


@pytest.mark.parametrize(
    "line",
    [
        "Meet the people behind the wall: nine of them, all here for the same small thing.",
        "Meet the People Behind the Counter",
        "Questions or problems? That is what the form asks.",
        "For the latest drug war news, Mr. Quill reads a dozen papers each morning.",
        "We used to visit our friends and allies in the valley, he said.",
        "We are careful not to duplicate the efforts of the police, the sheriff said.",
        "Contact us, the sheriff said.",
    ],
)
def test_an_article_may_speak_like_the_foot_of_the_site(line: str) -> None:
    for body in ((line, *BODY), (BODY[0], line, *BODY[1:])):
        assert read(SOURCE, "A Headline", "By Ada Quill", BACK, body=body).body == "\n\n".join(body)
    if not line.endswith("."):
        assert read(SOURCE, line, BACK).headline == line


def test_an_article_of_short_lines_is_kept_whole() -> None:
    verse = ("They came at dawn", "and did not knock", "four of them", "and then the clock")
    for below in (BELOW, ""):
        clipping = read(SOURCE, "A Headline", "By Ada Quill", BACK, body=verse, below=below)
        assert clipping.body == "\n\n".join(verse)


def test_navigation_inside_the_article_is_left_out() -> None:
    body = (BODY[0], "Voices from Inside", BACK, *BODY[1:])
    assert read(SOURCE, "A Headline", "By Ada Quill", body=body).body == "\n\n".join(BODY)


def test_lines_wrapped_at_a_margin_are_one_paragraph() -> None:
    wrapped = (
        "The county closed its second jail on Monday, three years after it had\n"
        "opened the first, and nobody came to see the doors being taken down or\n"
        "the beds carried out.",
        "A second paragraph stood below.",
    )
    clipping = read(SOURCE, "A Headline", BACK, body=wrapped)
    assert clipping.body == wrapped[0].replace("\n", " ") + "\n\n" + wrapped[1]


def test_lines_without_blank_ones_between_are_paragraphs() -> None:
    text = page(SOURCE, "A Headline", "By Ada Quill", BACK).replace("\n\n", "\n")
    assert read_page(text, "page.txt") == dataclasses.replace(
        read(SOURCE, "A Headline", "By Ada Quill", BACK), line=text.split("\n").index(SOURCE) + 1
    )
