"""`syndicate edition preview`: an edition as one mail of it would be."""

from __future__ import annotations

import email
import email.policy
import sys
from typing import Annotated

import typer

from syndicate.cli.edition import EditionId
from syndicate.cli.site import opened
from syndicate.errors import UsageError


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
    from syndicate.app.specimen import composition, specimen

    with opened(ctx) as site:
        if language is not None and language not in site.config.site.languages:
            known = ", ".join(site.config.site.languages)
            raise UsageError(f"mail is not written in {language!r:.40}: choose among {known}, or set site.languages")
        data = specimen(site, edition, composition(site, edition, language), signed=eml)
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
