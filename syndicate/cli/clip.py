"""`syndicate clip …`: clippings are filed, listed, published and retracted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syndicate.cli import output
from syndicate.cli.files import read
from syndicate.cli.json_shapes import clippings
from syndicate.cli.output import AsJson, Column, Limit
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from syndicate.app.parts import App
    from syndicate.datelines import Dateline

_UNSTATED = "stated by an editor with `clip add --rights full`, without saying who allows it"

app = typer.Typer(name="clip", help="Clippings: file, list, publish, retract, import.", no_args_is_help=False)

_COLUMNS: tuple[Column, ...] = (
    ("id", lambda shape: shape["id"]),
    ("state", lambda shape: shape["state"]),
    ("section", lambda shape: shape["section"]),
    ("dateline", lambda shape: shape["dateline"]),
    ("publication", lambda shape: shape["publication"]),
    ("headline", lambda shape: shape["headline"]),
)

Line = str | None


@app.command("add")
def add(
    ctx: typer.Context,
    *,
    headline: Annotated[str, typer.Option(metavar="TEXT", help="What the source printed above the article.")],
    section: Annotated[Line, typer.Option(metavar="SLUG", help="The first one of config.toml if not given.")] = None,
    link: Annotated[Line, typer.Option(metavar="URL", help="The original article: https://…")] = None,
    publication: Annotated[Line, typer.Option(metavar="TEXT", help="Who published it.")] = None,
    place: Annotated[
        Line, typer.Option(metavar="TEXT", help="Where: a country, or a state of it in two letters.")
    ] = None,
    dateline: Annotated[Line, typer.Option(metavar="DATE", help="2009, 2009-03, 2009-03-14, or as printed.")] = None,
    byline: Annotated[Line, typer.Option(metavar="TEXT", help="Who wrote it.")] = None,
    deck: Annotated[Line, typer.Option(metavar="TEXT", help="The line under the headline.")] = None,
    summary: Annotated[Line, typer.Option(metavar="TEXT", help="Our own words about it.")] = None,
    body_file: Annotated[Line, typer.Option(metavar="FILE", help="The article's text; - reads standard input.")] = None,
    rights: Annotated[Literal["summary", "full", "link"], typer.Option(help="What we may show of it.")] = "summary",
    rights_reason: Annotated[Line, typer.Option(metavar="TEXT", help="Who allows the full text.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """File a clipping, as a draft unless --publish is given."""
    from syndicate.clippings import store
    from syndicate.clippings.archive_pages import decode

    with opened(ctx) as site:
        new = store.NewClipping(
            headline=headline,
            section=_section(site, section),
            link=link,
            publication=publication,
            place=place,
            dateline=dateline_of(dateline) if dateline else None,
            byline=byline,
            deck=deck,
            summary=summary,
            body=decode(read(body_file)) if body_file else None,
            rights=rights,
            rights_reason=rights_reason or (_UNSTATED if rights == "full" else None),
        )
        now = site.clock()
        with site.database.write() as session:
            clipping = store.add(session, new, now=now)
            if publish:
                clipping = store.publish(session, clipping.id, now=now)
            shape = clippings(session, site, [clipping])[0]
    if rights == "full" and not rights_reason:
        output.note("no --rights-reason was given: it is noted that the editor took the full text to be allowed")
    output.changed([shape["id"]], shape, as_json=as_json)


@app.command("list")
def list_(
    ctx: typer.Context,
    state: Annotated[Literal["draft", "published", "retracted"] | None, typer.Option(help="Only these.")] = None,
    section: Annotated[Line, typer.Option(metavar="SLUG", help="Only those of one section.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List clippings in every state, newest first."""
    from syndicate.clippings.store import listing

    with opened(ctx) as site, site.database.read() as session:
        slug = site.config.section(section).slug if section is not None else None
        shapes = clippings(session, site, listing(session, state=state, section=slug, limit=limit))
    output.listing(shapes, _COLUMNS, as_json=as_json)


@app.command("show")
def show(
    ctx: typer.Context,
    clipping_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Show one clipping with all that was filed."""
    from syndicate.clippings.store import get

    with opened(ctx) as site, site.database.read() as session:
        clipping = get(session, clipping_id)
        shape, body = clippings(session, site, [clipping])[0], clipping.body
    output.one(shape | {"body": body} if as_json else shape, as_json=as_json)
    if body and not as_json:
        print()
        for line in body.splitlines():
            print(output.plain(line))


@app.command("publish")
def publish(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID…")],
    as_json: AsJson = False,
) -> None:
    """Publish clippings: all that are named, or none if one of them is unknown."""
    from syndicate.clippings import store

    with opened(ctx) as site:
        now = site.clock()
        with site.database.write() as session:
            shapes = clippings(session, site, [store.publish(session, one, now=now) for one in dict.fromkeys(ids)])
    output.changed([shape["id"] for shape in shapes], shapes, as_json=as_json)


@app.command("retract")
def retract(
    ctx: typer.Context,
    clipping_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Take a clipping down everywhere. An approved edition that holds it is a draft again, one on its way pauses."""
    from syndicate.clippings import store
    from syndicate.editions.retractions import item_changed

    with opened(ctx) as site:
        now = site.clock()
        with site.database.write() as session:
            clipping = store.retract(session, clipping_id, now=now)
            item_changed(session, clipping.id, now)
            shape = clippings(session, site, [clipping])[0]
    output.changed([shape["id"]], shape, as_json=as_json)


@app.command("never-mail")
def never_mail(
    ctx: typer.Context,
    clipping_id: Annotated[str, typer.Argument(metavar="ID")],
    off: Annotated[bool, typer.Option("--off", help="Take the mark away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a clipping out of every digest; pages and feeds have it all the same. A draft goes on without it."""
    from syndicate.clippings.store import get
    from syndicate.editions.editing import never_mail as mark

    with opened(ctx) as site, site.database.write() as session:
        editions = mark(session, clipping_id, off=off, now=site.clock())
        shape = clippings(session, site, [get(session, clipping_id)])[0]
    for edition in editions:
        output.note(f"edition {edition} goes on without it; look at it again before it is approved")
    output.changed([shape["id"]], shape, as_json=as_json)


def _section(site: App, slug: str | None) -> str:
    return site.config.section(slug).slug if slug is not None else site.config.sections[0].slug


def dateline_of(text: str) -> Dateline:
    """A dateline as an editor types it: ISO, else as newspapers print it. What is neither is refused in the words about
    ISO."""
    from syndicate.datelines import BadDateline, Dateline

    try:
        return Dateline.iso(text)
    except BadDateline as refusal:
        try:
            return Dateline.printed(text)
        except BadDateline:
            raise refusal from None
