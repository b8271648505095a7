"""Addresses: what can be mailed as it stands, and the key that makes two spellings one person."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.addresses import masked, parse
from subscribers.errors import InvalidAddress


@pytest.mark.parametrize(
    ("text", "display", "key"),
    [
        ("alice@example.org", "alice@example.org", "alice@example.org"),
        ("  Alice.B+news@EXAMPLE.org\u00a0", "Alice.B+news@example.org", "alice.b+news@example.org"),
        ("o'neil@example.org", "o'neil@example.org", "o'neil@example.org"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
        ("bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
        ("bob@EXAMPLE。org", "bob@example.org", "bob@example.org"),
    ],
)
def test_an_address_is_read_into_what_is_mailed_and_what_is_compared(text: str, display: str, key: str) -> None:
    address = parse(text)
    assert (address.display, address.key) == (display, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "alice",
        "alice@",
        "@example.org",
        "alice@example",
        "alice@localhost",
        "alice@[192.0.2.1]",
        "alice@192.0.2.1",
        "a@b@example.org",
        '"alice b"@example.org',
        '"a@b"@example.org',
        "alice,bob@example.org",
        "alice@example.org,bob@example.org",
        "Alice <alice@example.org>",
        "<alice@example.org>",
        "alice..b@example.org",
        "alice@exa mple.org",
        "alice@example.org.",
        "zoë@example.org",
        "alice@example.org\n",
        "alice@example.org\r\nBcc: bob@example.org",
        "ali\x00ce@example.org",
        "alice\t@example.org",
        "ali\u200bce@example.org",
        "\ud800@example.org",
        "alice@\udfff.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org",
        "a@" + "example." * 5000 + "org",
    ],
)
def test_what_cannot_be_mailed_is_refused_in_one_printable_line(text: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse(text)
    line = str(caught.value)
    assert line.isprintable()
    assert 20 < len(line) < 400
    line.encode()
    assert caught.value.status == 2


def test_a_local_part_of_64_octets_is_the_longest() -> None:
    assert parse("a" * 64 + "@example.org").key == "a" * 64 + "@example.org"


def test_letters_beyond_ascii_before_the_at_are_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidAddress, match="only ASCII letters; please use another address"):
        parse("zoë@example.org")


@given(st.one_of(st.text(), st.builds("{}@{}".format, st.text(min_size=1), st.sampled_from(["example.org", "ü.org"]))))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_text_is_an_address_of_ascii_or_is_refused(text: str) -> None:
    try:
        address = parse(text)
    except InvalidAddress:
        return
    assert address.display.isascii()
    assert address.display.isprintable()
    assert address.display.count("@") == 1
    assert not set(address.display) & set(' ,;<>"()[]\\')
    assert address.key == address.display.lower()
    assert parse(address.display) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("alice@example.org", "a…e@example.org"),
        ("bob@example.org", "b…b@example.org"),
        ("al@example.org", "a…@example.org"),
        ("a@example.org", "…@example.org"),
    ],
)
def test_a_masked_address_never_shows_a_whole_local_part(address: str, shown: str) -> None:
    assert masked(address) == shown
