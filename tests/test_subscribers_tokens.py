"""Tokens in the links of mail: what was signed reads back, anything else is None, and old links stay good."""

import hmac
import re
from base64 import b32encode

import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from subscribers.tokens import TokenKeys, base32

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
KEYS = TokenKeys({1: OLD}, 1)
ROTATED = TokenKeys({1: OLD, 2: NEW}, 2)

uids = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)
slugs = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)


@effort(max_examples=60)
@given(uids, slugs)
def test_what_was_signed_reads_back(uid: str, slug: str) -> None:
    token = KEYS.sign("unsubscribe", uid, slug)
    assert KEYS.read("unsubscribe", token, parts=2) == (uid, slug)
    assert KEYS.read("preferences", KEYS.sign("preferences", uid)) == (uid,)
    assert re.fullmatch(r"[a-z0-9-]+", token)


@effort(max_examples=60)
@given(uids, slugs, st.data())
def test_one_changed_character_is_refused(uid: str, slug: str, data: st.DataObject) -> None:
    token = KEYS.sign("unsubscribe", uid, slug)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(exclude_categories=["Cs"]))
    # The same letter in the other case is forgiven.
    assume(other.lower() != token[at])
    changed = token[:at] + other + token[at + 1 :]
    assert KEYS.read("unsubscribe", changed, parts=2) is None


@effort(max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(1, 3))
def test_invented_text_is_no_token(text: str, parts: int) -> None:
    assert ROTATED.read("confirm", text, parts=parts) is None


@pytest.mark.parametrize("cut", [1, 10, 27, 28, 30])
def test_a_cut_token_is_refused(cut: int) -> None:
    token = KEYS.sign("confirm", "abcdefghijklmnop")
    assert KEYS.read("confirm", token[:-cut]) is None
    assert KEYS.read("confirm", token[cut:]) is None


def test_a_token_is_good_for_its_purpose_alone() -> None:
    token = KEYS.sign("preferences", "abcdefghijklmnop")
    assert KEYS.read("confirm", token) is None
    assert KEYS.read("Preferences", token) is None


def test_a_token_names_as_many_things_as_were_signed() -> None:
    one, two = KEYS.sign("x", "aa"), KEYS.sign("x", "aa", "bb-cc")
    assert KEYS.read("x", one, parts=2) is None
    assert KEYS.read("x", two, parts=1) is None
    assert KEYS.read("x", two, parts=2) == ("aa", "bb-cc")


def test_case_and_outer_white_space_are_forgiven() -> None:
    token = KEYS.sign("unsubscribe", "abcdefghijklmnop", "weekly")
    for mangled in (token.upper(), token.title(), f"  {token}\r\n"):
        assert KEYS.read("unsubscribe", mangled, parts=2) == ("abcdefghijklmnop", "weekly")


def test_old_links_work_after_a_rotation_and_end_with_their_key() -> None:
    old = KEYS.sign("unsubscribe", "abcdefghijklmnop", "weekly")
    new = ROTATED.sign("unsubscribe", "abcdefghijklmnop", "weekly")
    assert old != new
    for token in (old, new):
        assert ROTATED.read("unsubscribe", token, parts=2) == ("abcdefghijklmnop", "weekly")
    assert KEYS.read("unsubscribe", new, parts=2) is None
    assert TokenKeys({2: NEW}, 2).read("unsubscribe", old, parts=2) is None


def test_another_sites_token_is_refused() -> None:
    token = TokenKeys({1: NEW}, 1).sign("confirm", "abcdefghijklmnop")
    assert KEYS.read("confirm", token) is None


def test_the_form_of_tokens_does_not_change() -> None:
    """Mail that is out there holds such tokens: they must be read for years."""
    token = "abcdefghijklmnop-weekly-digest-a4udohdnlcwmscsc7376t36croq"
    assert KEYS.sign("unsubscribe", "abcdefghijklmnop", "weekly-digest") == token
    assert KEYS.read("unsubscribe", token, parts=2) == ("abcdefghijklmnop", "weekly-digest")


def test_the_mac_is_hmac_sha256_over_purpose_and_parts_with_their_lengths() -> None:
    text = b"\0\0\0\x07confirm\0\0\0\x03abc\0\0\0\x02\xc3\xa9"
    assert KEYS.mac("confirm", "abc", "é") == hmac.new(OLD, text, "sha256").digest()


@effort(max_examples=60)
@given(st.binary(min_size=16, max_size=200), st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300)))
def test_the_mac_is_that_of_the_library_for_keys_and_parts_of_any_length(key: bytes, parts: list[str]) -> None:
    encoded = [part.encode() for part in ("purpose", *parts)]
    text = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    assert TokenKeys({5: key}, 5).mac("purpose", *parts) == hmac.digest(key, text, "sha256")


@effort(max_examples=60)
@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=3), st.lists(st.text("ab", max_size=3), max_size=3))
def test_parts_do_not_run_together(one: list[str], two: list[str]) -> None:
    assert (KEYS.mac("p", *one) == KEYS.mac("p", *two)) is (one == two)


@effort(max_examples=60)
@given(st.binary(max_size=100))
def test_base32_is_that_of_the_library_in_lower_case_and_without_padding(data: bytes) -> None:
    assert base32(data) == b32encode(data).decode().rstrip("=").lower()


@pytest.mark.parametrize(("data", "text"), [(b"f", "my"), (b"fo", "mzxq"), (b"foobar", "mzxw6ytboi")])  # RFC 4648 §10
def test_base32_of_the_standards_examples(data: bytes, text: str) -> None:
    assert base32(data) == text


@pytest.mark.parametrize("parts", [("with-hyphen", "weekly"), ("UPPER",), ("",), ("é",), ("a b",)])
def test_parts_that_could_not_be_read_back_are_not_signed(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        KEYS.sign("unsubscribe", *parts)


def test_a_lone_surrogate_is_no_token_and_no_crash() -> None:
    assert KEYS.read("confirm", "abc-\udce9defghijklmnopqrstuvwxyzab") is None


def test_the_keys_are_not_shown() -> None:
    assert "\\x" not in repr(KEYS)
