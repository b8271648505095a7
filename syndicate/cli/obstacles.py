"""What keeps mail from going, in a line with its remedy. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from syndicate.app.parts import App

NOBODY = "no sender lives: start `syndicate serve`; if it runs, its log says why it does not send"


def obstacle(session: Session, site: App) -> str | None:
    """Why nothing goes now: the outbox is held, nobody sends, or the relay is away or refuses us; None if nothing
    stands in the way."""
    from syndicate.outbox import guard, leases

    if reason := guard.held(session):
        return f"the outbox is held: {reason}; `syndicate outbox release` lets it go on"
    if not leases.live(session, site.database.clock()):
        return NOBODY
    return relay_stopped(session, site) or relay_away(session, site, site.clock())


def relay_stopped(session: Session, site: App) -> str | None:
    """What the relay said to our login, if it refused it: nobody tries again before a person has acted."""
    from syndicate.outbox import relays

    relay = relays.standing(session, site.database.clock(), site.relay().name, "")
    if not relay.stopped:
        return None
    return f"{relay.error}; mend the login in config.toml, or let it be tried again with `syndicate outbox release`"


def relay_away(session: Session, site: App, since: datetime) -> str | None:
    """What is wrong with the relay, if whoever sends found it down since then and it has not answered."""
    from syndicate.outbox import relays

    return relays.down_since(session, site.database.clock(), site.relay().name, since)
