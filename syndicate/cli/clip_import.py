"""`syndicate clip import`: saved pages and lists become archival clippings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syndicate.cli import output
from syndicate.cli.failures import Partly
from syndicate.cli.files import UnreadableFile, read
from syndicate.cli.json_shapes import Shape, clippings
from syndicate.cli.output import AsJson
from syndicate.cli.site import opened

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from syndicate.app.parts import App
    from syndicate.clippings.archive_pages import ArchivedClipping
    from syndicate.clippings.store import ImportReport
    from syndicate.config import Config

DEFAULT_SECTION = "dont-miss"

Format = Literal["auto", "archive", "index"]


@dataclass
class _Account:
    """What became of the files of one call so far."""

    as_json: bool
    shapes: list[Shape] = field(default_factory=list)
    refused: bool = False

    def refuse(self, file: str, line: int | None, reason: str) -> None:
        self.refused = True
        place = file if line is None else f"{file}, line {line}"
        output.note(f"{place}: {reason}")


def import_(
    ctx: typer.Context,
    *,
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Saved pages or lists; - is standard input.")],
    format_: Annotated[
        Format, typer.Option("--format", help="A page, a list of lines, or what it looks like.")
    ] = "auto",
    section: Annotated[
        str | None, typer.Option(metavar="SLUG", help=f"{DEFAULT_SECTION} if there is one, else the first.")
    ] = None,
    as_drafts: Annotated[bool, typer.Option("--as-drafts", help="File them as drafts, not archival.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import saved pages of the archive, or lists of its lines, as archival clippings.

    Each file is stored whole or not at all; what cannot be read is named on stderr, and the rest is stored."""
    with opened(ctx) as site:
        slug = _section(site.config, section)
        account = _Account(as_json)
        for file in files:
            _import(site, file, format_, section=slug, as_drafts=as_drafts, account=account)
    if as_json:
        output.changed([], account.shapes, as_json=True)
    if account.refused:
        raise Partly


def _section(config: Config, slug: str | None) -> str:
    if slug is not None:
        return config.section(slug).slug
    slugs = [section.slug for section in config.sections]
    return DEFAULT_SECTION if DEFAULT_SECTION in slugs else slugs[0]


def _import(site: App, file: str, format_: Format, *, section: str, as_drafts: bool, account: _Account) -> None:
    """One file in one transaction, told as it is done."""
    from syndicate.clippings.archive_pages import UnreadablePage
    from syndicate.clippings.store import BadClipping, import_archived

    try:
        found = _read(file, format_, account, today=site.clock().date())
        with site.database.write() as session:
            report = import_archived(session, found, section=section, as_drafts=as_drafts, now=site.clock())
            account.shapes += _shapes(site, session, report) if account.as_json else []
    except UnreadableFile as error:
        account.refuse(file, None, error.reason)
        return
    except UnreadablePage as error:
        account.refuse(file, error.line, error.reason)
        return
    except BadClipping as error:
        account.refuse(file, None, str(error))
        return
    if not account.as_json:
        output.changed(report.added, [], as_json=False)
    for clipping_id in report.known:
        output.note(f"{file}: known already as {clipping_id}")


def _shapes(site: App, session: Session, report: ImportReport) -> list[Shape]:
    """The clippings that the file stands for: those that are new, then those that were there."""
    from syndicate.clippings.store import get

    identities = (*report.added, *report.known)
    made = clippings(session, site, [get(session, identity) for identity in identities])
    return [shape | {"known": identity in report.known} for identity, shape in zip(identities, made, strict=True)]


def _read(file: str, format_: Format, account: _Account, *, today: date) -> list[ArchivedClipping]:
    from syndicate.clippings.archive_pages import UnreadablePage, decode, detect, read_index, read_page, too_new

    text = decode(read(file))
    kind = detect(text) if format_ == "auto" else format_
    if kind == "archive":
        page = read_page(text, file)
        if reason := too_new(page, today):
            raise UnreadablePage(file, page.line, reason)
        return [page]
    index = read_index(text, file)
    for line in index.unread:
        account.refuse(file, line.line, line.reason)
    believed = []
    for clipping in index.clippings:
        if reason := too_new(clipping, today):
            account.refuse(file, clipping.line, reason)
        else:
            believed.append(clipping)
    return believed
