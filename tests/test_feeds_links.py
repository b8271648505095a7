"""feeds.links: which addresses may be linked to."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.links import web_link

URI = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


@pytest.mark.parametrize(
    ("given_text", "link"),
    [
        ("https://paper.example/2009/03/raid?id=1&x=2#top", "https://paper.example/2009/03/raid?id=1&x=2#top"),
        (" HTTP://Paper.Example:80/A\n", "http://paper.example:80/A"),
        ("https://paper.example/a b/ü?q=[1]", "https://paper.example/a%20b/%C3%BC?q=%5B1%5D"),
        ("https://paper.example/100%/%41", "https://paper.example/100%25/%41"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://paper.example/\x00\ud800a", "http://paper.example/a"),
    ],
)
def test_web_addresses_are_kept_in_the_characters_of_an_address(given_text: str, link: str) -> None:
    assert web_link(given_text) == link


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/relative",
        "//paper.example/no-scheme",
        "paper.example",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "ftp://paper.example/",
        "mailto:a@paper.example",
        "http:",
        "http:///path",
        "http:path",
        "http://[::1",
        "http://[v1.x]/",
        "http://[fe80::1%eth0]/",
        "http://paper.example:port/",
        "http://paper.example:70000/",
        "http://pa per.example/",
        "http://paper..example/",
        'http://paper.example"onload=/',
        "http://paper.example\\@evil.example/",
        "https://bank.example@evil.example/",
        "http://" + "ü" * 64 + ".example/",
        "http://" + "a." * 200 + "example/",
    ],
)
def test_everything_else_is_no_link(text: str) -> None:
    assert web_link(text) == ""


def test_a_relative_address_needs_a_base() -> None:
    assert web_link("../b?c#d", "https://paper.example/x/y/") == "https://paper.example/x/b?c#d"
    assert web_link("//other.example/b", "https://paper.example/") == "https://other.example/b"
    assert web_link("javascript:alert(1)", "https://paper.example/") == ""
    assert web_link("b", "http://[broken") == ""


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["", "http://", "https://paper.example/", "https://paper.example?", "http://["]),
    st.text(alphabet=st.characters() | st.sampled_from("/:?#[]@%.\\")),
    st.sampled_from(["", "https://base.example/a/b"]),
)
def test_what_comes_out_is_a_valid_address_and_stays_it(start: str, rest: str, base: str) -> None:
    link = web_link(start + rest, base)
    if link:
        assert URI.fullmatch(link)
        assert urlsplit(link).hostname
        assert web_link(link) == link
