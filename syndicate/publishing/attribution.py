"""How a clipping says where it comes from, in one line: page, feed and mail agree on it."""

from datetime import UTC
from html import escape

from feeds.links import web_link
from feeds.text import paragraphs, plain_title
from syndicate.datelines import Dateline
from syndicate.models import Clipping

SEPARATOR = " · "


def attribution(clipping: Clipping, language: str = "en") -> tuple[str, ...]:
    """Publication, date, place and byline of a clipping, those that it has, each one line of plain text.

    The date is the dateline with its own precision ("March 2009").
    """
    dateline = Dateline(clipping.dateline).display(language) if clipping.dateline else None
    parts = (clipping.publication, dateline, clipping.place, clipping.byline)
    return tuple(line for line in (plain_title(part) for part in parts if part) if line)


def correction(clipping: Clipping, language: str = "en") -> str:
    """What was corrected last, with the day (of UTC): "Corrected 26 November 2026: …"; "" if nothing was."""
    if not clipping.correction or clipping.corrected_at is None:
        return ""
    day = Dateline.iso(clipping.corrected_at.astimezone(UTC).date().isoformat()).display(language)
    return f"Corrected {day}: {clipping.correction}"


def shown_body(clipping: Clipping) -> tuple[str, ...]:
    """The body's paragraphs where the rights let us show them (`full`), else none: it is kept for search only."""
    return paragraphs(clipping.body or "") if clipping.rights == "full" else ()


def shown_summary(clipping: Clipping) -> str:
    """The summary, else the deck, as one line; nothing where the rights allow the link alone."""
    if clipping.rights == "link":
        return ""
    return plain_title(clipping.summary or "") or plain_title(clipping.deck or "")


def content_html(clipping: Clipping, *, language: str, full_text: bool) -> str:
    """The clipping as HTML for a feed: attribution, correction, the body or the summary, the way to the original.

    Our own mark-up around escaped text; the body only where rights and `full_text` allow it.
    """
    body = shown_body(clipping) if full_text else ()
    note = correction(clipping, language)
    summary = shown_summary(clipping)
    lines = body or ((summary,) if summary else ())
    parts = (
        [f"<p><small>{escape(SEPARATOR.join(line))}</small></p>"] if (line := attribution(clipping, language)) else []
    )
    parts += [f"<p><strong>{escape(note)}</strong></p>"] if note else []
    parts += [f"<p>{escape(text)}</p>" for text in lines]
    if link := web_link(clipping.link or ""):
        place = plain_title(clipping.publication or "") or "the source"
        parts.append(f'<p><a href="{escape(link)}">Read it at {escape(place)}</a></p>')
    return "".join(parts)
