"""Making an edition fit below the size at which mail programs clip it: shorter summaries first, then fewer items."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from syndicate.mail.pages import DigestItem, DigestPage

LARGEST_HTML = 102_000
"""Bytes of HTML beyond which Gmail clips a mail, and hides its footer with the way out."""

_SHORTER = (400, 240, 120, 0)  # characters of a summary, in the order in which they are tried
_LONGEST_LINE = 300  # of a headline, byline, publication or place: one pasted into the wrong field is cut
_LONGEST_LINK = 2000
_AIM = 0.97  # a little below the limit: the items that go are not all of middle length
_MOST_CUTS = 6

Composed = TypeVar("Composed")


@dataclass(frozen=True)
class TooLarge:
    """How large the mail came out with one item and no summary; something else in the template is too long."""

    size: int


def fit(
    page: DigestPage,
    *,
    compose: Callable[[DigestPage], Composed],
    size: Callable[[Composed], int],
    limit: int = LARGEST_HTML,
) -> Composed | TooLarge:
    """Compose `page`, and again with less in it until `size` of the result is at most `limit`.

    At most a dozen attempts. What is dropped stays in the edition and on its page on the web; a note says how many.
    TooLarge if even a single item without a summary does not fit."""
    composed = compose(page)
    for summary in _SHORTER:
        if size(composed) <= limit:
            return composed
        page = shortened(page, summary)
        composed = compose(page)
    shown = sum(len(items) for _, items in page.sections)
    for cuts in range(_MOST_CUTS):
        if size(composed) <= limit:
            return composed
        if shown <= 1:
            break
        # What is not items (style, partners, footer) does not shrink: a further cut corrects a first one too timid.
        shown = max(1, min(shown - 1, int(shown * limit / size(composed) * _AIM))) if cuts + 1 < _MOST_CUTS else 1
        composed = compose(first_items(page, shown))
    return composed if size(composed) <= limit else TooLarge(size(composed))


def shortened(page: DigestPage, characters: int) -> DigestPage:
    """The page with summaries and decks of at most so many characters, cut between words, and other lines of at most
    300; 0 leaves summaries and decks out. A monstrous link gives way to that of our own page."""

    def shorter(item: DigestItem) -> DigestItem:
        return replace(
            item,
            headline=cut(item.headline, _LONGEST_LINE),
            byline=cut(item.byline, _LONGEST_LINE),
            publication=cut(item.publication, _LONGEST_LINE),
            place=cut(item.place, _LONGEST_LINE),
            url=item.url if len(item.url) <= _LONGEST_LINK else item.page_url,
            link=item.link if item.link and len(item.link) <= _LONGEST_LINK else None,
            deck=cut(item.deck, characters),
            summary=cut(item.summary, characters),
        )

    return replace(
        page, sections=tuple((name, tuple(shorter(item) for item in items)) for name, items in page.sections)
    )


def first_items(page: DigestPage, count: int) -> DigestPage:
    """The page with its first `count` items only, and a note that says so; sections left empty go."""
    left = count
    sections = []
    for name, items in page.sections:
        if left > 0:
            sections.append((name, items[:left]))
        left -= len(items)
    more = f"Here are the first {count} of {page.total}. The other {page.total - count} are on the web: {page.view_url}"
    note = f"{page.note}\n\n{more}" if page.note else more
    return replace(page, sections=tuple(sections), note=note)


def cut(text: str, characters: int) -> str:
    """`text` if it is short enough, else its beginning up to the last whole word and "…"; "" for 0 characters."""
    if len(text) <= characters:
        return text
    if characters <= 0:
        return ""
    head = text[: characters - 1]
    whole, space, _ = head.rpartition(" ")
    return (whole if space and len(whole) > characters // 2 else head).rstrip(" ,;:.–—-") + "…"
