"""`syndicate clip correct`: a published clipping is put right, and says so."""

from __future__ import annotations

from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.clip import Line, dateline_of
from syndicate.cli.files import read
from syndicate.cli.json_shapes import clippings
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened


def correct(
    ctx: typer.Context,
    clipping_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    note: Annotated[str, typer.Option(metavar="TEXT", help="What was wrong, in words that readers see.")],
    headline: Annotated[Line, typer.Option(metavar="TEXT", help="The right headline.")] = None,
    deck: Annotated[Line, typer.Option(metavar="TEXT", help="The right line under it; '' takes it away.")] = None,
    byline: Annotated[Line, typer.Option(metavar="TEXT", help="Who wrote it.")] = None,
    publication: Annotated[Line, typer.Option(metavar="TEXT", help="Who published it.")] = None,
    place: Annotated[Line, typer.Option(metavar="TEXT", help="Where.")] = None,
    dateline: Annotated[Line, typer.Option(metavar="DATE", help="2009, 2009-03, 2009-03-14, or as printed.")] = None,
    link: Annotated[Line, typer.Option(metavar="URL", help="The original article: https://…")] = None,
    summary: Annotated[Line, typer.Option(metavar="TEXT", help="Our own words about it.")] = None,
    body_file: Annotated[Line, typer.Option(metavar="FILE", help="The article's text; - reads standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Correct a published clipping: page and feeds show the note. An approved edition that holds it is a draft again,
    one on its way pauses; `edition correct` writes to those who had it by mail."""
    from syndicate.clippings.archive_pages import decode
    from syndicate.clippings.correcting import correct as put_right
    from syndicate.editions.retractions import item_changed

    given = {
        "headline": headline,
        "deck": deck,
        "byline": byline,
        "publication": publication,
        "place": place,
        "dateline": dateline_of(dateline).text if dateline else dateline,
        "link": link,
        "summary": summary,
        "body": decode(read(body_file)) if body_file else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with opened(ctx) as site:
        now = site.clock()
        with site.database.write() as session:
            clipping = put_right(session, clipping_id, note=note, changes=changes, now=now)
            affected = item_changed(session, clipping.id, now)
            shape = clippings(session, site, [clipping])[0]
    for edition in affected:
        if edition.before != edition.after:
            output.note(f"edition {edition.edition_id} was {edition.before} and is {edition.after} now")
    output.changed([shape["id"]], shape, as_json=as_json)
