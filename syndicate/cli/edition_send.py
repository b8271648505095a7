"""`syndicate edition send` and `resume`: an edition goes out, by this process where nobody else sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.edition import By, EditionId
from syndicate.cli.edition_check import Strict, Yes, ask_about, tell_same_day
from syndicate.cli.following import edition_to_its_end, held_until, stand_of, summary
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened
from syndicate.errors import Refused, SyndicateError, UsageError

if TYPE_CHECKING:
    from syndicate.app.parts import App
    from syndicate.editions.report import Report

NoWait = Annotated[bool, typer.Option("--no-wait", help="Return at once: `syndicate serve` sends it.")]

_MAY_START = ("draft", "approved", "held")


class NotSent(SyndicateError):
    """The edition has not come to its end; the text says how it stands and what to do."""


def send(  # noqa: PLR0917 - one argument an option
    ctx: typer.Context,
    edition: Annotated[int | None, typer.Argument(metavar="E", min=1, help="The edition's id.")] = None,
    now: Annotated[
        str | None, typer.Option("--now", metavar="DIGEST", help="Draft, freeze and send one of this digest.")
    ] = None,
    by: By = None,
    no_wait: NoWait = False,
    yes: Yes = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Send an edition: a draft or approved one by its id, or a new one of a digest with --now.

    Stays until it has ended: exit 0 when it is sent. Beside `syndicate serve` it only watches."""
    if (edition is None) == (now is None):
        raise UsageError("name one edition by its id, or a digest with --now DIGEST")
    with opened(ctx) as site:
        if now is not None:
            edition_id = _send_now(site, now, by=by, no_wait=no_wait, yes=yes)
        else:
            edition_id = edition or 0
            _send(site, edition_id, by=by, no_wait=no_wait, yes=yes, strict=strict)
        stay(site, edition_id, no_wait=no_wait, as_json=as_json)


def resume(ctx: typer.Context, edition: EditionId, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Go on with an edition that is paused, or that nobody sends any more. Stays until it has ended."""
    from syndicate.app.sending import ensure_relay

    with opened(ctx) as site:
        before = stand_of(site, edition)
        state = before.state
        # Whether the sender of one that is sending lives shows in time: we watch, and take over from a dead one.
        if state not in ("paused", "sending"):
            raise Refused(f"edition {edition} is {state}: only a paused one can be resumed")
        if not no_wait:
            ensure_relay(site)
        if state == "paused":
            site.editions.resume(site.database, edition, site.clock())
            output.note(f"edition {edition} goes on; {before.counts.gone} of its {before.counts.chosen} mails had gone")
        stay(site, edition, no_wait=no_wait, as_json=as_json)


def _send_now(site: App, digest: str, *, by: str | None, no_wait: bool, yes: bool) -> int:
    """A fresh key each time: two calls are two wishes, kept apart by the items they find."""
    from subscribers.ids import new_uid
    from syndicate.app.sending import ensure_free, ensure_relay
    from syndicate.editions.four_eyes import refuse_alone

    if site.config.desk.approval:
        refuse_alone(site.config.digest(digest).slug)
    ensure_free(site)
    with site.database.read() as session:
        something = bool(site.editions.plan(session, digest, site.clock()).items)
    if something and not no_wait:
        ensure_relay(site)
    if something and not yes:
        tell_same_day(site, digest=digest)
    return site.editions.send_now(site.database, digest, new_uid(), site.clock(), by=by)


def _send(site: App, edition_id: int, *, by: str | None, no_wait: bool, yes: bool, strict: bool) -> None:
    from syndicate.app.sending import ensure_free, ensure_relay
    from syndicate.editions.four_eyes import refuse_unapproved

    state = stand_of(site, edition_id).state
    if state not in _MAY_START:
        raise Refused(_why_not(edition_id, state))
    if site.config.desk.approval and state != "approved":
        refuse_unapproved(edition_id)
    ensure_free(site)
    if not no_wait:
        ensure_relay(site)
    if state == "draft":
        ask_about(site, edition_id, yes=yes, strict=strict)
    elif not yes:
        tell_same_day(site, edition=edition_id)
    if state != "approved":
        state = site.editions.approve(site.database, edition_id, site.clock(), by=by)
    if state == "approved":
        site.editions.start(site.database, edition_id, site.clock())


def _why_not(edition_id: int, state: str) -> str:
    if state in ("sending", "paused"):
        what = "being sent" if state == "sending" else state
        return f"edition {edition_id} is {what} already: `syndicate edition resume {edition_id}` goes on with it"
    return f"edition {edition_id} is {state} already: only a draft or an approved one can be sent"


def stay(site: App, edition_id: int, *, no_wait: bool, as_json: bool) -> None:
    """Say which edition it is, follow it to its end, and tell how it ended. Raises NotSent if that is not `sent`."""
    stand = stand_of(site, edition_id)
    if stand.state == "skipped":
        output.note(f"nothing new to send: {stand.reason}")
        output.changed([edition_id], json_shapes.edition(stand), as_json=as_json)
        return
    if not as_json:
        print(edition_id, flush=True)
    if not no_wait:
        stand = edition_to_its_end(site, edition_id)
    if as_json:
        output.changed([], json_shapes.edition(stand), as_json=True)
    if not no_wait and stand.state != "sent":
        raise NotSent(not_sent(stand))
    output.note(summary(stand) + (_not_yet(site, edition_id) if no_wait else _no_readers(stand)))


def not_sent(stand: Report) -> str:
    """How an edition stands that has not come to its end, and what to do."""
    return summary(stand) + _remedy(stand)


def _remedy(stand: Report) -> str:
    because = f" ({stand.reason})" if stand.reason else ""
    if stand.state == "incomplete":
        return f"{because}; `syndicate outbox uncertain {stand.edition}` names those that nobody knows about"
    if stand.state == "paused":
        return f"{because}; `syndicate edition resume {stand.edition}` goes on, `cancel` calls it off"
    if stand.state == "draft":
        return f"{because}; look at it again, then `syndicate edition send {stand.edition}`"
    return because


def _no_readers(stand: Report) -> str:
    return "" if stand.counts.chosen else "; nobody gets this digest yet: `syndicate subscriber add` changes that"


def _not_yet(site: App, edition_id: int) -> str:
    from syndicate.app.sending import somebody_sends

    held = held_until(site, edition_id)
    when = f"; its first mail goes at {held.until}" if held else ""
    return when + ("" if somebody_sends(site) else "; nobody sends now: run `syndicate serve`")
