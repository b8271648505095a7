"""The site's secret: made once with 256 random bits, for its owner's eyes, read back strictly, never shown."""

import re
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from syndicate.errors import SyndicateError
from syndicate.keys import MissingSecret, SiteKeys, create_secret, load_secret

ONE, TWO = "11" * 32, "22" * 32


def keys(folder: Path, text: str) -> SiteKeys:
    path = folder / "secret.key"
    path.write_text(text, encoding="utf-8")
    return load_secret(path)


def test_a_new_secret_is_the_owners_alone_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    create_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    site = load_secret(path)
    assert site.tokens.current == 1
    assert [len(key) for key in site.tokens.versions.values()] == [32]
    assert load_secret(path) == site


def test_two_sites_have_two_secrets(tmp_path: Path) -> None:
    create_secret(tmp_path / "a")
    create_secret(tmp_path / "b")
    a, b = load_secret(tmp_path / "a"), load_secret(tmp_path / "b")
    assert a.tokens.versions[1] != b.tokens.versions[1]
    assert a.address_hash("ann@valley.test") != b.address_hash("ann@valley.test")


def test_a_secret_that_is_there_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    create_secret(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_secret(path)
    (tmp_path / "elsewhere").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_secret(tmp_path / "link")
    assert path.read_bytes() == before
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_the_highest_version_signs_and_all_read(tmp_path: Path) -> None:
    first = keys(tmp_path, f"1 {ONE}\n")
    both = keys(tmp_path, f"# rotated\n\n  2 {TWO}  # the new one\n1 {ONE}\n")
    assert both.tokens.current == 2
    token = first.confirm_token("abcdefghijklmnop")
    assert both.read_confirm(token) == "abcdefghijklmnop"
    assert both.confirm_token("abcdefghijklmnop") != token


def test_a_link_of_one_kind_never_passes_for_another(tmp_path: Path) -> None:
    site = keys(tmp_path, f"1 {ONE}")
    confirm, leave, own = (
        site.confirm_token("abc"),
        site.unsubscribe_token("abc", "dont-miss"),
        site.preferences_token("abc"),
    )
    assert [site.read_confirm(token) for token in (confirm, leave, own)] == ["abc", None, None]
    assert [site.read_unsubscribe(token) for token in (confirm, leave, own)] == [None, ("abc", "dont-miss"), None]
    assert [site.read_preferences(token) for token in (confirm, leave, own)] == [None, None, "abc"]


def test_a_rotation_keeps_the_hashes_of_addresses(tmp_path: Path) -> None:
    """Who left must stay known: the stop list outlives every key."""
    first, both = keys(tmp_path, f"1 {ONE}"), keys(tmp_path, f"1 {ONE}\n2 {TWO}")
    assert first.address_hash("ann@valley.test") == both.address_hash("ann@valley.test")
    assert first.address_hash("ann@valley.test") == "rrpfijo4xz2xfumzpa4datqfxhm4wd22"


def test_hashes_are_short_plain_and_distinct(tmp_path: Path) -> None:
    site = keys(tmp_path, f"1 {ONE}")
    hashes = {site.address_hash(f"p{n}@valley.test") for n in range(50)}
    assert len(hashes) == 50
    assert all(re.fullmatch(r"[a-z2-7]{32}", text) for text in hashes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key of version 1"),
        ("# nothing\n", "no key of version 1"),
        (f"2 {TWO}", "restore the file"),
        ("1", "line 1"),
        (f"1 {ONE}\nx {TWO}", "line 2"),
        ("1 zz", "line 1"),
        ("1 123", "line 1"),
        ("1 abcd", "at least 16 bytes"),
        (f"0 {ONE}", "1 to 26"),
        (f"-1 {ONE}", "1 to 26"),
        (f"27 {ONE}", "1 to 26"),
        (f"é {ONE}", "cannot read"),
        (f"1 {ONE}\n1 {TWO}", "line 2: version 1 stands there twice"),
        (f"1 {ONE} further words", "line 1"),
    ],
)
def test_a_damaged_secret_is_one_line_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(MissingSecret) as caught:
        keys(tmp_path, text)
    assert says in str(caught.value)
    assert str(tmp_path / "secret.key") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ONE not in str(caught.value)
    assert TWO not in str(caught.value)


def test_without_a_secret_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingSecret, match="syndicate init") as caught:
        load_secret(tmp_path / "secret.key")
    assert isinstance(caught.value, SyndicateError)
    assert caught.value.status == 2
    with pytest.raises(MissingSecret, match="cannot read"):
        load_secret(tmp_path)


@effort(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text("0123 abf#\n", max_size=80).map(str.encode)))
def test_any_bytes_are_a_secret_or_a_missing_secret(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(data)
    try:
        site = load_secret(path)
    except MissingSecret:
        return
    assert 1 in site.tokens.versions


def test_the_secret_is_not_in_the_text_of_the_keys(tmp_path: Path) -> None:
    site = keys(tmp_path, f"1 {ONE}")
    for shown in (repr(site), str(site), f"{site}", f"{[site]}"):
        assert ONE not in shown
        assert repr(bytes.fromhex(ONE)) not in shown
