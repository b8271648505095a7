"""`syndicate edition correct`: what was wrong in an edition that was sent is told to those who have it."""

from __future__ import annotations

from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.edition import By, EditionId, ask_for_maker, read
from syndicate.cli.following import stand_of
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened


def correct(
    ctx: typer.Context,
    edition: EditionId,
    *,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What was wrong; what `clip correct` noted if not given.")
    ] = None,
    clip: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A clipping it is about; may be given again.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make the draft of a correction, for those who got edition E or may have got it. `edition send` sends it.

    Without --clip it names what was corrected or retracted since E was approved."""
    from syndicate.editions.corrections import draft

    with opened(ctx) as site:
        with site.database.write() as session:
            made = draft(session, edition, note=note, clips=clip or (), now=site.clock(), by=by)
        ask_for_maker(site, by)
        uncertain = stand_of(site, edition).counts.uncertain
        if uncertain:
            output.note(
                f"{uncertain} of edition {edition} are uncertain, and get no correction unless you decide first: "
                f"`syndicate outbox uncertain {edition}`"
            )
        step = f"approve {made} --by NAME` lets it go" if site.config.desk.approval else f"send {made}` sends it"
        output.note(f"edition {made} corrects edition {edition}; `syndicate edition {step}")
        output.changed([made], read(site, made)[0], as_json=as_json)
