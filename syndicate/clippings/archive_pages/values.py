"""What the reader of saved pages gives back: a clipping as the page printed it, or the reason why not."""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from syndicate.datelines import Dateline
from syndicate.errors import SyndicateError

_DATED_AHEAD = timedelta(days=92)


class UnreadablePage(SyndicateError):
    """A saved page or list that cannot be read. The text names file, line and reason."""

    def __init__(self, name: str, line: int, reason: str) -> None:
        super().__init__(f"{name}, line {line}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class ArchivedClipping:
    """A clipping as a saved page or a line of a list shows it; None is what the page does not say.

    `body` is plain text, its paragraphs joined by blank lines ("" from a list). `line` counts from 1 in the file
    and is where the dateline, in a list the clipping, stood.
    """

    headline: str
    dateline: Dateline
    publication: str | None
    place: str | None
    deck: str | None
    byline: str | None
    body: str
    link: str | None = None
    line: int = 0


def too_new(clipping: ArchivedClipping, today: date) -> str | None:
    """Why the dateline cannot be believed: it lies ahead of `today`, further than magazines are dated ahead."""
    if clipping.dateline.first_day <= today + _DATED_AHEAD:
        return None
    return f"the dateline {clipping.dateline.text} lies in the future"


def fingerprint(clipping: ArchivedClipping) -> str:
    """The identity of a clipping, 64 hex digits: the same for the same headline, publication and dateline.

    Spacing, case, punctuation, quotes and dashes do not count, so the same page saved by two programs is one.
    """
    parts = (_letters(clipping.headline), _letters(clipping.publication or ""), clipping.dateline.text)
    # The separator cannot occur in a part, so no two triples share a text.
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _letters(text: str) -> str:
    """Letters, marks and digits in one case; an apostrophe joins, everything else parts words."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    joined = "".join(char for char in folded if char not in "'’‘‛`´ʼ′")
    return " ".join("".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in joined).split())
