"""The mails of an edition before anybody gets them: as they were frozen, or as approving it now would make them.

What is previewed, checked and sent as a test is made here, so that all of them are the same."""

from collections.abc import Sequence

from sqlalchemy import select

from syndicate.app.parts import App
from syndicate.editions.composing import Made
from syndicate.editions.given_up import fits
from syndicate.editions.plan import Chosen
from syndicate.editions.snapshot import edition as edition_of
from syndicate.editions.snapshot import foreseen, take
from syndicate.errors import Refused
from syndicate.mail.compose import Composition
from syndicate.mail.personal import EditionRef, MailSite, Person, delivery_mail
from syndicate.models import Variant

# A subscriber that cannot be: the links in a specimen act on nobody.
_NOBODY = "a" * 16


def mails(site: App, edition_id: int) -> tuple[Made, ...]:
    """The mail of an edition in each language: as it was frozen, else composed now (but for the number, which is given
    then), the site's own first. Raises NotFound, Refused for an edition without clippings, TemplateFault,
    MailTooLarge."""
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        rows = select(Variant.composition).where(Variant.edition_id == edition_id).order_by(Variant.language)
        given_up = fits(session, edition_id)
        frozen = [Composition.from_bytes(data) for data in session.scalars(rows)]
        snapshot, at = take(session, edition_id), edition.mail_date or edition.slot_at or edition.created_at
    if frozen:
        frozen.sort(key=lambda one: one.language != site.config.site.language)
        return tuple(Made(one, given_up[one.language]) for one in frozen)
    if not snapshot.items:
        raise Refused(f"edition {edition_id} is {snapshot.state} and holds no clippings: there is nothing to show")
    digest = site.config.digest(snapshot.digest)
    return site.editions.composer.variants(digest, snapshot, number=snapshot.number, at=at)


def mail(site: App, edition_id: int, language: str | None = None) -> Made:
    """The same in one language; in the site's own if none is given, or if it was frozen without that one."""
    made = mails(site, edition_id)
    return next((one for one in made if one.composition.language == language), made[0])


def mails_to_come(site: App, slug: str, items: Sequence[Chosen]) -> tuple[Made, ...]:
    """The mails of an edition of this digest that is not there yet: these items now; none of no items. Raises NotFound,
    TemplateFault, MailTooLarge."""
    if not items:
        return ()
    now = site.clock()
    with site.database.read() as session:
        snapshot = foreseen(session, slug, items, at=now)
    return site.editions.composer.variants(site.config.digest(slug), snapshot, number=None, at=now)


def specimen(site: App, edition_id: int, mail: Composition, *, signed: bool) -> bytes:
    """This mail of the edition to our own contact address, as a subscriber who joined when the edition was made."""
    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        at = edition.mail_date or edition.slot_at or edition.created_at
        made, ref = edition.created_at, EditionRef(edition_id, edition.uid, edition.digest, at)
    return delivery_mail(
        mail,
        person=Person(_NOBODY, site.config.site.contact, made.astimezone(site.config.zone)),
        edition=ref,
        site=MailSite.of(site.config),
        subscriber_id=1,
        keys=site.keys,
        signing=site.mail_maker().signing if signed else (),
    ).data
