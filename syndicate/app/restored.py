"""After a restore: the database that was put back learns from the stop lists who has left since."""

from collections.abc import Sequence
from pathlib import Path

from subscribers.stoplist import StopList
from syndicate.app.parts import open_site
from syndicate.keys import MissingSecret
from syndicate.leaving.catching_up import catch_up


def catch_up_restored(config: Path, further: Sequence[Path]) -> int | None:
    """How many people changed by what the site's own stop list and `further` ones say; None where the secret is
    missing, without which no list can be read. Raises NobodyKnowsWhoLeft."""
    try:
        site = open_site(config)
    except MissingSecret:
        return None
    with site:
        lists = (site.stops, *(StopList(path, mark=site.keys.address_mark) for path in further))
        return catch_up(site.database, lists, now=site.clock()).changed
