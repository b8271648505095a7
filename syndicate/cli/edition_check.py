"""`syndicate edition check`: what is wrong with an edition before it goes; and the question that warnings ask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.failures import Partly
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened
from syndicate.errors import Refused

if TYPE_CHECKING:
    from syndicate.app.parts import App

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask about what the check warns of.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse what the check warns of.")]


class Unready(Partly):
    """The edition has faults; they have been told."""


class Warned(Refused):
    """What the check warns of was not accepted."""


def check(
    ctx: typer.Context,
    edition: Annotated[int, typer.Argument(metavar="E", min=1, help="The edition's id.")],
    links: Annotated[bool, typer.Option("--links", help="Fetch each link too: at most 50, two minutes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look an edition over before it goes: faults, warnings and notes, each with its remedy. Exit 1 with a fault."""
    from syndicate.app.preflight import whole_preflight
    from syndicate.editions.preflight.findings import line_of

    with opened(ctx) as site:
        found = whole_preflight(site, edition, links=links)
    if as_json:
        output.listing([json_shapes.finding(one) for one in found], (), as_json=True)
    else:
        for one in found:
            print(f"{one.level}: {output.plain(line_of(one))}")
    if any(one.level == "fault" for one in found):
        raise Unready


def tell_same_day(site: App, *, edition: int | None = None, digest: str | None = None) -> None:
    """Warn on stderr if another edition goes or went on the day of this one, which is not asked about any more: it is
    approved, or is made and sent in one step (an edition of `digest`)."""
    from syndicate.app.preflight import same_day, same_day_now
    from syndicate.editions.preflight.findings import line_of

    found = same_day(site, edition) if edition is not None else same_day_now(site, digest or "")
    for one in found:
        output.note(f"warning: {line_of(one)}")


def ask_about(site: App, edition_id: int, *, yes: bool, strict: bool) -> None:
    """Tell what the check warns of before an edition is frozen: on a terminal as a question, else on stderr. Raises
    Warned if the answer is no, or with `strict`. Faults are not told here: the freeze refuses them."""
    from syndicate.app.preflight import preflight
    from syndicate.editions.preflight.findings import line_of

    warnings = [line_of(one) for one in preflight(site, edition_id) if one.level == "warning"]
    if not warnings or (yes and not strict):
        return
    for line in warnings:
        output.note(f"warning: {line}")
    if strict:
        raise Warned(f"edition {edition_id} has {len(warnings)} warnings, and --strict refuses them: it stays as it is")
    if sys.stdin.isatty() and sys.stderr.isatty() and not typer.confirm("Go on?", default=True, err=True):
        raise Warned(f"edition {edition_id} stays as it is")
