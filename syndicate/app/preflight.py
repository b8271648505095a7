"""The preflight of an edition of a site: its mails as they were frozen, or as approving it now would make them."""

from collections.abc import Sequence

from syndicate.app.parts import App
from syndicate.app.specimen import mails, specimen
from syndicate.editions.composing import Made
from syndicate.editions.corrections import KIND as CORRECTION
from syndicate.editions.pages import digest_page
from syndicate.editions.preflight.examination import examine
from syndicate.editions.preflight.facts import Seen
from syndicate.editions.preflight.findings import Finding, note, warning, worst_first
from syndicate.editions.preflight.reach import reachable
from syndicate.editions.preflight.room import lost, room
from syndicate.editions.preflight.spam import spam
from syndicate.editions.same_day import Neighbour, goes_at, neighbours
from syndicate.editions.snapshot import edition as edition_of
from syndicate.editions.snapshot import take
from syndicate.outbox import ranges


def preflight(site: App, edition_id: int) -> tuple[Finding, ...]:
    """What is wrong with the mails of an edition by themselves, or with their day. Raises NotFound, Refused for one
    without clippings, TemplateFault, MailTooLarge."""
    return worst_first((*_looked_over(site, edition_id, mails(site, edition_id)), *same_day(site, edition_id)))


def whole_preflight(site: App, edition_id: int, *, links: bool) -> tuple[Finding, ...]:
    """The same, the readers counted, SpamAssassin asked where it is installed and, with `links`, each link fetched."""
    made = mails(site, edition_id)
    found = [*_looked_over(site, edition_id, made), *_readers(site, edition_id), *same_day(site, edition_id)]
    for one in made:
        found += spam(specimen(site, edition_id, one.composition, signed=True))
    if links:
        seen = [Seen.of(one.composition, url=site.config.site.url, size=0) for one in made]
        found += reachable((link.href for one in seen for link in one.links), own=site.config.site.url)
    return worst_first(found)


def same_day(site: App, edition_id: int) -> tuple[Finding, ...]:
    """A warning if another edition goes or went to some of the same people on the day of this one. Nothing for a
    correction. Raises NotFound."""
    now = site.clock()
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        if edition.kind == CORRECTION:
            return ()
        at = goes_at(site.config, edition, now)
        return _told(site, neighbours(session, site.config, edition.digest, at, besides=edition_id))


def same_day_now(site: App, slug: str) -> tuple[Finding, ...]:
    """The same for an edition of this digest that would go now."""
    now = site.clock()
    with site.database.read() as session:
        return _told(site, neighbours(session, site.config, slug, now))


def _told(site: App, found: Sequence[Neighbour]) -> tuple[Finding, ...]:
    if not found:
        return ()
    first, names = found[0], {digest.slug: digest.name for digest in site.config.digests}
    when = f"{'went' if first.went else 'goes'} the same day, at {first.at.astimezone(site.config.zone):%H:%M}"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    what = f"edition {first.edition} of {names.get(first.digest, first.digest)} {when}{more}, and some people get both"
    return (warning(what, "let this one wait for another day, or go on", "recipients"),)


def _looked_over(site: App, edition_id: int, made: Sequence[Made]) -> tuple[Finding, ...]:
    with site.database.read() as session:
        snapshot = take(session, edition_id)
    digest = site.config.digest(snapshot.digest)
    found = [*examine(site.config, digest, [one.composition for one in made])]
    found += room({one.composition.language: one.given_up for one in made})
    if snapshot.state in ("draft", "held"):  # a frozen mail says what its clippings said then
        page = digest_page(site.config, digest, snapshot, number=snapshot.number, at=site.clock())
        found += lost(page, made)
    return worst_first(found)


def _readers(site: App, edition_id: int) -> Sequence[Finding]:
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        readers = edition.chosen if edition.chosen is not None else ranges.reached(session, edition, site.clock())
        corrects = edition.corrects
    if not readers and corrects is not None:
        return [
            warning(f"nobody has edition {corrects}, or all have left", "`edition cancel` calls it off", "recipients")
        ]
    if not readers:
        return [warning("nobody gets this digest", "`syndicate subscriber add` changes that", "recipients")]
    return [note(f"{readers} {'person gets' if readers == 1 else 'people get'} it", "nothing to do", "recipients")]
