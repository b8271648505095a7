"""`syndicate edition report`: the account of an edition, in numbers or person by person."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from syndicate.cli import output
from syndicate.cli.edition import EditionId, read
from syndicate.cli.json_shapes import Shape, instant
from syndicate.cli.output import AsJson
from syndicate.cli.pace_words import pace_of, words
from syndicate.cli.site import opened
from syndicate.durable import replaced
from syndicate.errors import SyndicateError, UsageError

if TYPE_CHECKING:
    from syndicate.app.parts import App

_COLUMNS = ("address", "state", "attempt", "code", "reply", "cause", "at", "message_id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, or skips before one."""


def report(
    ctx: typer.Context,
    edition: EditionId,
    *,
    people: Annotated[bool, typer.Option("--people", help="A line for each person, as CSV.")] = False,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only those in this state.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the account of an edition: chosen is always the sum of the seven numbers after it."""
    if not people and (state is not None or out is not None):
        raise UsageError("--state and --out go with --people")
    with opened(ctx) as site:
        if people:
            _people(site, edition, state, out, as_json=as_json)
            return
        shape, reason = read(site, edition)
        going = words(pace_of(site, edition)) if shape["state"] == "sending" else None
    output.one(shape, as_json=as_json, lines=[*shape.items(), ("reason", reason), ("going", going)])


def _people(site: App, edition: int, state: str | None, out: Path | None, *, as_json: bool) -> None:
    from syndicate.editions.snapshot import edition as edition_of
    from syndicate.outbox.ledger import STATES

    if state is not None and state not in STATES:
        raise UsageError(f"a mail is in one of these states: {', '.join(STATES)}")
    with site.database.read() as session:
        edition_of(session, edition)
    with _stream(out) as file:
        write = output.array if as_json else _csv
        written = write(_shapes(site, edition, state), file)
    if out is not None:
        output.note(f"{written} people of edition {edition}")
        print(out)


def _shapes(site: App, edition: int, state: str | None) -> Iterator[Shape]:
    from syndicate.editions.people import everybody
    from syndicate.mail.personal import MailSite, delivery_message_id

    mail_site = MailSite.of(site.config)
    with site.database.read() as session:
        for one in everybody(session, edition, state=state):
            name = delivery_message_id(
                mail_site, site.keys, edition_uid=one.edition_uid, subscriber_uid=one.subscriber_uid
            )
            yield {
                "address": one.address,
                "state": one.state,
                "attempt": one.attempt,
                "code": one.code,
                "reply": one.reply,
                "cause": one.cause,
                "at": instant(one.at),
                "message_id": name,
            }


def _csv(shapes: Iterable[Shape], file: TextIO) -> int:
    """Write them as CSV (RFC 4180) under a line of names. Returns how many."""
    rows, written = csv.writer(file), 0
    rows.writerow(_COLUMNS)
    for shape in shapes:
        rows.writerow([_cell(shape[name]) for name in _COLUMNS])
        written += 1
    return written


def _cell(value: object) -> str:
    """As text that no spreadsheet takes for a formula: an apostrophe goes before whatever looks like one."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


@contextmanager
def _stream(out: Path | None) -> Iterator[TextIO]:
    """Standard output, or the file: readable by its owner only, and there when it is whole."""
    if out is None:
        yield sys.stdout
        return
    try:
        with replaced(out) as raw:
            file = TextIOWrapper(raw, "utf-8", errors="backslashreplace", newline="")
            yield file
            file.detach()  # flushed, and left open for who opened it
    except OSError as error:
        raise SyndicateError(f"cannot write {out}: {error.strerror or error}") from None
