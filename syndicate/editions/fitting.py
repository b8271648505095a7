"""Making an edition fit below the size at which mail programs clip it: shorter summaries first, then items move to the
web. Pure but for `compose`, which is handed in."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from itertools import accumulate
from typing import Generic, TypeVar

from syndicate.editions.given_up import GivenUp
from syndicate.mail.pages import DigestItem, DigestPage

LARGEST_HTML = 102_000
"""Bytes of HTML beyond which Gmail clips a mail, and hides its footer with the way out."""

MOST_LINKS = 50
"""Items that are named under "More on the web"; further ones are counted."""

_SHORTER = (400, 240, 120, 0)  # characters of a summary, in the order in which they are tried
_LONGEST_LINE = 300  # of a headline, byline, publication or place: one pasted into the wrong field is cut
_LONGEST_LINK = 2000
_MOST_TRIES = 6
_AIM, _ENOUGH = 0.985, 0.97  # of the limit: what is aimed at, and what is worth no further try
_ITEM, _LINK = 330, 250  # bytes of markup about an item and about a mere link, to begin the search with

Composed = TypeVar("Composed")


@dataclass(frozen=True)
class Fitted(Generic[Composed]):
    """What fits, and what it cost; None if nothing."""

    composed: Composed
    given_up: GivenUp | None


@dataclass(frozen=True)
class TooLarge:
    """How large the mail came out with one item, no summary and no link to the others; something else in the template
    is too long."""

    size: int


def fit(
    page: DigestPage,
    *,
    compose: Callable[[DigestPage], Composed],
    size: Callable[[Composed], int],
    limit: int = LARGEST_HTML,
) -> Fitted[Composed] | TooLarge:
    """Compose `page`, whose items all stand in its sections, and again with less in it until `size` of the result is
    at most `limit`.

    At most 12 compositions: the whole page, four with shorter summaries, one with the least, six in search of the most
    that fits. The first item, where a pinned one stands, is never moved; those that are stay in their order, and each
    is in a section, in `more`, or counted in `rest`. TooLarge if even the first item alone does not fit."""
    composed = compose(page)
    whole = size(composed)
    if whole <= limit:
        return Fitted(composed, None)
    shorter = page
    for characters in _SHORTER:
        shorter = shortened(page, characters)
        # Templates show a text once or twice. Where leaving out that much would not do, nothing is tried.
        if whole - 2 * (_written(page) - _written(shorter)) > limit:
            continue
        composed = compose(shorter)
        if size(composed) <= limit:
            return Fitted(composed, _given_up(page, shorter, characters=characters, size=size(composed)))
    return _moved(page, _Ladder(shorter), compose=compose, size=size, limit=limit)


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


def first_items(page: DigestPage, kept: int, links: int) -> DigestPage:
    """The page with its first `kept` items in their sections, the next `links` in `more` and the others counted in
    `rest`. Sections left empty go."""
    left = kept
    sections = []
    for name, items in page.sections:
        if left > 0:
            sections.append((name, items[:left]))
        left -= len(items)
    others = _items(page)[kept:]
    return replace(page, sections=tuple(sections), more=others[:links], rest=len(others[links:]))


def cut(text: str, characters: int) -> str:
    """`text` if it is short enough, else its beginning up to the last whole word and "…"; "" for 0 characters."""
    if len(text) <= characters:
        return text
    if characters <= 0:
        return ""
    head = text[: characters - 1]
    whole, space, _ = head.rpartition(" ")
    return (whole if space and len(whole) > characters // 2 else head).rstrip(" ,;:.–—-") + "…"


@dataclass(frozen=True)
class _Ladder:
    """The ways to move items of `page` to the web, from the smallest mail to the largest. On step 0 the first item
    stays and the others are counted. Then ever more of them are named, up to 50; then ever more stay."""

    page: DigestPage

    @cached_property
    def items(self) -> tuple[DigestItem, ...]:
        """All items of the page."""
        return _items(self.page)

    @property
    def links(self) -> int:
        """How many items are named at most."""
        return min(MOST_LINKS, max(0, len(self.items) - 1))

    @property
    def top(self) -> int:
        """The step on which all items stay."""
        return max(0, len(self.items) - 1) + self.links

    def at(self, step: int) -> DigestPage:
        """The page on this step."""
        return first_items(self.page, *self._shares(step))

    def weight(self, step: int) -> int:
        """About how many bytes of HTML the items are on this step: rough in itself, good enough to compare two."""
        kept, links = self._shares(step)
        whole, named = self._weights
        return whole[kept] + named[kept + links] - named[kept]

    def _shares(self, step: int) -> tuple[int, int]:
        """How many items stay and how many are named on this step."""
        if step <= self.links:
            return min(1, len(self.items)), step
        kept = 1 + step - self.links
        return kept, min(self.links, len(self.items) - kept)

    @cached_property
    def _weights(self) -> tuple[list[int], list[int]]:
        """Of the first items together, by their number: as items, and as mere links."""
        whole = (_ITEM + _bytes(_fields(item)) for item in self.items)
        named = (_LINK + _bytes((item.headline, item.url, item.publication)) for item in self.items)
        return list(accumulate(whole, initial=0)), list(accumulate(named, initial=0))


def _moved(
    page: DigestPage,
    ladder: _Ladder,
    *,
    compose: Callable[[DigestPage], Composed],
    size: Callable[[Composed], int],
    limit: int,
) -> Fitted[Composed] | TooLarge:
    """The highest step of the ladder that fits, or one near it; its top is known not to."""
    lowest, highest, best = 0, ladder.top, compose(ladder.at(0))
    measured, rate = size(best), 1.0  # bytes of the mail for one of the ladder's
    if measured > limit:
        return TooLarge(measured)
    for _ in range(_MOST_TRIES):
        if highest - lowest <= 1 or measured >= _ENOUGH * limit:
            break
        wanted = ladder.weight(lowest) + (_AIM * limit - measured) / rate
        step = lowest + max(1, bisect_right(range(lowest + 1, highest), wanted, key=ladder.weight))
        tried = compose(ladder.at(step))
        found = size(tried)
        rate = max(0.01, (found - measured) / max(1, ladder.weight(step) - ladder.weight(lowest)))
        if found <= limit:
            lowest, best, measured = step, tried, found
        else:
            highest = step
    return Fitted(best, _given_up(page, ladder.at(lowest), characters=0, size=measured))


def _given_up(before: DigestPage, after: DigestPage, *, characters: int, size: int) -> GivenUp:
    was = {item.number: item for item in _items(before)}
    shown = _items(after)
    return GivenUp(
        summaries=characters if any(_said(item) != _said(was[item.number]) for item in shown) else None,
        lines=sum(_mute(item) != _mute(was[item.number]) for item in (*shown, *after.more)),
        moved=len(was) - len(shown),
        counted=after.rest,
        size=size,
    )


def _items(page: DigestPage) -> tuple[DigestItem, ...]:
    return tuple(item for _, items in page.sections for item in items)


def _said(item: DigestItem) -> tuple[str, str]:
    return item.deck, item.summary


def _mute(item: DigestItem) -> DigestItem:
    return replace(item, deck="", summary="")


def _fields(item: DigestItem) -> tuple[str, ...]:
    lines = (item.headline, item.dateline, item.publication, item.place, item.byline, item.correction)
    return *lines, *_said(item), item.url, item.link or ""


def _written(page: DigestPage) -> int:
    return sum(_bytes(_fields(item)) for item in _items(page))


def _bytes(texts: Iterable[str]) -> int:
    return sum(len(escape(text).encode("utf-8", "replace")) for text in texts)
