"""A site at the command line, by the true clock, whose weekly digest goes so long from now; and the ticks to come."""

import threading
from datetime import UTC, datetime, timedelta

from console import Console

from syndicate.app.parts import open_site
from syndicate.app.sending import drive

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def go_in(site: Console, ahead: timedelta) -> datetime:
    """Let the weekly digest go so long from now, once a week. Returns that slot."""
    with open_site(site.config) as app:
        slot = (app.clock() + ahead).astimezone(app.config.zone).replace(second=0, microsecond=0)
    text = site.config.read_text(encoding="utf-8")
    old = next(line for line in text.splitlines() if line.startswith("schedule = "))
    new = f'schedule = "{DAYS[slot.isoweekday() % 7]} {slot:%H:%M}"'
    site.config.write_text(text.replace(old, new, 1), encoding="utf-8")
    return slot.astimezone(UTC)


def ticked(site: Console, at: datetime) -> None:
    """Tick at that moment, and send what it has started."""
    with open_site(site.config, clock=lambda: at) as app:
        app.editions.tick(app.database, at)
        drive(app, lambda: not _sending(site), threading.Event(), progress=lambda: None)


def _sending(site: Console) -> bool:
    return any(one["state"] == "sending" for one in site("edition", "list", "--json").json)
