"""`syndicate outbox …`: what is still to be sent, and what nobody knows."""

from __future__ import annotations

from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.output import AsJson, Column
from syndicate.cli.site import opened

app = typer.Typer(name="outbox", help="Deliveries and letters that are not finished.")

_UNCERTAIN: tuple[Column, ...] = (
    ("edition", lambda shape: shape["edition"] or f"letter: {shape['letter']}"),
    ("address", lambda shape: shape["address"]),
    ("message id", lambda shape: shape["message_id"]),
    ("since", lambda shape: shape["since"]),
)
_OWNERS: tuple[Column, ...] = (
    ("sender", lambda shape: shape["owner"]),
    ("host", lambda shape: shape["host"]),
    ("lease until", lambda shape: shape["lease_until"]),
)
_SLOTS: tuple[Column, ...] = (
    ("sender", lambda shape: shape["owner"]),
    ("n", lambda shape: shape["n"]),
    ("edition", lambda shape: shape["edition"]),
    ("address", lambda shape: shape["address"]),
    ("since", lambda shape: shape["since"]),
)


@app.command("status")
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show what waits, who sends, what is on the wire now and how the relay does. Only reads."""
    from syndicate.cli.outbox_view import status as read

    with opened(ctx) as site, site.database.read() as session:
        shape = read(session, relay=site.relay().name)
    relay = shape["relay"]
    lines = [
        ("queued", shape["queued"]),
        ("uncertain", shape["uncertain"]),
        ("held", shape["held"]),
        ("relay", " – ".join(word for word in (relay["state"], relay["last_error"]) if word)),
        ("senders", len(shape["owners"])),
        ("on the wire", len(shape["slots"])),
    ]
    output.one(shape, as_json=as_json, lines=lines)
    if not as_json and shape["owners"]:
        output.listing(shape["owners"], _OWNERS, as_json=False)
    if not as_json and shape["slots"]:
        output.listing(shape["slots"], _SLOTS, as_json=False)


@app.command("uncertain")
def uncertain(
    ctx: typer.Context,
    edition: Annotated[int | None, typer.Argument(metavar="E", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """List the mails of which nobody knows whether they were accepted: of one edition, or of all."""
    from syndicate.cli.outbox_view import uncertain as read

    with opened(ctx) as site, site.database.read() as session:
        shapes = read(session, site.config, site.keys, edition=edition)
    output.listing(shapes, _UNCERTAIN, as_json=as_json)
