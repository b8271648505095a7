"""Text that may stand in XML and JSON: characters, titles, language tags. Knows no markup and no addresses."""

import re
import unicodedata
from typing import Literal

UNTITLED = "Untitled"

_NEW_LINES = re.compile(r"\r\n?")
# XML 1.0 §2.2 forbids most of C0, the surrogates, U+FFFE and U+FFFF. It allows DEL and C1 but discourages
# them, and readers choke on them, so they go too.
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BETWEEN_PARAGRAPHS = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def xml_safe(text: str) -> str:
    """`text` without what XML 1.0 forbids, lone surrogates and control characters other than tab and newline;
    CR LF and CR become LF. The result can be encoded as UTF-8 and is unchanged by a second call."""
    return _FORBIDDEN.sub("", _NEW_LINES.sub("\n", text))


def plain_title(text: str) -> str:
    """`text` as one line of plain text: XML-safe, runs of white space joined to one space, none at the ends.

    Tags and entities stay the literal characters they are; whoever writes a document escapes them. May be empty.
    """
    return " ".join(xml_safe(text).split())


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of plain text, parted by empty lines, each as `plain_title` gives it; none that are empty."""
    pieces = _BETWEEN_PARAGRAPHS.split(xml_safe(text))
    return tuple(line for line in map(plain_title, pieces) if line)


def shown_title(text: str) -> str:
    """`plain_title` of `text`, or "Untitled" where nothing is left: documents may not have an empty title."""
    return plain_title(text) or UNTITLED


def reading_direction(text: str, neutral: Literal["ltr", "rtl"] = "ltr") -> Literal["ltr", "rtl"]:
    """The direction of the first letter that has one (Unicode UAX #9, rules P2 and P3); `neutral` if none has."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    strong = next((kind for kind in kinds if kind in ("L", "R", "AL")), None)
    return neutral if strong is None else "ltr" if strong == "L" else "rtl"


def language_tag(text: str) -> str:
    """`text` if it has the form of a language tag (RFC 5646 §2.1, "en", "pt-BR"), else ""."""
    tag = text.strip()
    return tag if _LANGUAGE_TAG.fullmatch(tag) else ""
