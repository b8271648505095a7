"""`syndicate edition note|subject|lead|order|add|drop|withdraw`: an editor changes a draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import output
from syndicate.cli.edition import EditionId, read
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from syndicate.app.parts import App
    from syndicate.config import Digest

ClippingId = Annotated[str, typer.Argument(metavar="ID", help="The clipping's id.")]


def note(
    ctx: typer.Context,
    edition: EditionId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='What stands above the items; "" takes it away.')],
    as_json: AsJson = False,
) -> None:
    """Give a draft a note that stands above its items."""
    from syndicate.editions import editing

    _change(ctx, edition, lambda session, now: editing.set_note(session, edition, text, now=now), as_json=as_json)


def subject(
    ctx: typer.Context,
    edition: EditionId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='The subject; "" brings back that of the template.')],
    as_json: AsJson = False,
) -> None:
    """Give a draft a subject in your own words."""
    from syndicate.editions import editing

    _change(ctx, edition, lambda session, now: editing.set_subject(session, edition, text, now=now), as_json=as_json)


def lead(
    ctx: typer.Context,
    edition: EditionId,
    clipping: Annotated[str | None, typer.Argument(metavar="ID", help="None: lets go of the pinned one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pin a clipping of a draft to the top of the mail; its section then stands first."""
    from syndicate.editions import editing

    _change(ctx, edition, lambda session, now: editing.set_lead(session, edition, clipping, now=now), as_json=as_json)


def order(
    ctx: typer.Context,
    edition: EditionId,
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Clippings of the draft.")],
    as_json: AsJson = False,
) -> None:
    """Put these clippings of a draft first, in this order. The rest keep theirs; a section stays together."""
    from syndicate.editions import editing

    _change(ctx, edition, lambda session, now: editing.set_order(session, edition, ids, now=now), as_json=as_json)


def add(ctx: typer.Context, edition: EditionId, clipping: ClippingId, as_json: AsJson = False) -> None:
    """Take a published clipping into a draft, at the end of its section, and say so if the digest would not have."""
    from syndicate.editions import editing

    with opened(ctx) as site:
        with site.database.write() as session:
            items = editing.add(session, edition, clipping, now=site.clock())
            warnings = editing.beyond(_digest(site, session, edition), items, clipping)
        shape, _ = read(site, edition)
    for line in warnings:
        output.note(f"warning: {line}")
    output.changed([edition], shape | {"warnings": list(warnings)}, as_json=as_json)


def drop(ctx: typer.Context, edition: EditionId, clipping: ClippingId, as_json: AsJson = False) -> None:
    """Carry a clipping of a draft over: the next edition takes it."""
    from syndicate.editions import editing

    with opened(ctx) as site:
        with site.database.write() as session:
            editing.drop(session, _digest(site, session, edition), edition, clipping, now=site.clock())
        shape, _ = read(site, edition)
    output.changed([edition], shape, as_json=as_json)


def withdraw(ctx: typer.Context, edition: EditionId, as_json: AsJson = False) -> None:
    """Make an approved edition a draft again, before its first mail. It then waits until somebody approves it."""
    with opened(ctx) as site:
        site.editions.withdraw(site.database, edition, site.clock())
        shape, _ = read(site, edition)
    output.changed([edition], shape, as_json=as_json)


def _digest(site: App, session: Session, edition_id: int) -> Digest:
    from syndicate.editions.snapshot import edition as edition_of

    return site.config.digest(edition_of(session, edition_id).digest)


def _change(ctx: typer.Context, edition: int, step: Callable[[Session, datetime], None], *, as_json: bool) -> None:
    with opened(ctx) as site:
        with site.database.write() as session:
            step(session, site.clock())
        shape, _ = read(site, edition)
    output.changed([edition], shape, as_json=as_json)
