"""Quoted-printable around slots: what is joined reads back as the text with its values."""

import quopri

from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.mail import quoted
from syndicate.mail.slots import SLOTS, mark, split_at_marks, without_marks

TEXT = st.text(
    st.one_of(st.sampled_from(" \t\n.=F"), st.characters(exclude_categories=["Cs"], exclude_characters="\r")),
    max_size=120,
)
LINE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120),
    st.text(st.sampled_from("From .ab/\t"), max_size=300),  # what needs no spelling out
)


@given(st.lists(st.tuples(TEXT, LINE), max_size=4), TEXT)
@settings(max_examples=150, deadline=None)
def test_literals_and_values_joined_read_back_as_their_text(pairs: list[tuple[str, str]], end: str) -> None:
    wire = b"".join(quoted.literal(t, followed=True) + quoted.value(v) for t, v in pairs)
    wire += quoted.literal(end + "\n", followed=False)
    text = "".join(t + v for t, v in pairs) + end + "\n"
    assert quopri.decodestring(wire) == text.encode().replace(b"\n", b"\r\n")
    lines = wire.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(line.startswith((b".", b"From ")) for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines), "a relay would strip it"
    assert all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in wire)


def test_a_character_is_never_cut_in_two() -> None:
    wire = quoted.literal("é" * 60, followed=False)
    assert all(line.removesuffix(b"=").decode().count("=") % 2 == 0 for line in wire.split(b"\r\n"))


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert quoted.literal("a\ud800b", followed=False) == b"a=3Fb"


@given(st.lists(st.sampled_from([*map(mark, SLOTS), "qSxLz7", "zLxSq7", "unsubscribe", "x", " "]), max_size=12))
@settings(max_examples=80, deadline=None)
def test_text_without_marks_holds_none(parts: list[str]) -> None:
    text = "".join(parts)
    clean = without_marks(text)
    assert split_at_marks(clean) == [(clean, "")]
    assert not any(mark(slot) in clean for slot in SLOTS)
    assert "".join(words + (mark(slot) if slot else "") for words, slot in split_at_marks(text)) == text


def test_marks_are_letters_and_digits_and_change_with_case() -> None:
    for slot in SLOTS:
        assert mark(slot).isalnum()
        assert mark(slot).isascii()
        assert mark(slot) not in (mark(slot).lower(), mark(slot).upper(), mark(slot).title())
