"""`syndicate digest …`: what each digest of config.toml does, and when next. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import output
from syndicate.cli.json_shapes import Shape, instant
from syndicate.cli.output import AsJson, Column
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from syndicate.app.parts import App
    from syndicate.config import Digest

app = typer.Typer(name="digest", help="Digests: what each does, and when it goes next.", no_args_is_help=False)

_COLUMNS: tuple[Column, ...] = (
    ("digest", lambda shape: shape["slug"]),
    ("name", lambda shape: shape["name"]),
    ("goes", lambda shape: shape["schedule"]),
    ("next", lambda shape: shape["next"][0]["slot"] if shape["next"] else None),
    ("subscribers", lambda shape: shape["subscribers"]),
)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the digests of config.toml with their next time."""
    with opened(ctx) as site, site.database.read() as session:
        shapes = [_shape(session, site, digest) for digest in site.config.digests]
    output.listing(shapes, _COLUMNS, as_json=as_json)


@app.command("show")
def show(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The digest's slug.")],
    as_json: AsJson = False,
) -> None:
    """Explain a digest: cut-off, slot, late rule and empty rule in sentences, and its next three times."""
    with opened(ctx) as site, site.database.read() as session:
        shape = _shape(session, site, site.config.digest(slug))
    plain = ("slug", "name", "schedule", "template", "subscribers")
    lines = [(name, shape[name]) for name in plain] + [("sections", ", ".join(shape["sections"]))]
    output.one(shape, as_json=as_json, lines=[*lines, *(("next", one["words"]) for one in shape["next"])])
    if not as_json:
        for rule in shape["rules"]:
            print(rule)


def _shape(session: Session, site: App, digest: Digest) -> Shape:
    from subscribers.recipients import count
    from syndicate.editions.explained import explain

    explained = explain(site.config, digest, site.clock())
    return {
        "slug": digest.slug,
        "name": digest.name,
        "schedule": explained.schedule,
        "sections": list(digest.sections),
        "template": digest.template,
        "subscribers": count(session, digest.slug, now=site.clock()),
        "rules": list(explained.rules),
        "next": [
            {"slot": one.local, "at": instant(one.at), "cutoff_at": instant(one.cutoff_at), "words": one.words}
            for one in explained.coming
        ],
    }
