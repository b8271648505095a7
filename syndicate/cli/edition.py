"""`syndicate edition …`: what an edition would hold, holds, and how its mails stand; approve, pause, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.edition_check import Strict, Yes, ask_about
from syndicate.cli.edition_fit import fit_lines, fits_of, fits_to_come
from syndicate.cli.following import held_until, stand_of
from syndicate.cli.json_shapes import Shape
from syndicate.cli.output import AsJson, Column, Limit
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from syndicate.app.parts import App
    from syndicate.editions.given_up import Fits

app = typer.Typer(name="edition", help="Editions: plan, draft, preview, approve, send, report.")

EditionId = Annotated[int, typer.Argument(metavar="E", min=1, help="The edition's id.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does this.")]
DigestSlug = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest's slug.")]

_COLUMNS: tuple[Column, ...] = (
    ("edition", lambda shape: shape["edition"]),
    ("digest", lambda shape: shape["digest"]),
    ("number", lambda shape: shape["number"]),
    ("kind", lambda shape: shape["kind"]),
    ("slot", lambda shape: shape["slot"]),
    ("state", lambda shape: shape["state"]),
    ("items", lambda shape: len(shape["items"])),
    ("chosen", lambda shape: shape["chosen"]),
    ("accepted", lambda shape: shape["accepted"]),
)
_PLANNED: tuple[Column, ...] = (
    ("clipping", lambda shape: shape["clipping"]),
    ("section", lambda shape: shape["section"]),
    ("headline", lambda shape: shape["headline"]),
    ("left out because", lambda shape: shape["reason"]),
)


@app.command("plan")
def plan(
    ctx: typer.Context,
    digest: Annotated[str, typer.Argument(metavar="E|DIGEST", help="An edition's id, or a digest's slug.")],
    as_json: AsJson = False,
) -> None:
    """Show what an edition of this digest would hold now (an edition: what it holds), and why the rest stays out.
    Changes nothing."""
    if digest.isascii() and digest.isdigit():
        _plan_of(ctx, int(digest), as_json=as_json)
        return
    with opened(ctx) as site:
        with site.database.read() as session:
            found = site.editions.plan(session, digest, site.clock())
            chosen = [_planned(session, item.clipping_id, None) for item in found.items]
            left_out = [_planned(session, clipping_id, reason) for clipping_id, reason in found.left_out]
        fits = fits_to_come(site, digest, found.items)
    _tell_plan(digest, chosen, left_out, found.empty, fits, as_json=as_json)


def _plan_of(ctx: typer.Context, edition_id: int, *, as_json: bool) -> None:
    """What this edition holds, and why the rest stayed out when it was made or edited."""
    from syndicate.editions.editing import left_out
    from syndicate.editions.snapshot import edition as edition_of
    from syndicate.editions.snapshot import take

    with opened(ctx) as site:
        with site.database.read() as session:
            found = edition_of(session, edition_id)
            chosen = [_planned(session, item.clipping_id, None) for item in take(session, edition_id).items]
            out = [_planned(session, clipping_id, reason) for clipping_id, reason in left_out(session, edition_id)]
            slug, reason = found.digest, found.reason
        fits = fits_of(site, edition_id)
    _tell_plan(slug, chosen, out, reason, fits, as_json=as_json)


def _tell_plan(
    slug: str, chosen: list[Shape], left_out: list[Shape], reason: str | None, fits: Fits, *, as_json: bool
) -> None:
    if as_json:
        output.one(json_shapes.plan(slug, chosen, left_out, reason, fits), as_json=True)
        return
    for line in [reason, *(f"made to fit: {line}" for line in fit_lines(fits))]:
        if line:
            output.note(line)
    output.listing([*chosen, *left_out], _PLANNED, as_json=False)


@app.command("draft")
def draft(
    ctx: typer.Context,
    digest: DigestSlug,
    coming: Annotated[bool, typer.Option("--next", help="For the coming slot, at most a day before it.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a draft of an edition with the items that the next scheduled one would take: to be sent by hand, or with
    --next the edition of the coming slot itself."""
    from subscribers.ids import new_uid

    with opened(ctx) as site:
        if coming:
            edition_id = site.editions.draft_next(site.database, digest, site.clock(), by=by)
            output.note(_drafted_early(site, edition_id))
        else:
            edition_id = site.editions.draft_now(site.database, digest, new_uid(), site.clock(), by=by)
        ask_for_maker(site, by)
        _answer(site, edition_id, as_json=as_json)


def ask_for_maker(site: App, by: str | None) -> None:
    """Say what it means that nobody is named who made a draft, where a second person is to approve it."""
    if site.config.desk.approval and by is None:
        output.note("nobody is named who made it, so anybody may approve it: --by NAME names you")


def _drafted_early(site: App, edition_id: int) -> str:
    from syndicate.editions.early import slot_words

    slot = slot_words(stand_of(site, edition_id).slot or "")
    late = f"what is published from now on waits for the next, or is added with `syndicate edition add {edition_id} ID`"
    return f"edition {edition_id} goes at its slot, {slot} {site.config.site.timezone}; {late}"


@app.command("list")
def list_(
    ctx: typer.Context,
    digest: Annotated[str | None, typer.Option(metavar="SLUG", help="Only those of one digest.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List editions in every state, newest first."""
    from syndicate.editions.report import reports

    with opened(ctx) as site, site.database.read() as session:
        slug = site.config.digest(digest).slug if digest is not None else None
        shapes = [json_shapes.edition(one) for one in reports(session, digest=slug, limit=limit)]
    output.listing(shapes, _COLUMNS, as_json=as_json)


@app.command("approve")
def approve(
    ctx: typer.Context,
    edition: EditionId,
    *,
    by: By = None,
    yes: Yes = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Freeze what a draft says. The tick starts a scheduled one; `edition send` starts any."""
    with opened(ctx) as site:
        site.editions.require_approver(site.database, edition, by)
        if stand_of(site, edition).state == "draft":
            ask_about(site, edition, yes=yes, strict=strict)
        site.editions.approve(site.database, edition, site.clock(), by=by)
        if held := held_until(site, edition):
            off = f"until then `syndicate edition cancel {edition}` calls it off"
            output.note(f"no mail of edition {edition} goes before {held.until}, for {held.for_what}; {off}")
        _answer(site, edition, as_json=as_json)


@app.command("pause")
def pause(ctx: typer.Context, edition: EditionId, as_json: AsJson = False) -> None:
    """Stop an edition that is being sent, until it is resumed. What is on the wire is finished."""
    with opened(ctx) as site:
        gone = site.editions.pause(site.database, edition, site.clock())
        output.note(f"edition {edition} is paused; {_had_gone(site, edition, gone)}")
        _answer(site, edition, as_json=as_json)


@app.command("cancel")
def cancel(ctx: typer.Context, edition: EditionId, as_json: AsJson = False) -> None:
    """Call an edition off. If none of its mails had gone, its clippings are free for the next one."""
    with opened(ctx) as site:
        slot = _slot_to_come(site, edition)
        gone = site.editions.cancel(site.database, edition, site.clock())
        if stand_of(site, edition).state == "cancelled":
            decided = f"; so its slot is decided: nothing goes at {slot}" if slot else ""
            output.note(f"edition {edition} is cancelled; {_had_gone(site, edition, gone)}{decided}")
        else:
            output.note(f"edition {edition} was sent before: only what was taken up again is called off")
        _answer(site, edition, as_json=as_json)


def _slot_to_come(site: App, edition_id: int) -> str | None:
    from syndicate.editions.early import is_early, slot_words
    from syndicate.editions.snapshot import edition as edition_of

    with site.database.read() as session:
        found = edition_of(session, edition_id)
        return slot_words(found.slot or "") if is_early(found, site.clock()) else None


def _had_gone(site: App, edition_id: int, gone: int) -> str:
    return f"{gone} of its {stand_of(site, edition_id).counts.chosen} mails had gone"


def _answer(site: App, edition_id: int, *, as_json: bool) -> None:
    shape, reason = read(site, edition_id)
    if shape["state"] == "skipped":
        output.note(f"nothing to send: {reason}")
    output.changed([edition_id], shape, as_json=as_json)


def read(site: App, edition_id: int) -> tuple[Shape, str | None]:
    """An edition in the shape of its JSON, and the reason for its state. Raises NotFound."""
    found = stand_of(site, edition_id)
    return json_shapes.edition(found), found.reason


def _planned(session: Session, clipping_id: str, reason: str | None) -> Shape:
    from syndicate.clippings.store import get

    clipping = get(session, clipping_id)
    return {"clipping": clipping_id, "section": clipping.section, "headline": clipping.headline, "reason": reason}
