"""`syndicate init`: a new site folder."""

import os
import sys
from collections.abc import Callable
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

    A config.toml that lies in the folder alone is used as it is. Asks for name, web address and sender on a terminal;
    elsewhere what is not given stays as in the example."""
    from syndicate.app.founding import Answers, found
    from syndicate.app.parts import utc_now
    from syndicate.config.texts import one_line, sender, site_url

    if sys.stdin.isatty() and sys.stdout.isatty() and not (directory / "config.toml").exists():
        name = _asked("Name of the site", name, one_line)
        url = _asked("Its web address, as https://news.example.org", url, site_url)
        from_ = _asked("Sender of mail, as Coalition News <news@example.org>", from_, sender)
    answers = Answers(
        name=name, url=url, mail_from=from_, timezone=timezone, postal_address=postal_address, contact=contact
    )
    path = found(directory, answers, clock=utc_now, environ=os.environ)
    if sys.stdout.isatty() and not as_json:
        output.note(f"Made a site. In {path.parent}: read config.toml, then run syndicate check and syndicate serve")
    output.changed([path], {"config": str(path)}, as_json=as_json)


def _asked(question: str, given: str | None, read: Callable[[str], str]) -> str | None:
    """What was given, else what a person types, asked again until it can be read; nothing keeps the example's.

    `read` makes an answer canonical, or raises ValueError with what is wrong."""
    from rich.prompt import Prompt

    while given is None:
        typed = Prompt.ask(f"{question} (empty: the example's)", default="", show_default=False).strip()
        if not typed:
            return None
        try:
            given = read(typed)
        except ValueError as error:
            output.note(f"  {error}")
    return given
