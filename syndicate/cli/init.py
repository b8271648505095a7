"""`syndicate init`: a new site folder."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.output import AsJson

Text = str | None


def init(
    *,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder; made if it is not there.")] = Path(),
    name: Annotated[Text, typer.Option(metavar="TEXT", help="What the site is called.")] = None,
    url: Annotated[Text, typer.Option(metavar="URL", help="Where it will be: https://news.example.org")] = None,
    from_: Annotated[
        Text, typer.Option("--from", metavar="SENDER", help='Who the mail is from: "Coalition News <news@example.org>"')
    ] = None,
    timezone: Annotated[Text, typer.Option(metavar="ZONE", help="America/New_York and the like.")] = None,
    postal_address: Annotated[Text, typer.Option(metavar="TEXT", help="The law wants one in each mail.")] = None,
    contact: Annotated[Text, typer.Option(metavar="ADDRESS", help="Where readers write to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new site: config.toml, secret, DKIM key, templates to edit, database.

    A config.toml that lies in the folder alone is used as it is. Asks for name, address and sender on a terminal;
    elsewhere what is not given stays as in the example."""
    from syndicate.app.founding import Answers, found
    from syndicate.app.parts import utc_now

    if sys.stdin.isatty() and sys.stdout.isatty() and not (directory / "config.toml").exists():
        name, url, from_ = _asked("Name of the site", name), _asked("Its address", url), _asked("Mail from", from_)
    answers = Answers(
        name=name, url=url, mail_from=from_, timezone=timezone, postal_address=postal_address, contact=contact
    )
    path = found(directory, answers, clock=utc_now, environ=os.environ)
    if sys.stdout.isatty() and not as_json:
        output.note("Read config.toml, then run: syndicate check, syndicate serve")
    output.changed([path], {"config": str(path)}, as_json=as_json)


def _asked(question: str, given: str | None) -> str | None:
    """What was given, else what a person types; nothing keeps the example's."""
    from rich.prompt import Prompt

    return (
        given
        if given is not None
        else Prompt.ask(f"{question} (empty: the example's)", default="", show_default=False) or None
    )
