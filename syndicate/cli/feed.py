"""`syndicate feed …`: the public feeds as files."""

from pathlib import Path
from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened

app = typer.Typer(name="feed", help="The public feeds as files.")


@app.callback()
def feed() -> None:
    """The public feeds as files."""


@app.command("build")
def build(
    ctx: typer.Context,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="public/ in the site folder if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write every public feed as a file under its own address: DIR/feeds/rss.xml and so on."""
    from syndicate.publishing.static import build as write

    with opened(ctx) as site:
        files = write(site.database, site.config, out or site.config.folder / "public")
    output.changed(files, {"files": [str(file) for file in files]}, as_json=as_json)
