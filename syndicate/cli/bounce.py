"""`syndicate bounce …`: mail that comes back to the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import files, output
from syndicate.cli.output import AsJson, Column
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from syndicate.cli.json_shapes import Shape
    from syndicate.returns.leaving import Done
    from syndicate.returns.reading import Incoming

app = typer.Typer(name="bounce", help="Mail that comes back: ingest.")


@app.command("ingest")
def ingest(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE…|-]", help="Whole mails, or mboxes; `-` is standard input.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help="For whom the mail server took it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read mails to the bounce domain, and let go who writes to leave. Harmless to repeat."""
    from syndicate.returns.leaving import take
    from syndicate.returns.reading import incoming

    given = [(name, files.read(name)) for name in names or [files.STDIN]]
    shapes = []
    with opened(ctx) as site:
        for name, data in given:
            for number, mail in enumerate(incoming(data, to), 1):
                with site.database.write() as session:
                    done = take(session, site.keys, site.config.digest_slugs, mail, stops=site.stops, now=site.clock())
                shapes.append(_shape(name, number, mail, done))
    output.listing(shapes, _COLUMNS, as_json=as_json)


def _shape(name: str, number: int, mail: Incoming, done: Done) -> Shape:
    return {
        "file": name,
        "number": number,
        "act": done.act,
        "subscriber": done.subscriber_id,
        "digest": done.digest,
        "subject": mail.subject,
    }


def _line(shape: Shape) -> str:
    where = f"{shape['file']}, mail {shape['number']}"
    if shape["act"] == "forged":
        return f"{where}: it is to an address of ours with a cut or forged token, and nothing was changed"
    if shape["act"] == "not understood":
        return f"{where}: not understood yet: {shape['subject'] or '(no subject)'}"
    return f"{where}: subscriber {shape['subscriber']} {shape['act']} {shape['digest']}"


_COLUMNS: tuple[Column, ...] = (("what", _line),)
