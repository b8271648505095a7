"""`syndicate outbox test` and `edition test`: mail to people who look at it, before it goes to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import output
from syndicate.cli.edition import EditionId
from syndicate.cli.failures import Partly
from syndicate.cli.following import letters_out, troubles
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from subscribers.addresses import Address
    from syndicate.app.parts import App

Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS…", help="Who gets it.")]


def outbox_test(ctx: typer.Context, addresses: Addresses, as_json: AsJson = False) -> None:
    """Send a short letter that shows that mail leaves, and arrives. Stays until it was tried.

    Exit 0 when the relay has taken it for every address."""
    with opened(ctx) as site:
        _send(site, addresses, {}, as_json=as_json)


def edition_test(ctx: typer.Context, edition: EditionId, addresses: Addresses, as_json: AsJson = False) -> None:
    """Send one edition to a few people, byte for byte as everybody would get it, with "Test: " before the subject.

    Changes nothing of the edition. Its links are samples: they act on nobody."""
    from syndicate.app.specimen import mail

    with opened(ctx) as site:
        made = mail(site, edition).composition
        # Kept with the letter: the draft may change before the next attempt.
        params = {"edition": edition, "composition": made.to_bytes().decode("ascii")}
        _send(site, addresses, params, as_json=as_json)


def _send(site: App, addresses: list[str], params: Mapping[str, object], *, as_json: bool) -> None:
    from subscribers.addresses import parse
    from syndicate.app.sending import ensure_free, ensure_relay
    from syndicate.cli.outbox_view import letters_as_they_stand
    from syndicate.outbox import letters

    people: dict[str, Address] = {}
    for typed in map(parse, addresses):
        people.setdefault(typed.key, typed)  # twice is one person, written as it was typed first
    ensure_free(site)
    ensure_relay(site)
    with site.database.write() as session:
        filed = [
            letters.ask(
                session,
                kind="test",
                address=address.display,
                address_hash=site.keys.address_hash(key),
                subscriber_id=None,
                language=site.config.site.language,
                params=params,
                now=site.clock(),
            ).id
            for key, address in people.items()
        ]
    failed = troubles(letters_out(site, filed))
    with site.database.read() as session:
        shapes = letters_as_they_stand(session, site.config, site.keys, filed)
    output.changed([shape["message_id"] for shape in shapes], shapes, as_json=as_json)
    for trouble in failed:
        output.note(f"syndicate: {trouble}")
    if failed:
        raise Partly
