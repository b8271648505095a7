"""Addresses of ours name rows and prove it: in whatever case they come back, and never with one character changed."""

from base64 import b32encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mails import KEYS

from subscribers.tokens import TokenKeys
from syndicate.keys import SiteKeys
from syndicate.mail.leave import LEAVE, leave_local, leaves, named_by_leave
from syndicate.mail.local_parts import LocalPart
from syndicate.mail.return_path import RETURN, ReturnPath, delivery_return, letter_return, read_return_path

OLD = KEYS.tokens
ROTATED = TokenKeys({**OLD.versions, 2: b"2" * 32}, 2)
STRANGE = TokenKeys({1: b"9" * 32}, 1)
BOUND = ("abcdefghijklmnop", "weekly")
KINDS = [LEAVE, RETURN]
IDS = st.integers(0, 2**48 - 1)


def written(kind: LocalPart, keys: TokenKeys = OLD) -> str:
    return kind.write(keys, range(7, 7 + kind.ids), BOUND)


@given(st.sampled_from(KINDS), st.lists(IDS, min_size=2, max_size=2), st.data())
@settings(max_examples=150, deadline=None)
def test_what_it_names_is_read_in_any_case(kind: LocalPart, ids: list[int], data: st.DataObject) -> None:
    named = tuple(ids[: kind.ids])
    local = kind.write(OLD, named, BOUND)
    assert len(local) <= 64
    assert local.removeprefix(kind.prefix).isalnum()
    assert local == local.lower()
    changed = "".join(data.draw(st.sampled_from([one, one.upper()])) for one in local)
    for text in (local, local.upper(), changed, f" {local}\n"):
        assert kind.is_meant(text)
        assert kind.named(text) == kind.proven(text, OLD, BOUND) == kind.proven(text, ROTATED, BOUND) == named


@given(st.sampled_from(KINDS), st.integers(0, 36), st.characters(exclude_categories=["Cs"]))
@settings(max_examples=300, deadline=None)
def test_one_changed_character_is_refused(kind: LocalPart, place: int, character: str) -> None:
    local = written(kind)
    changed = local[:place] + character + local[place + 1 :]
    if changed.strip().lower() != local:
        assert kind.proven(changed, OLD, BOUND) is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_wherever_it_is_cut_and_when_something_is_added(kind: LocalPart) -> None:
    local = written(kind)
    for text in (*(local[:end] for end in range(len(local))), *(local[at:] for at in range(1, len(local)))):
        assert kind.named(text) is None or len(text) == len(local) - 1, "the last character has spare bits"
        assert kind.proven(text, OLD, BOUND) is None
    for more in ("a", "=", "é", "\udce9", local):
        assert kind.proven(local + more, OLD, BOUND) is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_forged_without_the_key(kind: LocalPart) -> None:
    ids = tuple(range(7, 7 + kind.ids))
    packed = b"".join(one.to_bytes(6, "big") for one in ids) + bytes(kind.mac_bytes)
    invented = f"{kind.prefix}a{b32encode(packed).decode().rstrip('=').lower()}"
    assert kind.named(invented) == ids
    for text in (invented, written(kind, STRANGE)):
        assert kind.proven(text, OLD, BOUND) is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_outlives_a_new_key_and_ends_with_its_own(kind: LocalPart) -> None:
    old, new = written(kind), written(kind, ROTATED)
    ids = tuple(range(7, 7 + kind.ids))
    assert old != new
    assert kind.proven(old, ROTATED, BOUND) == kind.proven(new, ROTATED, BOUND) == ids
    assert kind.proven(new, OLD, BOUND) is None
    assert kind.proven(old, TokenKeys({2: ROTATED.versions[2]}, 2), BOUND) is None
    assert kind.proven(old.replace("+a", "+b"), ROTATED, BOUND) is None


def test_one_of_another_kind_purpose_or_person_is_refused() -> None:
    for kind, other in ((LEAVE, RETURN), (RETURN, LEAVE)):
        local = written(kind)
        assert not other.is_meant(local)
        assert other.named(local) is None
        # As it would be if somebody put our prefix before what we signed for something else.
        alike = LocalPart(kind.prefix, other.purpose, kind.ids, kind.mac_bytes)
        assert kind.proven(written(alike), OLD, BOUND) is None
        for bound in ((), BOUND[:1], ("".join(BOUND),), (*BOUND, ""), (BOUND[0], "daily"), ("b" * 16, BOUND[1])):
            assert kind.proven(local, OLD, bound) is None


@pytest.mark.parametrize("ids", [(2**48,), (-1,)])
def test_an_id_that_cannot_be_written_is_an_error(ids: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="from 0 to 281474976710655"):
        LEAVE.write(OLD, ids)
    with pytest.raises(ValueError, match="begin at 1"):
        delivery_return(KEYS, edition_id=0, subscriber_id=7)


@pytest.mark.parametrize(
    ("keys", "leave", "delivery", "letter"),
    [
        (
            OLD,
            "aaaaaaaaajx2k5vlf25p2t5aiau",
            "aaaaaaaaabqaaaaaaabgxiprfywhbgqml",
            "aaaaaaaaaaaaaaaaaaab52we7msgtvjb2",
        ),
        (
            ROTATED,
            "baaaaaaaajwxdutyljedd47ugiq",
            "baaaaaaaabqaaaaaaabgrnmdoxlovawic",
            "baaaaaaaaaaaaaaaaaabtzn3z7mhseq5x",
        ),
    ],
)
def test_their_form_does_not_change(keys: TokenKeys, leave: str, delivery: str, letter: str) -> None:
    """Mail that is out there holds such addresses: they must be read for years."""
    site = SiteKeys(keys, b"a" * 32)
    uid, digest = "abcdefghijklmnop", "weekly-digest"
    assert leave_local(site, subscriber_id=77, uid=uid, digest=digest) == f"u+{leave}"
    assert leaves(f"u+{leave}", site, subscriber_id=77, uid=uid, digest=digest)
    assert not leaves(f"u+{leave}", site, subscriber_id=78, uid=uid, digest=digest)
    assert named_by_leave(f"u+{leave}") == 77
    assert delivery_return(site, edition_id=12, subscriber_id=77) == f"b+{delivery}"
    assert read_return_path(f"b+{delivery}", site) == ReturnPath(edition_id=12, subscriber_id=77)
    assert letter_return(site, letter_id=3) == f"b+{letter}"
    assert read_return_path(f"b+{letter}", site) == ReturnPath(letter_id=3)
    assert read_return_path(letter, site) is None
