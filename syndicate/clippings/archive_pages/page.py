"""Reads one saved article page of the coalition's "Don't Miss" archive, text or HTML. Pure: text in, values out.

The line "DATE -- PUBLICATION (PLACE)" anchors a page: what stands above it is navigation, the next line is the
headline, then come deck and byline until the body begins. What the page does not show clearly is refused.
"""

from collections.abc import Sequence
from typing import Literal

from syndicate.clippings.archive_pages.byline import read_byline
from syndicate.clippings.archive_pages.head import read_head
from syndicate.clippings.archive_pages.index import count_entries
from syndicate.clippings.archive_pages.lines import Line, is_html, lines_of, readable_lines
from syndicate.clippings.archive_pages.site_lines import is_return, is_site_line, without_foot, without_insertions
from syndicate.clippings.archive_pages.source_line import Source, ends_sentence, read_source, unreadable_date
from syndicate.clippings.archive_pages.values import ArchivedClipping, UnreadablePage

# A "Return to ..." line this near under a dateline belongs to the same head.
_HEAD = 8
# Longer lines are paragraphs.
_PARAGRAPH = 300
_LONGEST_HEADLINE = 220
_FORM = '"DATE -- PUBLICATION (PLACE)", as in "March 2009 -- Daily Example (US)"'


def detect(text: str) -> Literal["archive", "index"]:
    """Whether the text is a list of clippings or (also when it is neither) one article page.

    An article may stand among more lines of a list than it has dateline: the site puts its latest news beside it."""
    lines = lines_of(text)
    sources = [(at, found) for at, line in enumerate(lines) if (found := read_source(line.text))]
    if any(source.place and _leads_an_article(lines, at) for at, source in sources):
        return "archive"
    return "index" if count_entries(lines) > len(sources) else "archive"


def read_page(text: str, name: str) -> ArchivedClipping:
    """The clipping on one saved article page; `name` is the file's, for messages.

    Known limits: one article a page; a headline is one line; without a byline or a "Return to" line under it a deck
    is told from the body by its capitals or its missing full stop; a date without a dash and a publication after it
    is no dateline.
    Raises UnreadablePage, naming file and line, without a believable dateline, headline and body.
    """
    lines = readable_lines(text, name)
    at, source = _anchor(lines, name)
    headline, rest = _headline(without_foot(lines[at + 1 :]), lines[at], name)
    head = read_head(without_insertions(rest, lines[:at]), publication=source.publication)
    body = _paragraphs([line for line in head.body if not is_return(line.text)], wrapped=not is_html(text))
    if not body:
        raise UnreadablePage(name, headline.number, f"no article under the headline {_shown(headline.text)}")
    return ArchivedClipping(
        headline=headline.text,
        dateline=source.dateline,
        publication=source.publication,
        place=source.place,
        deck=" ".join(head.deck) or None,
        byline=head.byline,
        body="\n\n".join(body),
        line=lines[at].number,
    )


def _anchor(lines: Sequence[Line], name: str) -> tuple[int, Source]:
    """The position of the dateline and what it says.

    Best is the last source line before a "Return to ..." line in the same head (an events calendar above may look
    alike, and so may a headline under it: one with a place goes before), then the first with a place, then the
    first; but none that has the prose of an article above it. A line
    of the same form above it with a date that does not exist is more likely the real one: the page is refused, not
    taken for another article.
    """
    sources = _above_prose(lines, [(at, found) for at, line in enumerate(lines) if (found := read_source(line.text))])
    in_head = [found for found in sources if _leads_to_return(lines, found[0])]
    best = _nearest(lines, in_head) or next(iter(_surest(sources)), None)
    if best and best[1].weak and best not in in_head:
        best = None
    for line in lines[: best[0] if best else None]:
        if date := unreadable_date(line.text):
            raise UnreadablePage(name, line.number, f"{_shown(date)} is not a date that can be read")
    if best is None:
        raise UnreadablePage(name, lines[0].number, f"no line of the form {_FORM}; is this a saved article page?")
    return best


def _leads_an_article(lines: Sequence[Line], at: int) -> bool:
    """Whether a "Return to ..." line or two paragraphs of prose stand near under a source line, before any list."""
    near = lines[at + 1 : at + 1 + _HEAD]
    listed = next((number for number, line in enumerate(near) if count_entries([line])), len(near))
    prose = sum(1 for line in near[:listed] if _is_prose(line))
    return prose >= 2 or _leads_to_return(lines[: at + 1 + listed], at)


def _is_prose(line: Line) -> bool:
    return len(line.text) > 60 and ends_sentence(line.text) and not is_site_line(line.text)


def _above_prose(lines: Sequence[Line], sources: Sequence[tuple[int, Source]]) -> list[tuple[int, Source]]:
    """The source lines down to the first two paragraphs of prose under the first that counts: below is the body."""
    first = next((at for at, source in sources if not source.weak), len(lines))
    prose = [at for at, line in enumerate(lines) if at > first and _is_prose(line)]
    return [found for found in sources if len(prose) < 2 or found[0] < prose[1]]


def _leads_to_return(lines: Sequence[Line], at: int) -> bool:
    for line in lines[at + 1 : at + 1 + _HEAD]:
        if is_return(line.text):
            return True
        if len(line.text) > _PARAGRAPH:
            return False
    return False


def _nearest(lines: Sequence[Line], in_head: Sequence[tuple[int, Source]]) -> tuple[int, Source] | None:
    if not in_head:
        return None
    back = next(at for at in range(in_head[0][0], len(lines)) if is_return(lines[at].text))
    return _surest([found for found in in_head if found[0] < back])[-1]


def _surest(sources: Sequence[tuple[int, Source]]) -> Sequence[tuple[int, Source]]:
    """Those with a place, else those with more than a year, else all: a headline may begin with a date too."""
    placed = [found for found in sources if found[1].place]
    strong = [found for found in sources if not found[1].weak]
    return placed or strong or sources


def _headline(article: Sequence[Line], dateline: Line, name: str) -> tuple[Line, Sequence[Line]]:
    """The headline and the lines under it. UnreadablePage when what follows the dateline cannot be one."""
    found = next((at for at, line in enumerate(article) if not is_site_line(line.text)), None)
    if found is None:
        raise UnreadablePage(name, dateline.number, "no headline under the dateline")
    text = article[found].text
    stopped = ends_sentence(text) and not text.rstrip("\"'”’)").endswith(("?", "!"))
    # Right under "Return to ..." the article may begin; elsewhere only a whole sentence tells a paragraph.
    prose = stopped and (len(text.split()) >= 12 or any(is_return(line.text) for line in article[:found]))
    signed = text[:3].lower() == "by " and read_byline(text) is not None
    other = read_source(text)
    another = other is not None and other.place is not None
    if not any(char.isalpha() for char in text) or len(text) > _LONGEST_HEADLINE or prose or signed or another:
        raise UnreadablePage(name, article[found].number, f"{_shown(text)} stands where the headline should be")
    return article[found], article[found + 1 :]


def _paragraphs(lines: Sequence[Line], *, wrapped: bool) -> list[str]:
    """The paragraphs of a body. Lines between two blank ones are each a paragraph, unless a text was wrapped."""
    blocks: list[list[str]] = []
    for line in lines:
        if line.gap or not blocks:
            blocks.append([])
        blocks[-1].append(line.text)
    return [
        paragraph for block in blocks for paragraph in ([" ".join(block)] if wrapped and _is_wrapped(block) else block)
    ]


def _is_wrapped(block: Sequence[str]) -> bool:
    """Whether lines are the pieces of one paragraph, broken at a right margin as mail and old browsers do."""
    full = [len(text) for text in block[:-1]]
    at_margin = bool(full) and min(full) >= 45 and max(full) <= 100 and max(full) - min(full) <= 30
    return at_margin and len(block[-1]) <= max(full) + 5 and not all(ends_sentence(text) for text in block)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
