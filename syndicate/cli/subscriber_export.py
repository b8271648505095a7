"""`syndicate subscriber export`: everybody as a table or as JSON, to take elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from syndicate.cli.output import AsJson
from syndicate.cli.site import opened
from syndicate.errors import Refused


def export(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write (0600), whole or not at all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write everybody who has an address, with state, digests and suppressions, as CSV, or as JSON with --json.

    `syndicate subscriber import` reads both again. It holds addresses: keep it as you keep the database."""
    from subscribers.exporter import array, everybody, table
    from syndicate.durable import replaced, sync_folder

    if out is not None and out.exists() and not force:
        raise Refused(f"{out} is there already: name another file, or give --force")
    if out is not None and not out.parent.is_dir():
        raise Refused(f"there is no folder {out.parent}: make it, or name another place")
    with opened(ctx) as site, site.database.read() as session:
        lines = (array if as_json else table)(everybody(session))
        if out is None:
            sys.stdout.writelines(lines)
            return
        with replaced(out) as file:
            file.writelines(line.encode("ascii") for line in lines)
        sync_folder(out.parent)
