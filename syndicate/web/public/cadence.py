"""When a digest comes, in words for readers, who may live in another time zone than the site."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from syndicate.config import Config, Digest
from syndicate.timetable import parse


@dataclass(frozen=True)
class Coming:
    """A digest that somebody gets: its name and when it comes ("" for one that the site no longer has)."""

    name: str
    when: str


def cadence(digest: Digest, zone: ZoneInfo) -> str:
    """When a digest comes: "every Thursday at 09:00, New York time"."""
    schedule = parse(digest.schedule)
    return f"{schedule.words()}, {_clock_of(zone)}" if schedule.times else schedule.words()


def comings(config: Config, slugs: Sequence[str]) -> tuple[Coming, ...]:
    """What comes, in the order of `slugs`; a digest that the site no longer has is called by its slug."""
    known = {digest.slug: Coming(digest.name, cadence(digest, config.zone)) for digest in config.digests}
    return tuple(known.get(slug, Coming(slug, "")) for slug in slugs)


def _clock_of(zone: ZoneInfo) -> str:
    # "America/New_York" is a city's clock; "UTC" and "Etc/UTC" are the names of clocks themselves.
    area, _, place = zone.key.rpartition("/")
    return place if area in ("", "Etc") else f"{place.replace('_', ' ')} time"
