"""feeds.sanitize: HTML made harmless."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from feeds.links import web_link
from feeds.sanitize import clean_html
from feeds.text import xml_safe

BASE = "https://news.example.org/clippings/1/"


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("<p>Kept <em>as it</em> is &amp; was</p>", "<p>Kept <em>as it</em> is &amp; was</p>"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("a<iframe src=https://x.example>in</iframe><object>in</object>b", "ab"),
        ("a<svg><a xlink:href='javascript:alert(1)'>in</a></svg><math><mi>x</mi></math>b", "ab"),
        ("<form action=/x><p>asked</p><input value=v><button>Go</button></form>", "<p>asked</p>"),
        ("a<!-- <script>x</script> -->b", "ab"),
        ('<p onclick="x()" style="color:red" class="c" id="i">t</p>', "<p>t</p>"),
        ('<p dir="rtl" lang="ar">نص</p>', '<p dir="rtl" lang="ar">نص</p>'),
        ("<p>open <b>never closed", "<p>open <b>never closed</b></p>"),
        ("&#1;a&#xFFFE;b\x00\ud800\r\nc]]>", "ab\nc]]&gt;"),
        ("<marquee>words</marquee>", "words"),
    ],
)
def test_only_text_links_and_images_are_left(dirty: str, clean: str) -> None:
    assert clean_html(dirty) == clean


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://paper.example/a", "https://paper.example/a"),
        ("/about", "https://news.example.org/about"),
        ("#note", "https://news.example.org/clippings/1/#note"),
        ("//paper.example/a b", "https://paper.example/a%20b"),
        ("mailto:editor@paper.example", "mailto:editor@paper.example"),
        ("javascript:alert(1)", None),
        ("java&#10;script:alert(1)", None),
        ("data:text/html,x", None),
        ("http://[broken", None),
    ],
)
def test_links_are_absolute_or_no_links(address: str, kept: str | None) -> None:
    link = f'<a href="{kept}">t</a>' if kept else "<a>t</a>"
    assert clean_html(f'<a href="{address}">t</a>', BASE) == link


@pytest.mark.parametrize("base", ["", "not an address", "javascript:x", "http://[broken"])
def test_without_a_base_relative_links_lose_their_address(base: str) -> None:
    assert clean_html('<a href="/a">t</a><q cite="b">u</q><img src="c.png" alt="d">', base) == "<a>t</a><q>u</q>"


def test_the_source_of_a_quotation_is_made_absolute_too() -> None:
    assert clean_html('<blockquote cite="/a">q</blockquote>', BASE) == (
        '<blockquote cite="https://news.example.org/a">q</blockquote>'
    )


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://t.example/p.gif" width="1" height="1">',
        '<img src="https://t.example/p.gif" height=0 alt="x > y">',
        '<img src="https://t.example/p.gif" width=" 1px ">',
        '<img src="data:image/gif;base64,R0lGOD" width="200">',
        '<img src="mailto:a@t.example">',
        "<img alt='no source'>",
    ],
)
def test_tracking_pixels_and_images_without_a_source_go(image: str) -> None:
    assert clean_html(f"a{image}b", BASE) == "ab"


def test_pictures_stay() -> None:
    picture = '<img src="https://paper.example/p.png" alt="a &quot;&lt;1&gt;&quot;" width="100%" height="10">'
    assert clean_html(picture) == picture


def test_an_image_that_goes_takes_no_neighbour_with_it() -> None:
    shown = '<img src="https://paper.example/p.png" alt="&lt;img width=&quot;1&quot;&gt;">'
    assert clean_html(f'{shown}<img width="1" src="https://t.example/p.gif">{shown}') == shown + shown


# fmt: off
PIECES = st.sampled_from([
    "<p>", "</p>", "<b>", "</b>", '<a href="/x">', "<a href='javascript:x'>", "</a>", "<img src=x onerror=y>",
    "<img width=1 src=z>", "<svg>", "</svg>", "<math>", "<style>", "</style>", "<script>", "</script>", "<!--", "-->",
    "<table>", "<td>", "<title>", "<noscript>", "</noscript>", "<template>", "<textarea>", "<plaintext>", "<select>",
    "<foreignObject>", "<mglyph>", "&lt;", "&#0;", "&#x80;", "]]>", "<![CDATA[", '"', "'", ">", "<", "=",
    " onload=x", "<x:y>", "</",
])
# fmt: on


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES | st.text(alphabet=st.characters(), max_size=5), max_size=14))
def test_nothing_active_comes_out_of_anything(pieces: list[str]) -> None:
    cleaned = clean_html("".join(pieces), BASE)
    assert xml_safe(cleaned) == cleaned
    assert clean_html(cleaned, BASE) == cleaned
    for element in html.fragment_fromstring(cleaned, create_parent="main").iter():
        assert element.tag is not etree.Comment
        assert not re.fullmatch(r"(?i)script|style|form|input|svg|math|iframe|object|embed|link|meta|base", element.tag)
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in {"style", "id", "class"}
            if name in {"href", "src", "cite"}:
                assert web_link(value) == value
