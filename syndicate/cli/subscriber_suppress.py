"""`syndicate subscriber suppress` and `allow`: whether an address may be mailed at all, whatever its consent."""

from __future__ import annotations

from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.output import AsJson, one_line
from syndicate.cli.site import opened
from syndicate.cli.subscriber import WAY, Address


def suppress(
    ctx: typer.Context,
    address: Address,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for whoever reads it later.")] = None,
    as_json: AsJson = False,
) -> None:
    """Never mail an address, subscribed or not, until `allow`. Harmless to repeat; wishes stay as they are."""
    from subscribers import suppression
    from subscribers.addresses import parse

    with opened(ctx) as site:
        known = parse(address)
        address_hash = site.keys.address_hash(known.key)
        with site.database.write() as session:
            changed = suppression.suppress(
                session,
                address_hash,
                address=known.display,
                reason="by-hand",
                note=one_line(reason) if reason else None,
                stops=site.stops,
                now=site.clock(),
            )
            now_for = suppression.reason_for(session, address_hash)
    _answer(known.display, now_for, changed=changed, as_json=as_json)


def allow(ctx: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Let an address be mailed again, as its consent stands: nobody is subscribed by it. Harmless to repeat."""
    from subscribers import suppression
    from subscribers.addresses import parse

    with opened(ctx) as site:
        known = parse(address)
        with site.database.write() as session:
            changed = suppression.lift(
                session, site.keys.address_hash(known.key), way=WAY, stops=site.stops, now=site.clock()
            )
    _answer(known.display, None, changed=changed, as_json=as_json)


def _answer(address: str, suppressed: str | None, *, changed: bool, as_json: bool) -> None:
    output.changed([address], {"address": address, "suppressed": suppressed, "changed": changed}, as_json=as_json)
