"""`syndicate edition preview`: an edition as one mail of it would be."""

from __future__ import annotations

import email
import email.policy
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli.edition import EditionId
from syndicate.cli.site import opened
from syndicate.errors import Refused, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from syndicate.app.parts import App
    from syndicate.editions.snapshot import Snapshot
    from syndicate.mail.compose import Composition

# A subscriber that cannot be: the links in a preview act on nobody.
_NOBODY = "a" * 16


def preview(
    ctx: typer.Context,
    edition: EditionId,
    *,
    html: Annotated[bool, typer.Option("--html", help="The HTML part.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The text part (if nothing is chosen).")] = False,
    eml: Annotated[bool, typer.Option("--eml", help="The whole mail, signed, with its headers.")] = False,
    language: Annotated[str | None, typer.Option(metavar="TAG", help="In this language of the site.")] = None,
) -> None:
    """Print an edition as a subscriber would get it. What was approved is shown as it was frozen."""
    if html + text + eml > 1:
        raise UsageError("choose one of --html, --text and --eml")
    with opened(ctx) as site:
        if language is not None and language not in site.config.site.languages:
            known = ", ".join(site.config.site.languages)
            raise UsageError(f"mail is not written in {language!r:.40}: choose among {known}, or set site.languages")
        data = _mail(site, edition, language or site.config.site.language, signed=eml)
    if not eml:
        message = email.message_from_bytes(data, policy=email.policy.default)
        part = message.get_body(("html",) if html else ("plain",))
        data = (part.get_content() if part else "").encode()
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    if sys.stdout.isatty() and not data.endswith(b"\n"):
        # The prompt of the shell belongs on a line of its own; a file gets the part byte for byte.
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def _mail(site: App, edition_id: int, language: str, *, signed: bool) -> bytes:
    """The mail to our own contact address, as a subscriber who joined when the edition was made."""
    from syndicate.editions.snapshot import edition as edition_of
    from syndicate.editions.snapshot import take
    from syndicate.mail.personal import EditionRef, MailSite, Person, delivery_mail

    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        snapshot, at = take(session, edition_id), edition.mail_date or edition.slot_at or edition.created_at
        made, frozen = edition.created_at, _frozen(session, edition_id, language)
    return delivery_mail(
        frozen or _composed(site, snapshot, at, language),
        person=Person(_NOBODY, site.config.site.contact, made.astimezone(site.config.zone)),
        edition=EditionRef(edition_id, snapshot.uid, snapshot.digest, at),
        site=MailSite.of(site.config),
        subscriber_id=1,
        keys=site.keys,
        signing=site.mail_maker().signing if signed else (),
    ).data


def composition_of(site: App, edition_id: int) -> Composition:
    """The mail of an edition: as it was frozen, else as approving it now would freeze it. Raises NotFound, Refused."""
    from syndicate.editions.snapshot import edition as edition_of
    from syndicate.editions.snapshot import take

    with site.database.read() as session:
        edition = edition_of(session, edition_id)
        snapshot, at = take(session, edition_id), edition.mail_date or edition.slot_at or edition.created_at
        frozen = _frozen(session, edition_id, site.config.site.language)
    return frozen or _composed(site, snapshot, at, site.config.site.language)


def _frozen(session: Session, edition_id: int, language: str) -> Composition | None:
    from sqlalchemy import select

    from syndicate.mail.compose import Composition
    from syndicate.models import Variant

    found = select(Variant.composition).where(Variant.edition_id == edition_id, Variant.language == language)
    data = session.scalar(found)
    return Composition.from_bytes(data) if data is not None else None


def _composed(site: App, snapshot: Snapshot, at: datetime, language: str) -> Composition:
    """What approving it now would freeze, but for the number, which is given then."""
    if not snapshot.items:
        raise Refused(f"edition {snapshot.id} is {snapshot.state} and holds no clippings: there is nothing to show")
    digest = site.config.digest(snapshot.digest)
    return site.editions.composer.compose(digest, snapshot, number=snapshot.number, at=at, language=language)
