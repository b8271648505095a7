"""`syndicate outbox uncertain`, `retry` and `release`: what nobody but a person can decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.edition import EditionId
from syndicate.cli.edition_send import NotSent, NoWait, not_sent, stay
from syndicate.cli.following import edition_to_its_end, letters_out, stand_of, summary
from syndicate.cli.output import AsJson, Column
from syndicate.cli.site import opened
from syndicate.errors import UsageError

if TYPE_CHECKING:
    from syndicate.app.parts import App
    from syndicate.editions.decisions import Decided

_UNCERTAIN: tuple[Column, ...] = (
    ("edition", lambda shape: shape["edition"] or f"letter: {shape['letter']}"),
    ("address", lambda shape: shape["address"]),
    ("message id", lambda shape: shape["message_id"]),
    ("since", lambda shape: shape["since"]),
)


def uncertain(
    ctx: typer.Context,
    edition: Annotated[int | None, typer.Argument(metavar="E", min=1, help="One edition; all if not given.")] = None,
    *,
    resend: Annotated[bool, typer.Option("--resend", help="Send them again, once. Some people may get two.")] = False,
    leave: Annotated[bool, typer.Option("--leave", help="Leave them at that: unknown, and never sent again.")] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """List the mails of which nobody knows whether they were accepted, or decide about them.

    Where no `syndicate serve` runs, --resend sends them by itself and stays until the edition has ended."""
    if resend and leave:
        raise UsageError("choose one: --resend sends them again, --leave leaves them at that")
    if no_wait and not resend:
        raise UsageError("--no-wait goes with --resend")
    with opened(ctx) as site:
        if not (resend or leave) or not _listed(site, edition):
            _list(site, edition, as_json=as_json, told=not (resend or leave))
        elif leave:
            _leave(site, edition, as_json=as_json)
        else:
            _resend(site, edition, no_wait=no_wait, as_json=as_json)


def retry(ctx: typer.Context, edition: EditionId, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Send again what expired or was refused by a policy. No other mail of the edition is touched.

    Stays as `edition send` does; where no `syndicate serve` runs, it sends by itself."""
    from syndicate.app.sending import ensure_free, ensure_relay
    from syndicate.editions import decisions

    with opened(ctx) as site:
        ensure_free(site)
        if not no_wait and stand_of(site, edition).state != "paused":
            ensure_relay(site)
        with site.database.write() as session:
            taken = decisions.retry(session, site.config, edition, now=site.clock())
        output.note(f"edition {edition}: {_several(taken, 'mail')} taken up again")
        if stand_of(site, edition).state == "paused":
            _tell_paused(edition)
            output.changed([edition], json_shapes.edition(stand_of(site, edition)), as_json=as_json)
        else:
            stay(site, edition, no_wait=no_wait, as_json=as_json)


def release(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Let a held outbox go on, after you have looked at it. Says what goes on: editions and letters."""
    from syndicate.app.sending import release_outbox, somebody_sends
    from syndicate.cli.outbox_view import letters_waiting

    with opened(ctx) as site:
        editions = release_outbox(site)
        stands = [stand_of(site, one) for one in editions]
        with site.database.read() as session:
            letters = letters_waiting(session)
        for stand in stands:
            number = f", no. {stand.number} of {stand.digest}" if stand.number else f" of {stand.digest}"
            output.note(f"{summary(stand)}{number}")
        waiting = f"{_several(len(editions), 'edition')} and {_several(letters, 'letter')}"
        output.note(f"the outbox goes on: {waiting}{'' if somebody_sends(site) else _nobody_sends()}")
        shape = {"editions": [json_shapes.edition(stand) for stand in stands], "letters": letters}
        output.changed(editions, shape, as_json=as_json)


def _listed(site: App, edition: int | None) -> list[json_shapes.Shape]:
    from syndicate.cli.outbox_view import uncertain as read

    with site.database.read() as session:
        return read(session, site.config, site.keys, edition=edition)


def _list(site: App, edition: int | None, *, as_json: bool, told: bool) -> None:
    shapes = _listed(site, edition)
    if not shapes and not (told and as_json):
        output.note("nothing is uncertain" if edition is None else f"nothing of edition {edition} is uncertain")
    output.listing(shapes, _UNCERTAIN, as_json=as_json)


def _leave(site: App, edition: int | None, *, as_json: bool) -> None:
    from syndicate.editions import decisions

    with site.database.write() as session:
        decided = decisions.leave(session, edition, now=site.clock())
    _tell(decided, "left at that")
    for one in decided.editions:
        output.note(summary(stand_of(site, one)))
    output.changed(decided.editions, _decided(site, decided), as_json=as_json)


def _resend(site: App, edition: int | None, *, no_wait: bool, as_json: bool) -> None:
    from syndicate.app.sending import ensure_free, ensure_relay, somebody_sends
    from syndicate.editions import decisions

    ensure_free(site)
    if not no_wait:
        ensure_relay(site)
    with site.database.write() as session:
        decided = decisions.resend(session, site.config, edition, now=site.clock())
    for one in decided.cancelled:
        output.note(f"edition {one} is cancelled: its mails in doubt can only be left, with --leave")
    if decided.too_old:
        old = _several(len(decided.too_old), "letter")
        output.note(f"{old} in doubt would be too old when it came: it can only be left, with --leave")
    _tell(decided, "to be sent again")
    if not as_json:
        output.changed(decided.editions, [], as_json=False)
    failed = [] if no_wait else _follow(site, decided)
    if as_json:
        output.changed([], _decided(site, decided), as_json=True)
    if failed:
        raise NotSent("; ".join(failed))
    if no_wait and not somebody_sends(site):
        output.note(_nobody_sends().removeprefix("; "))


def _follow(site: App, decided: Decided) -> list[str]:
    """Stay with each edition until it ends, then with the letters; returns, in words, what was not sent."""
    failed = []
    for one in decided.editions:
        if stand_of(site, one).state == "paused":
            _tell_paused(one)
            continue
        stand = edition_to_its_end(site, one)
        if stand.state == "sent":
            output.note(summary(stand))
        else:
            failed.append(not_sent(stand))
    letters = letters_out(site, list(decided.letters)) if decided.letters else []
    waiting = sum(letter.state != "accepted" for letter in letters)
    return failed + ([f"{_several(waiting, 'letter')} not accepted"] if waiting else [])


def _decided(site: App, decided: Decided) -> list[json_shapes.Shape]:
    from syndicate.cli.outbox_view import decided as read

    with site.database.read() as session:
        return read(session, site.config, site.keys, decided)


def _tell(decided: Decided, done: str) -> None:
    if decided.deliveries:
        editions = ", ".join(map(str, decided.editions))
        output.note(f"{_several(len(decided.deliveries), 'mail')} of edition {editions} {done}")
    if decided.letters:
        output.note(f"{_several(len(decided.letters), 'letter')} {done}")


def _tell_paused(edition: int) -> None:
    output.note(f"edition {edition} is paused: they go when `syndicate edition resume {edition}` lets it go on")


def _several(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _nobody_sends() -> str:
    return "; nobody sends now: run `syndicate serve`"
