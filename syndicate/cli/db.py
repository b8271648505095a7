"""`syndicate db …`: the database itself."""

import typer

from syndicate.cli import output
from syndicate.cli.output import AsJson
from syndicate.cli.site import config_path

app = typer.Typer(name="db", help="The database itself.")


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
