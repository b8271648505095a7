"""What was given up so that a mail of an edition stays below the size at which mail programs clip it: as it is stored
with the frozen mail, and as it is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from syndicate.models import Variant


@dataclass(frozen=True)
class GivenUp:
    """What the mail in one language went without.

    `summaries` is how many characters were left of each summary and deck (0: none of them stands there), None where
    none was cut; `lines` how many clippings had another line or link cut, because it was overlong; `moved` how many
    clippings stand on the web alone, `counted` how many of those are not even named; `size` the bytes of HTML then."""

    summaries: int | None
    lines: int
    moved: int
    counted: int
    size: int

    def as_json(self) -> dict[str, object]:
        """For keeping, and for programs."""
        return {
            "summaries": self.summaries,
            "lines": self.lines,
            "moved": self.moved,
            "counted": self.counted,
            "bytes": self.size,
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, int | None]) -> "GivenUp":
        """What `as_json` kept."""
        return cls(
            summaries=kept["summaries"],
            lines=kept["lines"] or 0,
            moved=kept["moved"] or 0,
            counted=kept["counted"] or 0,
            size=kept["bytes"] or 0,
        )

    @property
    def words(self) -> str:
        """For people, in one line and without the bytes."""
        return ", ".join(self._parts())

    def _parts(self) -> Iterable[str]:
        if self.summaries is not None:
            yield f"summaries cut to {self.summaries} characters" if self.summaries else "summaries left out"
        if self.lines:
            yield f"overlong lines or links of {_clippings(self.lines)} cut"
        if self.moved:
            yield f"{_clippings(self.moved)} moved to “More on the web”"
        if self.counted:
            yield f"{self.counted} of them only counted there"


Fits = Mapping[str, GivenUp | None]
"""By language, what each mail of an edition went without; None for one that was left whole."""


def fits(session: Session, edition_id: int) -> Fits:
    """Those of the mails as they were frozen; empty before the freeze."""
    rows = select(Variant.language, Variant.fit).where(Variant.edition_id == edition_id).order_by(Variant.language)
    return {language: GivenUp.of_json(kept) if kept else None for language, kept in session.execute(rows).tuples()}


def told(fits: Fits) -> tuple[tuple[str, str], ...]:
    """What was given up, in words, each with its languages; "" where it is the same in all of them."""
    languages: dict[str, list[str]] = {}
    for language, given_up in fits.items():
        if given_up is not None:
            languages.setdefault(given_up.words, []).append(language)
    return tuple((words, "" if len(those) == len(fits) else ", ".join(those)) for words, those in languages.items())


def _clippings(number: int) -> str:
    return f"{number} clipping" if number == 1 else f"{number} clippings"
