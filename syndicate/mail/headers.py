"""The header block of a mail, by a serializer of our own: no value can add a field, and no link is ever encoded.

The standard library's default policy turns long links in List-Unsubscribe into encoded words that no client reads.
"""

import contextlib
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Literal

Field = tuple[str, str]
"""A field's name and its value: ASCII text (an address may hold more, RFC 6532), folded where it needs to be."""

_LINE: Final = 76  # RFC 2047 §2: the most for a line that holds an encoded word
_WORD: Final = 75  # and the most for one such word
_OVERHEAD: Final = len("=?utf-8?b??=")
_LONGEST_TEXT: Final = 250
_DIRECTION: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_UNBROKEN: Final = re.compile(r"[!-;=?-~]*")
_PLAIN_PHRASE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_MAILBOX: Final = re.compile(r'\s*"?(?P<name>.*?)"?\s*<(?P<address>[^<>]*)>\s*', re.DOTALL)


@dataclass(frozen=True)
class Headers:
    """What the header of a mail says, the same for everybody.

    `sender` and `reply_to` are "Name <address>" or an address, `list_id` is "Name <slug.domain>", `archive` a link,
    `list_unsubscribe_mailto` a mailto: link for mails that have none of their own, `date` aware. Digests alone carry
    the List- fields and `feedback_id`. `message_domain` completes a Message-ID that has no domain; `language` is a tag
    of RFC 5646.
    """

    sender: str
    reply_to: str | None
    subject: str
    date: datetime
    list_id: str | None
    list_unsubscribe_mailto: str | None
    archive: str | None
    feedback_id: str | None
    kind: Literal["digest", "letter"]
    message_domain: str
    language: str


def common_fields(headers: Headers, boundary: str) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields before and after those of one person (To, Message-ID, the List-Unsubscribe pair)."""
    first = [("Date", format_datetime(headers.date.astimezone(UTC))), ("From", mailbox("From", headers.sender))]
    if headers.reply_to:
        first.append(("Reply-To", mailbox("Reply-To", headers.reply_to)))
    first.append(("Subject", unstructured("Subject", headers.subject)))
    last = [
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
        ("Content-Language", _token(headers.language)),
    ]
    if headers.kind == "letter":
        last.append(("Auto-Submitted", "auto-generated"))
        return tuple(first), tuple(last)
    if headers.list_id:
        last.append(("List-Id", mailbox("List-Id", headers.list_id)))
    if headers.archive:
        last.append(("List-Archive", f"<{_token(headers.archive)}>"))
    if headers.feedback_id:
        last.append(("Feedback-ID", _token(headers.feedback_id)))
    return tuple(first), (*last, ("Precedence", "bulk"))


def personal_fields(to: str, message_id: str, one_click: str | None, mailto: str | None) -> tuple[Field, ...]:
    """To, Message-ID and, with `one_click` (an https link), the pair of RFC 8058: that link first, `mailto` second."""
    fields = [("To", _token(to)), ("Message-ID", f"<{_token(message_id)}>")]
    if one_click is not None:
        links = f"<{_token(one_click)}>" + (f",\r\n <{_token(mailto)}>" if mailto else "")
        fields.append(("List-Unsubscribe", links))
        fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return tuple(fields)


def block(fields: tuple[Field, ...]) -> bytes:
    """The fields as bytes, each with its CRLF."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def plain(text: str) -> str:
    """`text` on one line, without control characters and direction overrides (in a subject they would turn what the
    mail program shows after it), at most 250 characters."""
    line = " ".join(_CONTROL.sub(" ", _DIRECTION.sub("", text)).split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1].rstrip() + "…"


def mailbox(name: str, text: str) -> str:
    """A value "Name <address>" (RFC 5322 §3.4) from the same in plain words, or a bare address."""
    found = _MAILBOX.fullmatch(text)
    if not found:
        return _address(text)
    address = f"<{_address(found['address'])}>"
    words = plain(found["name"].replace('\\"', '"').replace("\\\\", "\\"))
    if not words:
        return address
    if not words.isascii() or "=?" in words or len(words) > _LINE - len(name) - 2:
        phrase = _encoded(name, words)
    elif _PLAIN_PHRASE.fullmatch(words):
        phrase = words
    else:
        phrase = '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
    last_line = len(phrase) - (phrase.rfind("\n") + 1 if "\n" in phrase else -len(name) - 2)
    return phrase + (" " if last_line + len(address) < _LINE else "\r\n ") + address


def unstructured(name: str, text: str) -> str:
    """A value for people to read (RFC 5322 §3.2.5): folded at white space, in encoded words where it must be."""
    line = plain(text)
    words = line.split(" ")
    if not line.isascii() or "=?" in line or max(map(len, words)) > _WORD:
        return _encoded(name, line)
    rows, length = [""], len(name) + 1
    for word in words:
        if rows[-1] and length + 1 + len(word) > _LINE:
            rows.append("")
            length = 0
        rows[-1] += f" {word}" if rows[-1] else word
        length += 1 + len(word)
    return "\r\n ".join(rows)


def _encoded(name: str, text: str) -> str:
    """`text` as encoded words (RFC 2047), each of whole characters, on lines of their own."""
    words: list[str] = []
    chunk = ""
    for character in text:
        room = (_LINE - len(name) - 2 if not words else _WORD) - _OVERHEAD
        if 4 * -(-len((chunk + character).encode()) // 3) > room:
            words.append(chunk)
            chunk = ""
        chunk += character
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word.encode()).decode('ascii')}?=" for word in words if word)


def _address(text: str) -> str:
    """An address with its domain as A-labels (RFC 5891) where it can be."""
    local, at, domain = _token(text).rpartition("@")
    if not domain.isascii():
        with contextlib.suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return local + at + domain


def _token(text: str) -> str:
    """`text` without white space, control characters and angle brackets: one unbroken thing in a structured field."""
    if _UNBROKEN.fullmatch(text):  # as nearly all are
        return text
    return "".join(_CONTROL.sub("", text).replace("<", "").replace(">", "").split())
