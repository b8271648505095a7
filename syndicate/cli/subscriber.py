"""`syndicate subscriber …`: people are listed, added and let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.output import AsJson, Column, Limit
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from subscribers.listing import Listed
    from syndicate.app.parts import App

app = typer.Typer(name="subscriber", help="Subscribers: add, list, show, pause, unsubscribe, suppress, erase, history.")

WAY = "command"
_COLUMNS: tuple[Column, ...] = (
    ("id", lambda shape: shape["id"]),
    ("address", lambda shape: shape["address"]),
    ("state", lambda shape: shape["state"]),
    ("digests", lambda shape: shape["digests"]),
    ("since", lambda shape: shape["since"]),
)
_STEPS: tuple[Column, ...] = (
    ("at", lambda shape: shape["at"]),
    ("step", lambda shape: shape["kind"]),
    ("digest", lambda shape: shape["digest"]),
    ("way", lambda shape: shape["way"]),
    ("words", lambda shape: shape["words"]),
    ("source", lambda shape: shape["source"]),
    ("network", lambda shape: shape["network"]),
)

Address = Annotated[str, typer.Argument(metavar="ADDRESS")]


@app.command("list")
def list_(ctx: typer.Context, limit: Limit = None, as_json: AsJson = False) -> None:
    """List everybody in every state, in the order they came."""
    from subscribers.listing import listing

    with opened(ctx) as site, site.database.read() as session:
        shapes = [json_shapes.subscriber(one) for one in listing(session, limit)]
    output.listing(shapes, _COLUMNS, as_json=as_json)


@app.command("show")
def show(
    ctx: typer.Context,
    address: Address,
    everything: Annotated[
        bool, typer.Option("--everything", help="All that is stored of them, for an answer to their letter; as JSON.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one subscriber: state, digests, and whether the address may be mailed."""
    with opened(ctx) as site, site.database.read() as session:
        found = found_by(session, site, address)
        whole = _everything(session, found.id) if everything else None
    if whole is not None:
        output.one(whole, as_json=True)
        return
    shape = json_shapes.subscriber(found)
    more = [("waits to confirm", found.asked), ("suppressed", found.suppressed)]
    output.one(shape, as_json=as_json, lines=[*shape.items(), *more])


@app.command("history")
def history(ctx: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Show every step of one subscriber's consent, oldest first: what was agreed to, when and how."""
    from subscribers.listing import history as steps

    with opened(ctx) as site, site.database.read() as session:
        shapes = [json_shapes.consent_event(step) for step in steps(session, found_by(session, site, address).id)]
    output.listing(shapes, _STEPS, as_json=as_json)


@app.command("unsubscribe")
def unsubscribe(
    ctx: typer.Context,
    address: Address,
    digest: Annotated[
        str | None, typer.Option(metavar="SLUG", help="One digest only; all of them if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End a subscriber's digests. Harmless to repeat."""
    from subscribers.consent import unsubscribe as end

    with opened(ctx) as site:
        if digest is not None:
            site.config.digest(digest)
        with site.database.write() as session:
            end(session, found_by(session, site, address).id, digest, way=WAY, stops=site.stops, now=site.clock())
            shape = json_shapes.subscriber(found_by(session, site, address))
    output.changed([shape["id"]], shape, as_json=as_json)


@app.command("erase")
def erase(ctx: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Erase a person for good: address, words and sources go everywhere, a keyed hash stays so that nobody mails them
    again. It cannot be undone. Harmless to repeat."""
    from syndicate.leaving.erasing import erase as for_good

    with opened(ctx) as site:
        with site.database.write() as session:
            found = found_by(session, site, address)
            for_good(session, found.id, site.stops, site.clock())
        shape = {"id": found.id, "erased": True}
    output.changed([found.id], shape, as_json=as_json)


def _everything(session: Session, subscriber_id: int) -> json_shapes.Shape:
    from syndicate.stored import everything

    return everything(session, subscriber_id)


def found_by(session: Session, site: App, text: str) -> Listed:
    """The subscriber of this address. Raises InvalidAddress, or NotFound."""
    from subscribers.addresses import parse
    from subscribers.listing import find
    from syndicate.errors import NotFound

    address = parse(text)
    found = find(session, site.keys.address_hash(address.key))
    if found is None:
        raise NotFound(f"there is no subscriber {address.display}")
    return found
