"""A saved file as lines of plain text with their line numbers, from plain text or HTML. What is read here is never
put out as HTML again: this is a reader of old tag soup in one pass, not a sanitizer."""

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from syndicate.clippings.archive_pages.values import UnreadablePage

_BOM = "\ufeff"
# Real pages have some tens of thousands of characters, a list of all of them half a million.
LARGEST = 2_000_000


@dataclass(frozen=True)
class Line:
    """A line with something on it: white space joined, entities read. `number` counts from 1 in the file; `gap`
    says that a blank line or the border of a block stands before it."""

    text: str
    number: int
    gap: bool


def decode(raw: bytes) -> str:
    """The text of a saved file: UTF-16 with its mark, UTF-8 with or without one, else windows-1252."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def readable_lines(text: str, name: str) -> list[Line]:
    """The lines of a saved page or list that hold anything; `name` is the file's, for UnreadablePage."""
    if len(text) > LARGEST:
        raise UnreadablePage(name, 1, f"{len(text):,} characters are no saved page (at most {LARGEST:,})")
    lines = lines_of(text)
    if not lines:
        raise UnreadablePage(name, 1, "there is no text in it")
    return lines


def lines_of(text: str) -> list[Line]:
    """The lines of a text or an HTML page that hold anything."""
    plain = text.removeprefix(_BOM).replace("\r\n", "\n").replace("\r", "\n")
    return _html_lines(plain) if is_html(plain) else _text_lines(plain)


def is_html(text: str) -> bool:
    """Whether the text is an HTML page or a piece of one, not a text that mentions a tag."""
    if _PAGE.search(text):
        return True
    return sum(1 for _, _ in zip(_BLOCK_TAG.finditer(text), range(3), strict=False)) == 3


_PAGE = re.compile(r"<!doctype html|<html[\s>]|<body[\s>]", re.IGNORECASE)
_BLOCK_TAG = re.compile(r"<(?:p|br|div|table|td|h[1-6]|li|ul|center|a\s)\b[^<>]*>", re.IGNORECASE)
# Numbers are bounded: html.unescape hands them to int(), which refuses thousands of digits.
_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31})"
_TEXT_ENTITY = re.compile(_ENTITY + ";")
_HTML_ENTITY = re.compile(_ENTITY + ";?")


def _text_lines(text: str) -> list[Line]:
    lines: list[Line] = []
    gap = True
    for number, raw in enumerate(text.split("\n"), start=1):
        shown = _joined(_TEXT_ENTITY.sub(_meaning, raw))
        if shown:
            lines.append(Line(shown, number, gap))
        gap = not shown
    return lines


def _meaning(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


_INVISIBLE = "\ufeff\u200b\u2060\u00ad"


def _joined(text: str) -> str:
    """One line: every kind of white space is one space, what prints nothing is gone."""
    words = " ".join(text.split())
    if words.isascii() and words.isprintable():
        return words
    return " ".join("".join(char for char in words if _prints(char)).split())


def _prints(char: str) -> bool:
    # Unassigned characters stay: tomorrow's Unicode assigns them. Noncharacters never will be.
    code = ord(char)
    nonchar = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not nonchar and char not in _INVISIBLE and unicodedata.category(char) not in ("Cc", "Cs", "Co")


# Each stops at the next "<", so that the whole file is read in one pass whatever it holds.
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]*)(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>""")
_LOOSE_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
_DECLARATION = re.compile(r"<[!?][^<>]*>")
# As in browsers, one of these without its end tag swallows the rest.
_SILENT = frozenset({"script", "style", "title", "textarea"})
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|caption|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]"
    "|head|header|hr|html|legend|li|main|menu|nav|ol|option|p|pre|section|select|table|tbody|td|tfoot|th|thead|tr|ul"
)


class _Page:
    """The lines of an HTML page, gathered in one pass."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._parts: list[str] = []
        self._number = 0
        self._gap = True
        self.preformatted = 0

    def text(self, chunk: str, number: int) -> None:
        pieces = chunk.split("\n") if self.preformatted else [chunk]
        for offset, piece in enumerate(pieces):
            if offset:
                self.end_line("break", number + offset)
            if not self._number and piece.strip():
                # Where the text begins, not the white space before it.
                self._number = number + offset + piece[: len(piece) - len(piece.lstrip())].count("\n")
            self._parts.append(piece)

    def end_line(self, kind: Literal["break", "block"], number: int) -> None:
        shown = _joined(_HTML_ENTITY.sub(_meaning, "".join(self._parts)))
        if shown:
            self.lines.append(Line(shown, self._number or number, self._gap))
        self._gap = kind == "block" or not shown
        self._parts, self._number = [], 0


def _html_lines(text: str) -> list[Line]:
    page = _Page()
    at, number = 0, 1
    while at < len(text):
        begin = text.find("<", at)
        begin = len(text) if begin < 0 else begin
        page.text(text[at:begin], number)
        number += text.count("\n", at, begin)
        end = _markup(page, text, begin, number)
        number += text.count("\n", begin, end)
        at = end
    page.end_line("block", number)
    return page.lines


def _markup(page: _Page, text: str, begin: int, number: int) -> int:
    """Acts on what begins with the "<" at `begin`; the position after it."""
    if begin >= len(text):
        return begin
    if text.startswith("<!--", begin):
        end = text.find("-->", begin + 4)
        return len(text) if end < 0 else end + 3
    tag = _TAG.match(text, begin) or _LOOSE_TAG.match(text, begin)
    if tag is None:
        declaration = _DECLARATION.match(text, begin)
        if declaration:
            return declaration.end()
        page.text("<", number)
        return begin + 1
    closing, name = bool(tag[1]), tag[2].lower()
    if name in _SILENT and not closing:
        end_tag = re.compile(rf"</{name}\b[^<>]*>?", re.IGNORECASE).search(text, tag.end())
        return end_tag.end() if end_tag else len(text)
    if name == "br":
        page.end_line("break", number)
    elif _BLOCKS.fullmatch(name):
        page.end_line("block", number)
        if name == "pre":
            page.preformatted = 0 if closing else 1
    return tag.end()
