"""Readers of lists: whatever bytes come, every row has an answer, and memory stays bounded."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.imports.columns import UnknownColumns, Wanted
from subscribers.imports.entries import Terms, entry
from subscribers.imports.lines import LONGEST_LINE, Lines
from subscribers.imports.records import Record, records
from subscribers.imports.rows import Unread

TERMS = Terms(("weekly",), frozenset({"weekly"}), "en", "stated")


def read(data: bytes) -> list[Record | Unread]:
    return list(records(Lines(io.BytesIO(data)), Wanted()))


def addresses(data: bytes) -> list[str]:
    return [one.cells[one.columns.places["address"]] for one in read(data) if isinstance(one, Record)]


BEGINNINGS = (
    b"",
    b"email,name\n",
    b"[",
    b'{"email": "a@example.org"}\n',
    b"a@example.org\n",
    b"\xff\xfe",
    b"email\tx\n",
)


@settings(max_examples=200)
@given(
    st.sampled_from(BEGINNINGS),
    st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))),
)
def test_no_bytes_are_too_odd(beginning: bytes, rest: bytes) -> None:
    try:
        found = read(beginning + rest)
    except UnknownColumns:
        return
    numbers = [one.number for one in found]
    assert numbers == sorted(set(numbers))
    for one in found:
        made = entry(one, TERMS) if isinstance(one, Record) else one
        assert made.row if not isinstance(made, Unread) else made.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(encoding: str, delimiter: str) -> None:
    text = f"Name{delimiter}E-mail\r\nZoë{delimiter}zoe@example.org\r\nAnn{delimiter}ann@example.org\r\n"
    assert addresses(text.encode(encoding)) == ["zoe@example.org", "ann@example.org"]


def test_lines_of_old_machines_and_the_word_of_a_spreadsheet_are_understood() -> None:
    assert addresses(b"email\ra@example.org\rb@example.org\r") == ["a@example.org", "b@example.org"]
    assert addresses(b"sep=;\nname;email\nAnn;a@example.org\n") == ["a@example.org"]


def test_json_is_read_as_an_array_in_any_layout_and_as_lines() -> None:
    objects = '{"email": "a@example.org", "tags": ["x"]}', '{"name": "B", "email": "b@example.org"}'
    expected = ["a@example.org", "b@example.org"]
    assert addresses(f"[{objects[0]},{objects[1]}]".encode()) == expected
    assert addresses(f"\n[\n {objects[0]} ,\n\n {objects[1]}\n]\n".encode("utf-16")) == expected
    assert addresses(f"{objects[0]}\n\n{objects[1]}\n".encode()) == expected
    broken = read(f"[{objects[0]}, {{oops}}, {objects[1]}]".encode())
    assert [type(one) for one in broken] == [Record, Unread]
    lines = read(f"{objects[0]}\n{{oops}}\n{objects[1]}\n".encode())
    assert [type(one) for one in lines] == [Record, Unread, Record]
    assert isinstance(read(b"[" * 100_000)[0], Unread)


def test_a_row_without_an_end_costs_itself_and_not_the_file() -> None:
    long = b"email\n" + b"x" * (3 * LONGEST_LINE) + b"\na@example.org\n"
    assert [type(one) for one in read(long)] == [Unread, Record]
    open_mark = b'email,note\na@example.org,"open\n' + b"b@example.org,fine\n" * 10_000
    found = read(open_mark)
    assert [one.number for one in found if isinstance(one, Unread)] == [2]
    assert len(found) == 10_001


def test_two_files_that_were_put_together_are_read_each_by_its_header() -> None:
    text = b"Email Address,OPTIN_TIME,LEID\nin@example.org,,1\n"
    text += b"Email Address,OPTIN_TIME,UNSUB_TIME,LEID\nout@example.org,,2020-01-01,2\n"
    made = [entry(one, TERMS) for one in read(text) if isinstance(one, Record)]
    assert [getattr(one, "state", None) for one in made] == ["confirmed", "unsubscribed"]
