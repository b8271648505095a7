"""Whether there was room for all that the edition says."""

from collections.abc import Iterator

from syndicate.editions.given_up import Fits, told
from syndicate.editions.preflight.findings import Finding, warning

_REMEDY = "shorten the note, drop clippings, or set max_items of the digest lower"


def room(fits: Fits) -> Iterator[Finding]:
    """What its mails went without, so that they fit; each once for the languages that it is true of."""
    for words, languages in told(fits):
        where = f"html, {languages}" if languages else "html"
        yield warning(f"the mail would be larger than mail programs show: {words}", _REMEDY, where)
