"""`syndicate subscriber import`: a list from elsewhere is taken over, or rehearsed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syndicate.cli import output
from syndicate.cli.failures import Partly
from syndicate.cli.files import UnreadableFile
from syndicate.cli.following import Progress
from syndicate.cli.json_shapes import Shape
from syndicate.cli.output import AsJson, one_line
from syndicate.cli.site import opened
from syndicate.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

    from subscribers.importer import Answer, Totals
    from subscribers.imports.columns import Wanted
    from subscribers.imports.entries import Terms
    from syndicate.app.parts import App

_CONSENT_CHARACTERS = 400
Tell = Callable[["Answer"], None]


def import_(
    ctx: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON or a roster, in any encoding.")],
    consent: Annotated[str, typer.Option(metavar="TEXT", help="How and when these people agreed.")],
    digest: Annotated[
        list[str] | None, typer.Option(metavar="SLUG", help="The digest they get; may be given again.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="What a column is, where its name does not tell."),
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="Whose export it is, where it is not found out.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; change nothing.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write every row to FILE, as JSON lines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take over a list from elsewhere. Nobody comes back by it who has left, bounced, complained or was erased.

    Stopped in the middle, it goes on where it was when it is called again."""
    from subscribers.imports.entries import Terms

    said = one_line(consent)
    if not said:
        raise UsageError("--consent says how and when they agreed: it cannot be empty")
    if len(said) > _CONSENT_CHARACTERS:
        raise UsageError(f"--consent is longer than {_CONSENT_CHARACTERS} characters: say it in short")
    wanted = _wanted(file, map_ or [], format_)
    with opened(ctx) as site:
        digests = site.signup.known(digest) if digest else ()
        terms = Terms(digests, frozenset(site.config.digest_slugs), site.config.site.language, said)
        with _file(file) as source, _told(report, every=dry_run, as_json=as_json) as tell:
            totals = _go(site, source, terms, wanted, tell, dry_run=dry_run)
    _sum_up(file, totals, each_told=dry_run or report is not None, dry_run=dry_run, as_json=as_json)
    if not totals.taken:
        raise Partly


def _go(site: App, source: BinaryIO, terms: Terms, wanted: Wanted, tell: Tell, *, dry_run: bool) -> Totals:
    from subscribers.importer import rehearse, run
    from syndicate.leaving.catching_up import catch_up

    size = os.fstat(source.fileno()).st_size or 1
    progress = Progress()

    def show(consumed: int) -> None:
        progress.show(f"{min(100, 100 * consumed // size)} % of the file read")

    hash_of = site.keys.address_hash
    try:
        if dry_run:
            return rehearse(source, terms, wanted, read=site.database.read, hash_of=hash_of, report=tell, progress=show)
        catch_up(site.database, (site.stops,), now=site.clock())  # or a list that is older brings somebody back
        return run(
            source,
            terms,
            wanted,
            write=site.database.write_much,
            hash_of=hash_of,
            stops=site.stops,
            clock=site.clock,
            report=tell,
            progress=show,
        )
    finally:
        progress.end()


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UnreadableFile(str(path), reason or str(error)) from None
    with file:
        if not path.is_file():
            raise UnreadableFile(str(path), "it is no file")
        yield file


@contextmanager
def _told(path: Path | None, *, every: bool, as_json: bool) -> Iterator[Tell]:
    """Where answers go: to stdout if `every` row is to be shown, and to the report, whole or not at all."""
    from syndicate.durable import replaced

    def show(answer: Answer) -> None:
        if every and as_json:
            print(json.dumps(_shape(answer)))
        elif every:
            print("\t".join(output.plain(part) for part in _shape(answer).values()))

    if path is None:
        yield show
        return
    with replaced(path) as file:

        def write(answer: Answer) -> None:
            file.write(f"{json.dumps(_shape(answer))}\n".encode())
            show(answer)

        yield write


def _shape(answer: Answer) -> Shape:
    return {"row": answer.row, "address": answer.address, "outcome": answer.outcome, "detail": answer.detail}


def _sum_up(file: Path, totals: Totals, *, each_told: bool, dry_run: bool, as_json: bool) -> None:
    from subscribers.imports.deciding import OUTCOMES

    counts = {outcome: totals.counts.get(outcome, 0) for outcome in OUTCOMES}
    shape = {"file": str(file), "dry_run": dry_run, "after": totals.after, "rows": sum(counts.values())} | counts
    shape |= {"foreign": totals.foreign, "first_foreign": totals.first_foreign}
    if as_json:
        print(json.dumps(shape))
    else:
        words = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        output.note(f"{'would be: ' if dry_run else ''}{words or 'there are no rows in it'}")
    if counts["invalid"] and not each_told and not as_json:
        output.note("which rows those are, and why: call it again with --dry-run, or with --report FILE")
    if totals.after and not as_json:
        output.note(f"went on behind row {totals.after}")
    if totals.first_foreign is not None:
        output.note(
            f"{totals.foreign} lines are no UTF-8 and were read as windows-1252, the first: line {totals.first_foreign}"
        )


def _wanted(file: Path, mapped: list[str], format_: str | None) -> Wanted:
    from subscribers.imports.columns import FIELDS, IGNORE, Wanted
    from subscribers.imports.formats import FORMATS, normal, of_name

    chosen = of_name(format_) if format_ else None
    if format_ and chosen is None:
        raise UsageError(f"there is no format {format_!r}; there are: {', '.join(one.name for one in FORMATS)}")
    columns: dict[str, str] = {}
    for pair in mapped:
        column, equals, meant = pair.rpartition("=")
        if not equals or meant not in (*FIELDS, IGNORE):
            raise UsageError(f"--map {pair}: write COLUMN=FIELD, with a field of: {', '.join((*FIELDS, IGNORE))}")
        columns[normal(column)] = meant
    return Wanted(format=chosen, columns=columns, name=file.name)
