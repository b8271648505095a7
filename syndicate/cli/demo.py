"""`syndicate demo`: a whole site to try, with sample clippings and a mailbox."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play it once, check the accounts, leave.")] = False,
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the site is made.")] = Path("var/demo"),
    port: Annotated[int | None, typer.Option(metavar="N", min=0, max=65535, help="The port of the pages.")] = None,
) -> None:
    """Make a working site with sample clippings, subscribers and a mail catcher, and serve it."""
    from syndicate.demo import run_demo

    raise typer.Exit(run_demo(directory, once=once, port=port))
