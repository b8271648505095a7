"""What the mails of an edition go without to stay small enough, for the commands that tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syndicate.cli import output
from syndicate.errors import SyndicateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from syndicate.app.parts import App
    from syndicate.editions.composing import Made
    from syndicate.editions.given_up import Fits
    from syndicate.editions.plan import Chosen


def stored(site: App, edition_id: int) -> Fits:
    """As it was frozen; empty before that."""
    from syndicate.editions.given_up import fits

    with site.database.read() as session:
        return fits(session, edition_id)


def fits_of(site: App, edition_id: int) -> Fits:
    """As it was frozen; of a draft, as approving it now would give it. A mail that cannot be made is told in a note."""
    from syndicate.app.specimen import mails
    from syndicate.cli.following import stand_of

    frozen, stand = stored(site, edition_id), stand_of(site, edition_id)
    if frozen or stand.state not in ("draft", "held") or not stand.items:
        return frozen
    return _fits(lambda: mails(site, edition_id))


def fits_to_come(site: App, digest: str, items: Sequence[Chosen]) -> Fits:
    """As an edition with these items would have it now. A mail that cannot be made is told in a note."""
    from syndicate.app.specimen import mails_to_come

    return _fits(lambda: mails_to_come(site, digest, items))


def fit_lines(fits: Fits) -> list[str]:
    """What was given up, a line for each kind, with the languages it is true of where they differ."""
    from syndicate.editions.given_up import told

    return [f"{words} ({languages})" if languages else words for words, languages in told(fits)]


def _fits(make: Callable[[], Iterable[Made]]) -> Fits:
    try:
        return {one.composition.language: one.given_up for one in make()}
    except SyndicateError as error:
        output.note(f"there is no mail of it: {error}")
        return {}
