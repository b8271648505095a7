"""Whether there was room for all that the edition says, and whether the template shows it."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from syndicate.editions.composing import Made
from syndicate.editions.given_up import Fits, told
from syndicate.editions.preflight.facts import Seen
from syndicate.editions.preflight.findings import Finding, warning
from syndicate.mail.pages import DigestItem, DigestPage

_REMEDY = "shorten the note, drop clippings, or set max_items of the digest lower"
_SHOW = "let body.html of the template show `sections` and `more`, and `rest` in a link to `view_url`"
_BEGINNING = 140  # characters of a headline: fewer than are left of one that was cut


def room(fits: Fits) -> Iterator[Finding]:
    """What its mails went without, so that they fit; each once for the languages that it is true of."""
    for words, languages in told(fits):
        where = f"html, {languages}" if languages else "html"
        yield warning(f"the mail would be larger than mail programs show: {words}", _REMEDY, where)


def lost(page: DigestPage, mails: Sequence[Made]) -> Iterator[Finding]:
    """Clippings of the whole `page` that a mail neither shows nor names nor counts: what a template can do."""
    for made in mails:
        seen = Seen.of(made.composition, url=page.site.url, size=0)
        words = "" if seen.root is None else " ".join(seen.root.text_content().split())
        links = {unquote(link.href) for link in seen.links}
        absent = sum(not _is_there(item, links, words) for _, items in page.sections for item in items)
        counted = made.given_up.counted if made.given_up else 0
        number = re.compile(rf"(?<!\d){counted}(?!\d)")
        if any(link.href == page.view_url and number.search(link.words) for link in seen.links):
            absent -= counted
        if absent > 0:
            what = f"{absent} of its {page.total} clippings are nowhere in the mail"
            where = f"html, {seen.language}" if len(mails) > 1 else "html"
            yield warning(what, _SHOW, where)


def _is_there(item: DigestItem, links: set[str], words: str) -> bool:
    own = {unquote(link) for link in (item.url, item.page_url) if link}
    return bool(own & links) or " ".join(item.headline.split())[:_BEGINNING] in words
