"""`syndicate subscriber pause`: nothing comes to one person before a day."""

from __future__ import annotations

from typing import Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened
from syndicate.cli.subscriber import WAY, Address, found_by
from syndicate.errors import UsageError


def pause(
    ctx: typer.Context,
    address: Address,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day on which it comes again, as 2026-12-24.")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End the pause now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let no newsletter come to a subscriber before a day, at most a year from now; then it comes again by itself."""
    from datetime import date

    from subscribers import pausing

    if end == (until is not None):
        raise UsageError("say --until DATE, or --end")
    try:
        day = date.fromisoformat(until) if until is not None else None
    except ValueError:
        raise UsageError(f"{until!r} is no date: write it as 2026-12-24") from None
    with opened(ctx) as site:
        now = site.clock()
        with site.database.write() as session:
            found = found_by(session, site, address)
            if day is None:
                pausing.end_pause(session, found.id, way=WAY, now=now)
            else:
                moment = pausing.first_moment(day, site.config.zone)
                pausing.pause(session, found.id, moment, way=WAY, words=f"until {day.isoformat()}", now=now)
            shape = json_shapes.subscriber(found_by(session, site, address))
    output.changed([shape["id"]], shape, as_json=as_json)
