"""`syndicate edition preview`: an edition as one mail of it would be."""

from __future__ import annotations

import email
import email.policy
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import output
from syndicate.cli.edition import EditionId
from syndicate.cli.site import opened
from syndicate.errors import UsageError

if TYPE_CHECKING:
    from syndicate.app.parts import App
    from syndicate.mail.compose import Composition

_FROZEN = "It was approved and frozen: this is, but for what is personal, byte for byte what goes out."
_OPEN = "It is not approved yet: approving it freezes it as it is then."


def preview(
    ctx: typer.Context,
    edition: EditionId,
    *,
    html: Annotated[bool, typer.Option("--html", help="The HTML part.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The text part (if nothing is chosen).")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="The header fields, signed.")] = False,
    eml: Annotated[bool, typer.Option("--eml", help="The source: the whole mail, signed.")] = False,
    page: Annotated[
        bool, typer.Option("--page", help="A page for a browser: phone and desktop, light and dark, and all the rest.")
    ] = False,
    language: Annotated[str | None, typer.Option(metavar="TAG", help="In this language of the site.")] = None,
) -> None:
    """Print an edition as a subscriber would get it. What was approved is shown as it was frozen."""
    if html + text + headers + eml + page > 1:
        raise UsageError("choose one of --html, --text, --headers, --eml and --page")
    from syndicate.app.specimen import mail as mail_of
    from syndicate.app.specimen import specimen
    from syndicate.web.preview import body_of, header_block

    with opened(ctx) as site:
        if language is not None and language not in site.config.site.languages:
            known = ", ".join(site.config.site.languages)
            raise UsageError(f"mail is not written in {language!r:.40}: choose among {known}, or set site.languages")
        made = mail_of(site, edition, language)
        shown = made.composition
        mail = specimen(site, edition, shown, signed=eml or headers or page)
        if made.given_up:
            output.note(f"made to fit: {made.given_up.words}")
        if page:
            _print(_page(site, edition, shown, mail).encode())
            return
    if eml:
        _print(mail)
    elif headers:
        _print(header_block(mail).encode())
    else:
        message = email.message_from_bytes(mail, policy=email.policy.default)
        _print(body_of(message, "html" if html else "plain").encode())


def _page(site: App, edition_id: int, shown: Composition, mail: bytes) -> str:
    from syndicate.editions.snapshot import edition
    from syndicate.web.preview import preview_page

    with site.database.read() as session:
        frozen = edition(session, edition_id).hash is not None
    return preview_page(mail, edition=edition_id, language=shown.language, standing=_FROZEN if frozen else _OPEN)


def _print(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    if sys.stdout.isatty() and not data.endswith(b"\n"):
        # The prompt of the shell belongs on a line of its own; a file gets the part byte for byte.
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
