"""`syndicate db …`: the database itself."""

import json
from pathlib import Path
from typing import Annotated

import typer

from syndicate.cli import output
from syndicate.cli.output import AsJson, Column
from syndicate.cli.site import config_path

app = typer.Typer(name="db", help="The database itself.")

_CHECKED: tuple[Column, ...] = (
    ("what", lambda shape: shape["what"]),
    ("stands", lambda shape: "ok" if shape["ok"] else "fault"),
    ("detail", lambda shape: shape["detail"]),
)


@app.callback()
def db() -> None:
    """The database itself."""


@app.command("upgrade")
def upgrade(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Bring the database to the shape that this program works with. Harmless to repeat; make a backup first."""
    from syndicate import config, migrations
    from syndicate.app.founding import lay_tables
    from syndicate.app.parts import utc_now
    from syndicate.database import Database

    settings = config.load(config_path(ctx))
    database = Database(settings.database.url)
    try:
        before = migrations.shape(database)
        lay_tables(database, settings, utc_now())
    finally:
        database.close()
    words = "the database is as this program wants it" + ("" if before == "current" else f" (it was {before})")
    output.changed([words], {"before": before, "now": "current"}, as_json=as_json)


@app.command("backup")
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    with_secret: Annotated[bool, typer.Option("--with-secret", help="Put the site's secret and DKIM keys in.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write one file with a copy of the whole database, also while mail goes out. Says what is in it, what is not."""
    from syndicate import config
    from syndicate.app.parts import program_version, utc_now
    from syndicate.backup.making import make
    from syndicate.cli.backup_words import made
    from syndicate.database import Database

    settings = config.load(config_path(ctx))
    database = Database(settings.database.url)
    try:
        manifest = make(
            settings, database, file, keys=with_secret, force=force, now=utc_now(), program=program_version()
        )
    finally:
        database.close()
    shape = {"file": str(file)} | json.loads(manifest.to_json())
    output.changed(made(settings, manifest, file), shape, as_json=as_json)


@app.command("restore")
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `db backup` has written.")],
    other_site: Annotated[
        bool, typer.Option("--other-site", help="Also if the backup is of another site than the database here.")
    ] = False,
    stop_list: Annotated[
        list[Path] | None,
        typer.Option("--stop-list", metavar="FILE", help="The stop list of another web machine; may be given again."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the database, which is kept beside it. Nothing of it is sent before you say so."""
    from syndicate import config
    from syndicate.app.parts import utc_now
    from syndicate.app.restored import catch_up_restored
    from syndicate.backup.restoring import restore as put_back
    from syndicate.cli.backup_words import put
    from syndicate.cli.failures import Partly
    from syndicate.leaving.catching_up import NobodyKnowsWhoLeft

    settings = config.load(config_path(ctx))
    done = put_back(settings, file, other_site=other_site, now=utc_now())
    left, fault = None, ""
    try:
        left = catch_up_restored(config_path(ctx), stop_list or ())
    except NobodyKnowsWhoLeft as error:
        fault = str(error)
    shape = {
        "file": str(file),
        "made_at": done.manifest.made_at.isoformat(),
        "kept": done.kept,
        "keys": [str(path) for path in done.keys],
        "held": True,
        "left_since": left,
    }
    output.changed(put(settings, done, left), shape, as_json=as_json)
    if fault:
        output.note(f"syndicate: restored and held, but {fault}")
        raise Partly


@app.command("check")
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Look at the whole database: is it sound, of this program's shape, and does its account of the mail add up?"""
    from syndicate import config
    from syndicate.backup.checking import check as look
    from syndicate.backup.errors import BackupFault
    from syndicate.database import Database

    settings = config.load(config_path(ctx))
    database = Database(settings.database.url)
    try:
        found = look(database)
    finally:
        database.close()
    shapes = [{"what": one.what, "ok": one.fault is None, "detail": one.fault or one.note} for one in found]
    output.listing(shapes, _CHECKED, as_json=as_json)
    faults = [one for one in found if one.fault]
    if faults:
        raise BackupFault(f"{faults[0].what}: {faults[0].fault}")
