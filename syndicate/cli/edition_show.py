"""`syndicate edition show`: one edition as it stands, what editors did to it, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.edition import EditionId, read
from syndicate.cli.edition_fit import fit_lines, stored
from syndicate.cli.json_shapes import Shape
from syndicate.cli.obstacles import obstacle
from syndicate.cli.output import AsJson
from syndicate.cli.pace_words import pace_of, words
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from syndicate.app.parts import App


def show(ctx: typer.Context, edition: EditionId, as_json: AsJson = False) -> None:
    """Show one edition: its state and why, when it goes, how fast or what keeps it, and its clippings."""
    from syndicate.editions.snapshot import take
    from syndicate.outbox.pace import last_trouble

    with opened(ctx) as site:
        shape, reason = read(site, edition)
        pace, fitted = pace_of(site, edition), stored(site, edition)
        with site.database.read() as session:
            items, trouble = take(session, edition).items, last_trouble(session, edition_id=edition)
            edited, waiting = _edited(session, edition), _waiting(session, site, edition)
            waits = obstacle(session, site) if shape["state"] in ("approved", "sending") else None
    lines = [(name, value) for name, value in shape.items() if name != "items"]
    going = words(pace) if shape["state"] == "sending" else None
    lines += [(name, value) for name, value in edited.items() if name != "left_out"]
    more = edited | {
        "not_before": waiting["not_before"],
        "off_schedule": waiting["off_schedule"],
        "rate": pace.rate if going else 0.0,
        "seconds_left": pace.seconds_left if shape["state"] == "sending" else None,
        "last_error": trouble,
        "obstacle": waits,
        "fit": json_shapes.fit(fitted),
    }
    lines += [("made to fit", "; ".join(fit_lines(fitted)))]
    lines += [("reason", reason), ("first mail", waiting["words"])]
    lines += [("going", going), ("not going", waits), ("last error", trouble)]
    output.one(shape | more, as_json=as_json, lines=lines)
    if not as_json:
        for item in items:
            print(f"{item.clipping_id}  {output.plain(item.headline)}")
        for one in edited["left_out"]:
            print(f"{one['clipping']}  left out: {output.plain(one['reason'])}")


def _edited(session: Session, edition_id: int) -> Shape:
    """What editors did to an edition, and what is not in it."""
    from syndicate.editions.editing import left_out
    from syndicate.editions.snapshot import edition as edition_of

    found = edition_of(session, edition_id)
    out = [{"clipping": clipping_id, "reason": reason} for clipping_id, reason in left_out(session, edition_id)]
    names = ("subject", "note", "lead", "made_by", "approved_by")
    return {name: getattr(found, name) for name in names} | {"set_aside": found.set_aside or [], "left_out": out}


def _waiting(session: Session, site: App, edition_id: int) -> Shape:
    """From when mails of an edition may go, if that is to come; whether its slot left the schedule; and in words."""
    from syndicate.editions.early import is_early, off_schedule
    from syndicate.editions.snapshot import edition as edition_of
    from syndicate.editions.starting import not_before

    found, now = edition_of(session, edition_id), site.clock()
    moment = not_before(site.config, found)
    if moment is None or moment <= now:
        return {"not_before": None, "off_schedule": False, "words": None}
    off = is_early(found, now) and off_schedule(site.config, found)
    told = f"not before {json_shapes.instant(moment)}; until then `syndicate edition cancel {edition_id}` calls it off"
    if off:
        told += f"; the schedule of {found.digest} has no such slot any more, and it goes then all the same"
    return {"not_before": json_shapes.instant(moment), "off_schedule": off, "words": told}
