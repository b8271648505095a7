"""`syndicate outbox …`: what is still to be sent, and what nobody knows."""

from __future__ import annotations

import typer

from syndicate.cli import output
from syndicate.cli.obstacles import NOBODY
from syndicate.cli.output import AsJson, Column
from syndicate.cli.pace_words import words
from syndicate.cli.site import opened

app = typer.Typer(name="outbox", help="Deliveries and letters that are not finished.")

_OWNERS: tuple[Column, ...] = (
    ("sender", lambda shape: shape["owner"]),
    ("host", lambda shape: shape["host"]),
    ("seen", lambda shape: shape["seen"]),
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
    """Show what waits, how fast it goes, who sends, what is on the wire now and how the relay does. Only reads."""
    from syndicate.cli.outbox_view import status as read
    from syndicate.outbox import leases
    from syndicate.outbox.pace import pace as pace_now

    with opened(ctx) as site, site.database.read() as session:
        pace = pace_now(session, site.database.clock(), site.clock())
        shape = read(session, pace, relay=site.relay().name) | {"blind": site.count_file().blind()}
        nobody = shape["queued"] and not leases.live(session, site.database.clock())
    relay = shape["relay"]
    held = f"yes: {shape['held_reason']}; `syndicate outbox release` lets it go on" if shape["held"] else "no"
    lines = [
        ("queued", shape["queued"]),
        ("uncertain", shape["uncertain"]),
        ("held", held),
        ("not guarded", shape["blind"]),
        ("going", words(pace)),
        ("relay", " – ".join(word for word in (relay["state"], relay["last_error"]) if word)),
        ("last error", shape["last_error"] if shape["last_error"] != relay["last_error"] else None),
        ("not sending", NOBODY if nobody else None),
        ("senders", len(shape["owners"])),
        ("on the wire", len(shape["slots"])),
    ]
    output.one(shape, as_json=as_json, lines=lines)
    if not as_json and shape["owners"]:
        output.listing(shape["owners"], _OWNERS, as_json=False)
    if not as_json and shape["slots"]:
        output.listing(shape["slots"], _SLOTS, as_json=False)
