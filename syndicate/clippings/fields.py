"""What may stand in the fields of a clipping: a fresh id; text that is cleaned, never trusted."""

import re
import unicodedata
from urllib.parse import urlsplit

from feeds.links import web_link
from feeds.text import paragraphs, plain_title, xml_safe
from subscribers.ids import new_uid
from syndicate.errors import UsageError

# RFC 3986 allows none of these in an address, and each of them breaks some reader.
_NOT_IN_LINKS = re.compile(r"[\s<>\"\\^`{|}]")


_ID_CHARACTERS = 12


class BadClipping(UsageError):
    """A clipping that cannot be filed as it is; the text says which field and what to do."""


def new_id() -> str:
    """A fresh public id: 12 lower-case base32 characters, for ever the clipping's own."""
    return new_uid()[:_ID_CHARACTERS]


def line(text: str | None) -> str | None:
    """One line of clean text with its white space joined, None if nothing is left."""
    return (plain_title(text) or None) if text else None


def body(text: str | None) -> str | None:
    """Clean paragraphs with one blank line between them, None if nothing is left."""
    return "\n\n".join(paragraphs(text or "")) or None


def headline(text: str) -> str:
    """A headline that shows something. Raises BadClipping when nothing visible is left of it."""
    cleaned = plain_title(text)
    if not any(unicodedata.category(character)[0] not in "CZ" for character in cleaned):
        raise BadClipping("the headline is empty: a clipping needs one")
    return cleaned


def link(text: str | None) -> str | None:
    """An absolute http or https address, None if there is none. Raises BadClipping for anything else, and for what
    page, feed and mail would not link to (`feeds.links`: a user name in it, a host that is none)."""
    address = xml_safe(text).strip() if text else ""
    if not address:
        return None
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and (parts.port or 1) > 0 and bool(web_link(address))
    except ValueError:
        whole = False
    if not whole or _NOT_IN_LINKS.search(address):
        raise BadClipping(f"the link {address!r:.120} is no web address: write it whole, https://…")
    return address


def rights(kind: str, reason: str | None) -> tuple[str, str | None]:
    """The rights and their reason. Raises BadClipping for an unknown kind, and for `full` without a reason."""
    if kind not in ("summary", "full", "link"):
        raise BadClipping(f"rights {kind!r:.40} are unknown: choose summary, link or full")
    cleaned = line(reason)
    if kind == "full" and not cleaned:
        raise BadClipping("rights `full` need a reason: say who allows us to publish the whole text")
    return kind, cleaned
