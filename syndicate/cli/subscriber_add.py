"""`syndicate subscriber add`: with stated consent people are in at once; without, a letter asks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.failures import Partly
from syndicate.cli.following import letters_out
from syndicate.cli.following import troubles as not_accepted
from syndicate.cli.json_shapes import Shape
from syndicate.cli.output import AsJson, one_line
from syndicate.cli.site import opened
from syndicate.cli.subscriber import WAY
from syndicate.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from subscribers.addresses import Address
    from syndicate.app.parts import App

_WORDS = "An editor entered this address with `syndicate subscriber add`; the letter asks to confirm."


def add(
    ctx: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS…")],
    digest: Annotated[list[str], typer.Option(metavar="SLUG", help="The digest they get; may be given again.")],
    consent: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How and when they agreed: confirms at once, sends nothing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add subscribers: all that are named, or none if one of them may not be added.

    Without --consent each gets a letter that asks to confirm, and is not subscribed before."""
    from subscribers.addresses import parse

    if consent is not None and not consent.strip():
        raise UsageError("--consent says how and when they agreed: it cannot be empty")
    typed: dict[str, Address] = {}
    for address in map(parse, addresses):
        typed.setdefault(address.key, address)  # twice is one person, written as it was typed first
    people = list(typed.values())
    with opened(ctx) as site:
        digests = site.signup.known(digest)
        if consent is not None:
            _answer(_add(site, people, digests, one_line(consent)), as_json=as_json)
        else:
            _ask(site, people, digests, as_json=as_json)


def _answer(shapes: list[Shape], *, as_json: bool) -> None:
    output.changed([shape["id"] for shape in shapes], shapes, as_json=as_json)


def _add(site: App, people: list[Address], digests: tuple[str, ...], consent: str) -> list[Shape]:
    from subscribers.consent import add as confirmed

    now = site.clock()
    with site.database.write() as session:
        for address in people:
            confirmed(
                session,
                address,
                digests,
                hash_of=site.keys.address_hash,
                language=site.config.site.language,
                consent=consent,
                way=WAY,
                now=now,
            )
        return _shapes(session, site, people)


def _ask(site: App, people: list[Address], digests: tuple[str, ...], *, as_json: bool) -> None:
    """File the letters in one transaction, then see them out. Exit 1 if somebody's letter did not go out."""
    from syndicate.app.sending import ensure_relay

    ensure_relay(site)
    letters: list[int] = []
    troubles: list[str] = []
    with site.database.write() as session:
        for address in people:
            filed, refused = _file(session, site, address, digests, site.clock())
            letters += filed
            troubles += refused
        shapes = _shapes(session, site, people)
    _answer(shapes, as_json=as_json)
    if letters:
        troubles += not_accepted(letters_out(site, letters))
    for trouble in troubles:
        output.note(f"syndicate: {trouble}")
    if troubles:
        raise Partly


def _file(
    session: Session, site: App, address: Address, digests: tuple[str, ...], now: datetime
) -> tuple[list[int], list[str]]:
    """The letter that was filed, or why there is none: to strangers sign-up never says, to an editor we do."""
    from sqlalchemy import select

    from subscribers.suppression import reason_for
    from syndicate.models import Letter

    address_hash = site.keys.address_hash(address.key)
    site.signup.ask(session, address.display, digests, way=WAY, words=_WORDS, now=now)
    letter = session.scalar(select(Letter.id).where(Letter.address_hash == address_hash, Letter.asked_at == now))
    if letter is not None:
        return [letter], []
    reason = reason_for(session, address_hash)
    if reason is not None:
        return [], [f"{address.display} is suppressed ({reason}): no letter was sent"]
    return [], [f"{address.display} was sent a letter lately, and another would be too much: wait, then try again"]


def _shapes(session: Session, site: App, people: list[Address]) -> list[Shape]:
    from subscribers.listing import find

    session.flush()
    found = [find(session, site.keys.address_hash(address.key)) for address in people]
    return [json_shapes.subscriber(one) for one in found if one is not None]
