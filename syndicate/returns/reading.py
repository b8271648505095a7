"""Whole mails as they come in, one or an mbox of several: for whom each is, and whether a machine answered. Pure."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses
from typing import Final

# Where a mail server says for whom it took a mail; the last is what the sender wrote, which all of them keep.
_RECIPIENT_FIELDS: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
# An mbox begins each mail so, after an empty line; a mail piped in may have such a line at its top.
_MBOX: Final = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\r?\n")
_LONGEST_SUBJECT: Final = 120


@dataclass(frozen=True)
class Incoming:
    """A mail that came in: bare addresses for whom it is, its subject on one line, and whether it is an answer or a
    report that a machine made (RFC 3834, RFC 3464)."""

    recipients: tuple[str, ...]
    subject: str
    automatic: bool


def incoming(data: bytes, envelope_to: str | None = None) -> tuple[Incoming, ...]:
    """The mails in `data`, in their order; none in what is empty. `envelope_to`, where the mail server gives it, is for
    whom they are, whatever their fields say. Never raises for what stands in a mail."""
    return tuple(_read(part, envelope_to) for part in _MBOX.split(data) if part.strip())


def _read(data: bytes, envelope_to: str | None) -> Incoming:
    # compat32 keeps each field as it came: the newer policies raise for some that are broken.
    message = message_from_bytes(data, policy=policy.compat32)
    named = [envelope_to] if envelope_to else _values(message, *_RECIPIENT_FIELDS)
    addresses = tuple(dict.fromkeys(address.strip("<> ") for _, address in getaddresses(named) if address))
    subject = " ".join(" ".join(_values(message, "Subject")).split())
    shown = "".join(character if character.isprintable() else "?" for character in subject)
    return Incoming(addresses, shown[:_LONGEST_SUBJECT], _is_automatic(message))


def _values(message: Message, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        try:
            found += map(str, message.get_all(name, []))
        except (MessageError, ValueError, LookupError):
            continue  # a field that nobody can read names nobody
    return found


def _is_automatic(message: Message) -> bool:
    """Somebody who leaves by a program's button sends auto-generated mail at most: an answer it is not."""
    said = [re.split(r"[;(\s]", value.strip().lower())[0] for value in _values(message, "Auto-Submitted")]
    if "auto-replied" in said or _values(message, "X-Autoreply", "X-Autorespond"):
        return True
    kind = " ".join(_values(message, "Content-Type")).split(";")[0].strip().lower()
    return kind == "multipart/report" or "<>" in [value.strip() for value in _values(message, "Return-Path")]
