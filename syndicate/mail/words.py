"""The filters that mail templates have besides jinja2's own: dates in words, wrapped lines, headings in plain text."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final
from urllib.parse import quote

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from feeds.text import paragraphs, plain_title, reading_direction
from syndicate.datelines import Dateline
from syndicate.mail import columns
from syndicate.timetable import DAYS

WIDTH: Final = 72

_RIGHT_TO_LEFT: Final = frozenset({"ar", "he", "fa", "ur", "yi", "ps", "dv", "ckb"})


def longdate(day: date, language: str = "en") -> str:
    """ "Thursday 26 November 2026", "jueves, 26 de noviembre de 2026"; the date alone in one that nobody knows."""
    words = Dateline.iso(day.isoformat()).display(language)
    if language.split("-", maxsplit=1)[0].lower() == "en":
        return f"{DAYS[day.isoweekday() % 7]} {words}"
    try:
        return format_date(day, "full", locale=Locale.parse(language, sep="-"))
    except (ValueError, UnknownLocaleError):
        return words


def direction(language: str) -> str:
    """ "rtl" or "ltr", the value of an HTML `dir` attribute for a language tag."""
    return "rtl" if language.split("-", maxsplit=1)[0].lower() in _RIGHT_TO_LEFT else "ltr"


def weblink(url: str | None, fallback: str = "") -> str:
    """`url` if it is a link of the web that can stand in a mail, else `fallback`: http or https, one unbroken word."""
    link = "".join(quote(c) if c.isspace() or c in '<>"' else c for c in (url or "").strip())
    return link if re.match(r"https?://[^/?#]", link, re.IGNORECASE) else fallback


def opening(text: str) -> str:
    """`text` as a line begins with it: Spanish writes its days in small letters elsewhere."""
    return text[:1].upper() + text[1:]


def wrapped(text: str, first: str = "", rest: str | None = None, width: int = WIDTH) -> str:
    """`text` as lines of at most `width` columns, the first beginning with `first`, the others with `rest` (as many
    spaces, unless given). A word longer than that keeps a line of its own: a cut link is no link."""
    return columns.filled(plain_title(text), width, first, _below(first) if rest is None else rest)


def listed(facts: Iterable[str], first: str = "") -> str:
    """`facts` with dots between them, as lines of at most 72 columns, each fact whole where it can be."""
    return columns.listed((plain_title(fact) for fact in facts), WIDTH, first, _below(first))


def shortened(text: str, width: int) -> str:
    """`text` on one line of at most `width` columns, "…" where something is left out."""
    return columns.shortened(plain_title(text), width)


def underlined(text: str, stroke: str = "-") -> str:
    """`text` in capitals, a line of strokes under it."""
    head = columns.filled(plain_title(text).upper(), WIDTH)
    longest = max(map(columns.columns, head.split("\n")))
    return f"{head}\n{stroke * min(longest, WIDTH)}"


def _below(first: str) -> str:
    return " " * columns.columns(first)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "longdate": longdate,
    "opening": opening,
    "direction": direction,
    "reading": reading_direction,
    "joined": plain_title,
    "paragraphs": paragraphs,
    "weblink": weblink,
    "wrapped": wrapped,
    "listed": listed,
    "shortened": shortened,
    "underlined": underlined,
}
