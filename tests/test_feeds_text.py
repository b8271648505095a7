"""feeds.text: what may stand in a document."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds.text import language_tag, paragraphs, plain_title, reading_direction, shown_title, xml_safe

ANY_TEXT = st.text(alphabet=st.characters())


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_safe_text_survives_xml_unchanged(text: str) -> None:
    safe = xml_safe(text)
    element = etree.Element("t")
    element.text = safe
    assert (etree.fromstring(etree.tostring(element, encoding="UTF-8")).text or "") == safe
    assert xml_safe(safe) == safe


def test_forbidden_characters_go_and_the_rest_stays() -> None:
    assert xml_safe("a\x00b\x0bc\x1bd\x7fe\x85f\x9fg") == "abcdefg"
    assert xml_safe("\ud800x\udfff\ufffe\uffff") == "x"
    assert (
        xml_safe("tab\tline\nnb\xa0 \u202ertl\u202c 🌿 ]]> \U0001fffe")
        == "tab\tline\nnb\xa0 \u202ertl\u202c 🌿 ]]> \U0001fffe"
    )


def test_every_line_ending_becomes_a_newline() -> None:
    assert xml_safe("a\r\nb\rc\nd\r\r\ne") == "a\nb\nc\nd\n\ne"


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_a_title_is_one_trimmed_line(text: str) -> None:
    title = plain_title(text)
    assert title == title.strip()
    assert len(title.splitlines()) <= 1
    assert "  " not in title
    assert plain_title(title) == title


def test_markup_in_a_title_stays_the_letters_it_is() -> None:
    assert plain_title(" <b>A</b> &amp;\r\n\tB\xa0\u2028C ") == "<b>A</b> &amp; B C"


def test_paragraphs_are_parted_by_empty_lines_and_each_is_one_line() -> None:
    assert paragraphs("One\nline.\r\n \r\n\r\nTwo.\n\n") == ("One line.", "Two.")
    assert paragraphs("") == paragraphs(" \n\x00\n\n ") == ()


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="a b\n\r\t\x0b\u2028"))
def test_no_word_of_a_text_is_lost_between_its_paragraphs(text: str) -> None:
    found = paragraphs(text)
    assert " ".join(found) == plain_title(text)
    assert all(found)
    assert paragraphs("\n\n".join(found)) == found


def test_a_title_with_nothing_left_is_called_untitled() -> None:
    assert plain_title("\x00 \r\n\ud800") == ""
    assert shown_title("\x00 \r\n\ud800") == "Untitled"
    assert shown_title(" Kept ") == "Kept"


def test_only_language_tags_pass_as_languages() -> None:
    assert [language_tag(tag) for tag in ("en", " pt-BR ", "zh-Hant-TW")] == ["en", "pt-BR", "zh-Hant-TW"]
    assert [language_tag(tag) for tag in ("", "e", "en_US", "en-", 'en"', "<script>", "english language")] == [""] * 7


def test_the_first_letter_that_has_a_direction_gives_that_of_the_text() -> None:
    assert [reading_direction(text) for text in ("Night", "12: שלום", "العدل (UN)", "UN: العدل")] == [
        "ltr",
        "rtl",
        "rtl",
        "ltr",
    ]
    assert [reading_direction("12. …", neutral) for neutral in ("ltr", "rtl")] == ["ltr", "rtl"]  # type: ignore[arg-type]
