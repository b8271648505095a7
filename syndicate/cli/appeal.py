"""`syndicate appeal …`: calls for support that digests show while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import output
from syndicate.cli.json_shapes import Shape, instant
from syndicate.cli.output import AsJson, Column
from syndicate.cli.site import opened
from syndicate.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from syndicate.app.parts import App
    from syndicate.models import Appeal

app = typer.Typer(name="appeal", help="Appeals: calls for support, one shown at a time.", no_args_is_help=False)

_COLUMNS: tuple[Column, ...] = (
    ("id", lambda shape: shape["id"]),
    ("state", lambda shape: shape["state"]),
    ("from", lambda shape: shape["starts_at"]),
    ("until", lambda shape: shape["ends_at"]),
    ("text", lambda shape: shape["text"]),
    ("link", lambda shape: shape["link"]),
)
_DAY = "A day, as 2026-12-01: from its first moment on, in the site's time zone."


@app.command("add")
def add(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="One line: what you ask for.")],
    *,
    link: Annotated[str, typer.Option(metavar="URL", help="Where it leads: https://…")],
    start: Annotated[str | None, typer.Option(metavar="DATE", help=f"{_DAY} Now, if not given.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="The first day on which it is not shown.")] = None,
    as_json: AsJson = False,
) -> None:
    """File an appeal. The digests of its time show it, labelled as one."""
    from syndicate.calendar import appeals

    with opened(ctx) as site:
        now = site.clock()
        begins = _day(site, start) if start else now
        ends = _day(site, end) if end else None
        with site.database.write() as session:
            shape = _shape(appeals.add(session, text=text, link=link, starts_at=begins, ends_at=ends), now)
    output.changed([shape["id"]], shape, as_json=as_json)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all appeals, newest first."""
    from syndicate.calendar import appeals

    with opened(ctx) as site, site.database.read() as session:
        shapes = [_shape(one, site.clock()) for one in appeals.listing(session)]
    output.listing(shapes, _COLUMNS, as_json=as_json)


@app.command("end")
def end_(
    ctx: typer.Context,
    appeal: Annotated[int, typer.Argument(metavar="ID", min=1, help="The appeal's id.")],
    as_json: AsJson = False,
) -> None:
    """Stop showing an appeal. What was mailed with it stays as it is."""
    from syndicate.calendar import appeals

    with opened(ctx) as site:
        now = site.clock()
        with site.database.write() as session:
            shape = _shape(appeals.end(session, appeal, now=now), now)
    output.changed([shape["id"]], shape, as_json=as_json)


def _day(site: App, text: str) -> datetime:
    """The first moment of that day on the site's clocks."""
    from datetime import UTC, datetime

    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=site.config.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r:.40} is no day: write it as 2026-12-01") from None


def _shape(appeal: Appeal, now: datetime) -> Shape:
    over = appeal.ends_at is not None and appeal.ends_at <= now
    return {
        "id": appeal.id,
        "state": "ended" if over else "waiting" if appeal.starts_at > now else "running",
        "text": appeal.text,
        "link": appeal.link,
        "starts_at": instant(appeal.starts_at),
        "ends_at": instant(appeal.ends_at),
    }
