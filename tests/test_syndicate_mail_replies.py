"""Replies of SMTP out of bytes: any cut gives the same, any garbage ends in one clear error, nothing grows for ever."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.mail.replies import LINE_BYTES, REPLY_BYTES, REPLY_LINES, Answer, NotSmtp, ReplyReader

WORDS = st.binary(max_size=40).map(lambda words: words.replace(b"\n", b" ").strip(b" \t\r"))
ANSWERS = st.builds(
    Answer,
    st.integers(200, 599),
    st.lists(WORDS, min_size=1, max_size=5).map(tuple),
)


def written(answer: Answer, end: bytes = b"\r\n") -> bytes:
    *first, last = answer.lines
    code = str(answer.code).encode()
    return b"".join(code + b"-" + line + end for line in first) + code + b" " + last + end


def read(pieces: list[bytes]) -> list[Answer]:
    reader, found = ReplyReader(), []
    for piece in pieces:
        reader.feed(piece)
        while (answer := reader.take()) is not None:
            found.append(answer)
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(marks)]


@given(st.lists(ANSWERS, max_size=3), st.lists(st.integers(0, 400), max_size=6), st.sampled_from([b"\r\n", b"\n"]))
@settings(max_examples=40)
def test_replies_are_the_same_however_they_are_cut(answers: list[Answer], places: list[int], end: bytes) -> None:
    assert read(cut(b"".join(written(answer, end) for answer in answers), places)) == answers


SCRAPS = st.sampled_from([b"250", b"550", b"-", b" ", b"\r\n", b"\n", b"\r", b"ok", b"\0", b"\xff", b"2", b"250-x\r\n"])


@given(st.lists(SCRAPS | st.binary(max_size=3), max_size=12), st.lists(st.integers(0, 100), max_size=6))
@settings(max_examples=100)
def test_of_any_bytes_there_come_replies_until_one_error_wherever_they_are_cut(
    scraps: list[bytes], places: list[int]
) -> None:
    def outcome(pieces: list[bytes]) -> object:
        try:
            found = read(pieces)
        except NotSmtp as error:
            return str(error)
        assert all(200 <= answer.code <= 599 for answer in found)
        return found

    data = b"".join(scraps)
    assert outcome([data]) == outcome(cut(data, places))


@pytest.mark.parametrize(
    ("data", "code", "lines"),
    [
        (b"250\r\n", 250, (b"",)),
        (b"250 \r\n", 250, (b"",)),
        (b"250-\r\n250\r\n", 250, (b"", b"")),
        (b"250 o\0k\r\n", 250, (b"o\0k",)),
        (b"250 a\rb\n", 250, (b"a\rb",)),
    ],
)
def test_only_the_code_decides_and_words_may_be_any(data: bytes, code: int, lines: tuple[bytes, ...]) -> None:
    assert read([data]) == [Answer(code, lines)]


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"2\r\n",
        b"25\r\n",
        b"2500 ok\r\n",
        b"250ok\r\n",
        b"250\tok\r\n",
        b" 250 ok\r\n",
        b"+25 ok\r\n",
        b"1_0 ok\r\n",
        b"\xd9\xa2\xd9\xa5\xd9\xa0 ok\r\n",
        b"\x00250 ok\r\n",
        b"150 ok\r\n",
        b"600 ok\r\n",
        b"999 ok\r\n",
        b"000 ok\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"250-one\r\nand then no code\r\n",
        b"250-yes\r\n550 no\r\n",
        b"550-no\r\n250 yes\r\n",
    ],
)
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(NotSmtp):
        read([data])


def test_bytes_behind_a_reply_are_seen() -> None:
    reader = ReplyReader()
    assert not reader.pending
    reader.feed(b"250 ok\r\n2")
    assert reader.take() == Answer(250, (b"ok",))
    assert reader.pending
    reader.feed(b"50-and")
    assert reader.take() is None
    reader.feed(b"\r\n")
    assert reader.take() is None
    assert reader.pending, "the line is taken, the reply is not whole"


@pytest.mark.parametrize(
    "piece", [b"x", b"250-" + b"x" * 100, b"250-x\r\n", b"250-" + b"x" * 8000 + b"\r\n", b"250-\n"]
)
def test_a_reply_without_end_is_refused_before_it_fills_the_memory(piece: bytes) -> None:
    reader, fed = ReplyReader(), 0
    with pytest.raises(NotSmtp):
        while fed <= 2 * REPLY_BYTES:
            reader.feed(piece)
            fed += len(piece)
            reader.take()
    assert fed <= REPLY_BYTES + len(piece)


def test_what_is_just_within_the_bounds_is_read() -> None:
    line = b"250-" + b"x" * (LINE_BYTES - 6) + b"\r\n"
    whole = line * (REPLY_BYTES // LINE_BYTES - 1) + line.replace(b"-", b" ")
    assert len(whole) == REPLY_BYTES
    assert len(read([whole, b"250 ok\r\n"])) == 2
    assert len(read([b"250-x\r\n" * (REPLY_LINES - 1) + b"250 x\r\n"])[0].lines) == REPLY_LINES
    with pytest.raises(NotSmtp, match="bytes"):
        read([line.replace(b"x", b"xx", 1)])
    with pytest.raises(NotSmtp, match="lines"):
        read([b"250-x\r\n" * REPLY_LINES])
