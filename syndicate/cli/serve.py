"""`syndicate serve`, and its parts `web`, `tick` and `worker`, one role a process."""

from typing import Annotated

import typer

from syndicate.cli.logs import start_log
from syndicate.cli.site import opened

Host = Annotated[str | None, typer.Option(metavar="HOST", help="web.host of config.toml if not given.")]
Port = Annotated[
    int | None, typer.Option(metavar="PORT", min=0, max=65535, help="web.port of config.toml if not given; 0: any.")
]


def serve(ctx: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run everything in one process: pages, tick and sender, until Ctrl-C or SIGTERM."""
    _run(ctx, host, port, web=True, tick=True, sender=True)


def web(ctx: typer.Context, host: Host = None, port: Port = None) -> None:
    """Serve the pages only."""
    _run(ctx, host, port, web=True, tick=False, sender=False)


def tick(ctx: typer.Context) -> None:
    """Decide each minute what is due, and nothing else."""
    _run(ctx, None, None, web=False, tick=True, sender=False)


def worker(ctx: typer.Context) -> None:
    """Send what is in the outbox, and nothing else. On SQLite one process sends; a second one is refused."""
    from syndicate.app.stopping import stoppable

    start_log()
    with opened(ctx) as site, stoppable() as stop:
        sender = site.sender()
        try:
            sender.open()
            print(f"worker {sender.owner} sends", flush=True)
            while not stop.is_set():
                sender.slice(stop.is_set)
        finally:
            sender.close()


def _run(ctx: typer.Context, host: str | None, port: int | None, *, web: bool, tick: bool, sender: bool) -> None:
    from syndicate.app.serving import Server
    from syndicate.app.stopping import rest, stoppable

    start_log()
    # Told to stop while it still starts, it starts and then stops in order.
    with opened(ctx) as site, stoppable() as stop:
        settings = site.config.web
        server = Server(
            site,
            host=settings.host if host is None else host,
            port=settings.port if port is None else port,
            web=web,
            tick=tick,
            sender=sender,
        )
        server.start()
        print(f"serving {server.address}" if web else "ticking", flush=True)
        rest(stop)
        server.stop()
