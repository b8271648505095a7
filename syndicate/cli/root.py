"""The whole command line in one place: which commands there are."""

from pathlib import Path
from typing import Annotated

import typer

from syndicate.cli import (
    appeal,
    bounce,
    check,
    clip,
    clip_correct,
    clip_import,
    db,
    demo,
    digest,
    edition,
    edition_check,
    edition_correct,
    edition_edit,
    edition_preview,
    edition_report,
    edition_send,
    edition_show,
    feed,
    init,
    outbox,
    outbox_decide,
    serve,
    subscriber,
    subscriber_add,
    subscriber_export,
    subscriber_import,
    subscriber_pause,
    subscriber_suppress,
    trial,
)
from syndicate.cli.logs import no_log

app = typer.Typer(
    name="syndicate",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"syndicate {version('syndicate-news')}")
        raise typer.Exit


@app.callback()
def syndicate(
    ctx: typer.Context,
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The site's config.toml.")] = Path(
        "config.toml"
    ),
    version: Annotated[  # noqa: ARG001 - its callback has answered
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """File a clipping once: it becomes a web page, a feed entry and a line in a mail digest.

    Exit status: 0 done, 1 what was asked failed, 2 it was asked wrongly or the configuration is wrong."""
    ctx.obj = config
    no_log()


app.command("init")(init.init)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("web")(serve.web)
app.command("tick")(serve.tick)
app.command("worker")(serve.worker)
app.command("check")(check.check)
clip.app.command("correct")(clip_correct.correct)
clip.app.command("import")(clip_import.import_)
edition.app.command("check")(edition_check.check)
edition.app.command("correct")(edition_correct.correct)
edition.app.command("preview")(edition_preview.preview)
for step in (
    edition_edit.note,
    edition_edit.subject,
    edition_edit.lead,
    edition_edit.order,
    edition_edit.add,
    edition_edit.drop,
    edition_edit.withdraw,
):
    edition.app.command(step.__name__)(step)
edition.app.command("report")(edition_report.report)
edition.app.command("send")(edition_send.send)
edition.app.command("show")(edition_show.show)
edition.app.command("resume")(edition_send.resume)
edition.app.command("test")(trial.edition_test)
outbox.app.command("test")(trial.outbox_test)
outbox.app.command("uncertain")(outbox_decide.uncertain)
outbox.app.command("retry")(outbox_decide.retry)
outbox.app.command("release")(outbox_decide.release)
subscriber.app.command("add")(subscriber_add.add)
subscriber.app.command("import")(subscriber_import.import_)
subscriber.app.command("export")(subscriber_export.export)
subscriber.app.command("pause")(subscriber_pause.pause)
subscriber.app.command("suppress")(subscriber_suppress.suppress)
subscriber.app.command("allow")(subscriber_suppress.allow)
for noun in (clip, feed, digest, edition, appeal, outbox, subscriber, bounce, db):
    app.add_typer(noun.app)
