"""Making an edition fit below the size at which mail programs clip it: shorter summaries first, then fewer items."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from syndicate.mail.pages import DigestItem, DigestPage

LARGEST_HTML = 102_000
"""Bytes of HTML beyond which Gmail clips a mail, and hides its footer with the way out."""

_SHORTER = (400, 240, 120, 0)  # characters of a summary, in the order in which they are tried
_LONGEST_HEADLINE = 300
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

    At most a dozen attempts. `page.total` keeps the full count, so that the templates can say how many more are on
    the web. TooLarge if even a single item without a summary does not fit."""
    composed = compose(page)
    for summary in _SHORTER:
        if size(composed) <= limit:
            return composed
        page = shortened(page, summary)
        composed = compose(page)
    for _ in range(_MOST_CUTS):
        large, shown = size(composed), len(list(_items(page)))
        if large <= limit or shown == 1:
            break
        # What is not items (style, partners, footer) does not shrink: a further cut corrects a first one too timid.
        page = first_items(page, max(1, min(shown - 1, int(shown * limit / large * _AIM))))
        composed = compose(page)
    if size(composed) > limit:
        page = first_items(page, 1)
        composed = compose(page)
    return composed if size(composed) <= limit else TooLarge(size(composed))


def shortened(page: DigestPage, characters: int) -> DigestPage:
    """The page with summaries and decks of at most so many characters, cut between words, and headlines of at most
    300; 0 leaves summaries and decks out."""

    def shorter(item: DigestItem) -> DigestItem:
        return replace(
            item,
            headline=cut(item.headline, _LONGEST_HEADLINE),
            deck=cut(item.deck, characters),
            summary=cut(item.summary, characters),
        )

    return replace(
        page, sections=tuple((name, tuple(shorter(item) for item in items)) for name, items in page.sections)
    )


def first_items(page: DigestPage, count: int) -> DigestPage:
    """The page with its first `count` items only; sections left empty go."""
    left = count
    sections = []
    for name, items in page.sections:
        if left > 0:
            sections.append((name, items[:left]))
        left -= len(items)
    return replace(page, sections=tuple(sections))


def cut(text: str, characters: int) -> str:
    """`text` if it is short enough, else its beginning up to the last whole word and "…"; "" for 0 characters."""
    if len(text) <= characters:
        return text
    if characters <= 0:
        return ""
    head = text[: characters - 1]
    whole, space, _ = head.rpartition(" ")
    return (whole if space and len(whole) > characters // 2 else head).rstrip(" ,;:.–—-") + "…"


def _items(page: DigestPage) -> Iterator[DigestItem]:
    for _, items in page.sections:
        yield from items
