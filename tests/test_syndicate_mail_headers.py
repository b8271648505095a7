"""The header block: read back by the standard library it says what was meant, and holds no field that was not."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.mail.headers import Headers, block, common_fields, mailbox, personal_fields, plain, unstructured

POLICY = email.policy.default
HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\r\n\t :<>"\\=?@,;ü漢😀\u2028\u202e\u0085\x00'),
        st.characters(),
    ),
    max_size=200,
)
EXPECTED = [
    *("Date", "From", "Reply-To", "Subject", "To", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("MIME-Version", "Content-Type", "Content-Language"),
    *("List-Id", "List-Archive", "Feedback-ID", "Precedence"),
]


def headers(**more: object) -> Headers:
    values: dict[str, object] = {
        "sender": "Coalition News <news@example.org>",
        "reply_to": "editors@example.org",
        "subject": "Weekly digest",
        "date": datetime(2026, 11, 26, 14, 0, tzinfo=UTC),
        "list_id": "Weekly digest <weekly.news.example.org>",
        "list_unsubscribe_mailto": "mailto:leave@example.org",
        "archive": "https://news.example.org/editions/weekly",
        "feedback_id": "e48:weekly:digest:coalition",
        "kind": "digest",
        "message_domain": "news.example.org",
        "language": "en",
    }
    return Headers(**(values | more))  # type: ignore[arg-type]


def written(given_headers: Headers, to: str = "ann@example.net", message_id: str = "abc@news.example.org") -> bytes:
    first, last = common_fields(given_headers, "=_b")
    link = "https://news.example.org/unsubscribe/" + "x" * 90
    personal = personal_fields(to, message_id, link, given_headers.list_unsubscribe_mailto)
    return block(first) + block(personal) + block(last) + b"\r\n"


def test_a_digest_names_its_list_and_how_to_leave_with_one_click() -> None:
    raw = written(headers())
    message = email.message_from_bytes(raw, policy=POLICY)
    assert message.keys() == EXPECTED
    link = b"<https://news.example.org/unsubscribe/" + b"x" * 90 + b">"
    assert b"\r\nList-Unsubscribe: " + link + b",\r\n <mailto:leave@example.org>\r\n" in raw, "no word is encoded"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Weekly digest <weekly.news.example.org>"
    assert message["Date"] == "Thu, 26 Nov 2026 14:00:00 +0000"
    assert message["Precedence"] == "bulk"
    assert message["Auto-Submitted"] is None


def test_a_letter_says_that_it_is_generated_and_names_no_list() -> None:
    first, last = common_fields(headers(kind="letter"), "=_b")
    names = [name for name, _ in (*first, *personal_fields("a@example.net", "i@d.example", None, None), *last)]
    assert not [name for name in names if name.startswith(("List-", "Feedback", "Precedence"))]
    assert ("Auto-Submitted", "auto-generated") in last


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_value_can_add_a_field_or_break_a_line(subject: str, name: str, address: str, other: str) -> None:
    raw = written(
        headers(
            subject=subject,
            sender=f"{name} <news@example.org>",
            reply_to=f"<{other}@example.org>",
            list_id=f"{other} <weekly.example.org>",
            feedback_id=other,
            archive=other,
            language=other,
            list_unsubscribe_mailto=other,
        ),
        to=address,
        message_id=other,
    )
    head, end, rest = raw.partition(b"\r\n\r\n")
    assert (end, rest) == (b"\r\n\r\n", b"")
    names = [line.split(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"")]
    optional = {"List-Archive", "Feedback-ID", "Reply-To"}
    assert [n for n in names if n not in optional] == [n for n in EXPECTED if n not in optional]
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_a_subject_reads_back_and_its_encoded_words_keep_to_the_rules(text: str) -> None:
    value = unstructured("Subject", text)
    assert value.isascii()
    message = email.message_from_string(f"Subject: {value}\r\n\r\n", policy=POLICY)
    assert " ".join(str(message["Subject"]).split()) == plain(text)
    lines = f"Subject: {value}".split("\r\n")
    assert all(len(line) <= (76 if "=?" in line else 998) for line in lines)
    assert all(len(word) <= 75 for word in re.findall(r"=\?utf-8\?b\?[^?]*\?=", value))
    assert all(line.strip() for line in lines[1:]), "no line of white space alone"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"], exclude_characters='<>"\\'), max_size=80))
@settings(max_examples=150, deadline=None)
def test_a_display_name_reads_back(name: str) -> None:
    value = mailbox("From", f"{name} <news@example.org>")
    # The policy's own parser puts spaces between adjacent encoded words (RFC 2047 §6.2 says none); this one does not.
    phrase, address = parseaddr(value.replace("\r\n", ""))
    assert address == "news@example.org"
    assert " ".join(str(make_header(decode_header(phrase))).split()) == plain(name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("news@example.org", "news@example.org"),
        ("<news@example.org>", "<news@example.org>"),
        ("Coalition News <news@example.org>", "Coalition News <news@example.org>"),
        ('"St. Mary, the news" <n@example.org>', '"St. Mary, the news" <n@example.org>'),
        ("St. Mary <n@example.org>", '"St. Mary" <n@example.org>'),
        ("Müller <n@bücher.example>", "=?utf-8?b?TcO8bGxlcg==?= <n@xn--bcher-kva.example>"),
    ],
)
def test_a_mailbox_is_written_as_the_rules_ask(text: str, value: str) -> None:
    assert mailbox("From", text) == value


def test_a_long_subject_is_folded_at_white_space_and_a_direction_override_is_dropped() -> None:
    value = unstructured("Subject", "word " * 40)
    assert max(map(len, f"Subject: {value}".split("\r\n"))) <= 76
    assert plain("safe \u202etxt.exe\u2066 x") == "safe txt.exe x"
    assert len(plain("y" * 10_000)) == 250
