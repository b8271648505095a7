"""The preflight of an edition of a site: its mails as they were frozen, or as approving it now would make them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.recipients import count
from syndicate.app.parts import App
from syndicate.editions.preflight.examination import examine
from syndicate.editions.preflight.facts import Seen
from syndicate.editions.preflight.findings import Finding, note, warning, worst_first
from syndicate.editions.preflight.reach import reachable
from syndicate.editions.preflight.spam import spam
from syndicate.editions.snapshot import edition as edition_of
from syndicate.editions.snapshot import take
from syndicate.errors import Refused
from syndicate.mail.compose import Composition
from syndicate.mail.personal import EditionRef, MailSite, Person, delivery_mail
from syndicate.models import Variant

# A subscriber that cannot be: the links of the mail that SpamAssassin reads act on nobody.
_NOBODY = "a" * 16


def preflight(site: App, edition_id: int) -> tuple[Finding, ...]:
    """What is wrong with the mails of an edition by themselves. Raises NotFound, Refused for one without clippings,
    TemplateFault, MailTooLarge."""
    with site.database.read() as session:
        digest = site.config.digest(edition_of(session, edition_id).digest)
    return examine(site.config, digest, _mails(site, edition_id))


def whole_preflight(site: App, edition_id: int, *, links: bool) -> tuple[Finding, ...]:
    """The same, the readers counted, SpamAssassin asked where it is installed and, with `links`, each link fetched."""
    mails = _mails(site, edition_id)
    found = [*preflight(site, edition_id), *_readers(site, edition_id)]
    for mail in mails:
        found += spam(_signed(site, edition_id, mail))
    if links:
        seen = [Seen.of(mail, url=site.config.site.url, size=0) for mail in mails]
        found += reachable((link.href for one in seen for link in one.links), own=site.config.site.url)
    return worst_first(found)


def _mails(site: App, edition_id: int) -> Sequence[Composition]:
    """Each variant of an edition: frozen, or composed now."""
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        frozen = _frozen(session, edition_id) if edition.state != "draft" else ()
        snapshot, at = take(session, edition_id), edition.mail_date or edition.slot_at or edition.created_at
    if frozen:
        return frozen
    if not snapshot.items:
        raise Refused(f"edition {edition_id} is {snapshot.state} and holds no clippings: there is nothing to check")
    digest = site.config.digest(snapshot.digest)
    return site.editions.composer.variants(digest, snapshot, number=snapshot.number, at=at)


def _frozen(session: Session, edition_id: int) -> Sequence[Composition]:
    rows = select(Variant.composition).where(Variant.edition_id == edition_id).order_by(Variant.language)
    return [Composition.from_bytes(data) for data in session.scalars(rows)]


def _readers(site: App, edition_id: int) -> Sequence[Finding]:
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        readers = edition.chosen if edition.chosen is not None else count(session, edition.digest)
    if not readers:
        return [warning("nobody gets this digest", "`syndicate subscriber add` changes that", "recipients")]
    return [note(f"{readers} {'person gets' if readers == 1 else 'people get'} it", "nothing to do", "recipients")]


def _signed(site: App, edition_id: int, mail: Composition) -> bytes:
    """The mail to our own contact address, signed, as a subscriber would get it."""
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        uid, digest, made = edition.uid, edition.digest, edition.created_at
        at = edition.mail_date or edition.slot_at or made
    return delivery_mail(
        mail,
        person=Person(_NOBODY, site.config.site.contact, made.astimezone(site.config.zone)),
        edition=EditionRef(edition_id, uid, digest, at),
        site=MailSite.of(site.config),
        subscriber_id=1,
        keys=site.keys,
        signing=site.mail_maker().signing,
    ).data
