"""The head of an article page: decks and byline, between the headline and the body."""

from collections.abc import Sequence
from dataclasses import dataclass

from syndicate.clippings.archive_pages.byline import is_affiliation, plain_name, read_byline
from syndicate.clippings.archive_pages.lines import Line
from syndicate.clippings.archive_pages.site_lines import is_return
from syndicate.clippings.archive_pages.source_line import ends_sentence

# A head (decks, byline, "Return to ...") is over after so many lines.
_LONGEST_HEAD = 8
# Longer lines are paragraphs; a deck may be a long sentence where a byline follows it.
_PARAGRAPH = 300
_LONGEST_DECK = 200
_MOST_DECKS = 3


@dataclass(frozen=True)
class Head:
    """What stands between headline and body, and the lines from the body on. `signed`: the byline says that it is
    one ("By A", "A, Staff Writer"); else it is only a line that holds a name."""

    deck: tuple[str, ...]
    byline: str | None
    body: Sequence[Line]
    signed: bool = False


def read_head(lines: Sequence[Line], *, publication: str | None) -> Head:
    """Decks, byline and body in the lines under a headline.

    A "Return to ..." line, where there is one, ends the head, but for a byline right under it. Without it the head
    ends with the byline; without that too, with the last line that is written like a headline or just stops.
    """
    back = _return_line(lines)
    above = _above_return([line.text for line in lines[:back]], publication) if back is not None else None
    if back is None or above is None:
        return _until_byline(lines, publication, named=False)
    below = lines[back + 1 :]
    under = _until_byline(below, publication, named=above.byline is None)
    if above.byline and (above.signed or not under.signed or under.deck):
        return Head(above.deck, above.byline, below)
    if above.byline:
        # Two capitalised words above, and a byline that says so below: the words are a deck.
        return Head((*above.deck, above.byline), under.byline, under.body)
    if above.deck and not under.byline:
        return Head(above.deck, None, below)
    return Head(above.deck + under.deck, under.byline, under.body)


def _return_line(lines: Sequence[Line]) -> int | None:
    for at, line in enumerate(lines[:_LONGEST_HEAD]):
        if is_return(line.text):
            return at
        if len(line.text) > _PARAGRAPH:
            return None
    return None


def _above_return(texts: Sequence[str], publication: str | None) -> Head | None:
    """All of it is head: the byline is the line that says so, or the last one if it is nothing but a name.

    None when there is prose under the byline: then the "Return to" line stands inside the body.
    """
    for at, text in enumerate(texts):
        if byline := read_byline(text, publication=publication):
            under = [text for text in texts[at + 1 :] if not is_affiliation(text, publication)]
            return None if any(map(ends_sentence, under)) else Head((*texts[:at], *under), byline, (), signed=True)
    name = plain_name(texts[-1]) if texts else None
    return Head(tuple(texts[:-1] if name else texts), name, ())


def _until_byline(lines: Sequence[Line], publication: str | None, *, named: bool) -> Head:
    """The head where nothing marks its end. A line that is nothing but a name is the byline if prose stands under
    it; with `named`, also without prose if it is the first."""
    texts = [line.text for line in lines[: _MOST_DECKS + 1]]
    for at, text in enumerate(texts):
        signed = read_byline(text, publication=publication)
        bare = (named and at == 0) or (_is_prose_at(lines, at + 1) and not any(map(ends_sentence, texts[:at])))
        byline = signed or (plain_name(text) if bare else None)
        if byline:
            below = _without_affiliation(lines[at + 1 :], publication)
            return Head(tuple(texts[:at]), byline, below, signed=signed is not None)
        # One deck may be a sentence, a second sentence is the body.
        if len(text) > _PARAGRAPH or (at and ends_sentence(text)):
            break
    decks = _unsigned_decks(lines)
    return Head(tuple(line.text for line in lines[:decks]), None, lines[decks:])


def _without_affiliation(lines: Sequence[Line], publication: str | None) -> Sequence[Line]:
    start = 0
    while start < len(lines) - 1 and is_affiliation(lines[start].text, publication):
        start += 1
    return lines[start:]


def _unsigned_decks(lines: Sequence[Line]) -> int:
    """How many lines, two at most, are no prose, with prose under them."""
    decks = 0
    while decks < min(2, len(lines) - 1) and _is_deck(lines[decks], lines[decks + 1]):
        decks += 1
    return decks if _is_prose_at(lines, decks) else 0


def _is_prose_at(lines: Sequence[Line], at: int) -> bool:
    return at < len(lines) and (ends_sentence(lines[at].text) or len(lines[at].text) > 60)


def _is_deck(line: Line, below: Line) -> bool:
    """Whether a line is written like a headline, or stands alone and just stops, as prose does not."""
    alone = line.gap and below.gap
    stops = line.text[-1].isalnum() and len(line.text.split()) >= 4 and below.gap
    return _is_headline_like(line.text, fewest=1 if alone else 3) or (stops and len(line.text) <= _LONGEST_DECK)


def _is_headline_like(text: str, *, fewest: int) -> bool:
    words = [word.strip("\"'“”‘’(),:;-") for word in text.split()]
    long = [word for word in words if len(word) >= 4 and word[0].isalpha()]
    if len(text) > _LONGEST_DECK or len(words) < fewest or not long or text.rstrip("\"'”’").endswith((".", ",", ":")):
        return False
    return sum(word[0].isupper() for word in long) >= 0.75 * len(long)
