"""`syndicate check`: config.toml read whole, and every fault in it told with line and key."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from syndicate.cli import json_shapes, output
from syndicate.cli.failures import Partly
from syndicate.cli.output import AsJson
from syndicate.cli.site import config_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy.orm import Session

    from syndicate.config import Config, Fault

_LIVE = ("draft", "approved", "sending", "paused", "held")


class Faulty(Partly):
    """The configuration cannot be used; its faults have been told."""

    status = 2


def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Read config.toml and say all that is wrong with it, and what is still the example's."""
    from syndicate import config

    path = config_path(ctx)
    try:
        found = config.load(path)
    except config.ConfigError as error:
        faults, warnings = list(error.faults), []
    else:
        faults, warnings = _vanished(found), config.warnings(found)
    if as_json:
        named = {"faults": faults, "warnings": warnings}
        output.one({name: [json_shapes.fault(one) for one in some] for name, some in named.items()}, as_json=True)
    for fault in faults:
        print(_line(path, fault), file=sys.stderr)
    if faults:
        raise Faulty
    if not as_json:
        for warning in warnings:
            print(f"{_line(path, warning)} (warning)")
        print(f"{path.name} is right")


def _line(path: Path, fault: Fault) -> str:
    place = str(path) if fault.line is None else f"{path}:{fault.line}"
    return ": ".join((place, *((fault.key,) if fault.key else ()), output.plain(fault.text)))


def _vanished(config: Config) -> list[Fault]:
    """Slugs that are gone from the file while the database still uses them. A database that is not there, or not of
    this program's shape, is the business of other commands."""
    from sqlalchemy.exc import SQLAlchemyError

    from syndicate.database import Database
    from syndicate.migrations import shape

    database = Database(config.database.url)
    try:
        if database.sqlite and not database.file.exists():
            return []
        if shape(database) != "current":
            return []
        with database.read() as session:
            return _unknown_slugs(session, config)
    except SQLAlchemyError:
        return []
    finally:
        database.close()


def _unknown_slugs(session: Session, config: Config) -> list[Fault]:
    """A fault for each section in which clippings stand, and each digest that people get or that has a live edition,
    but which is not in config.toml. Reads only."""
    from sqlalchemy import func, select

    from subscribers.models import Subscription
    from syndicate.models import Clipping, Edition

    sections = select(Clipping.section, func.count()).group_by(Clipping.section)
    wishes = select(Subscription.digest, func.count()).where(Subscription.state == "active")
    editions = select(Edition.digest, func.count()).where(Edition.state.in_(_LIVE))
    there = {section.slug for section in config.sections}
    digests = set(config.digest_slugs)
    uses = (
        ("sections", "clippings stand in it", there, sections),
        ("digests", "people get it", digests, wishes.group_by(Subscription.digest)),
        ("digests", "unfinished editions", digests, editions.group_by(Edition.digest)),
    )
    return [
        fault for key, use, known, query in uses for fault in _gone(key, use, known, session.execute(query).tuples())
    ]


def _gone(key: str, use: str, there: set[str], used: Iterable[tuple[str, int]]) -> list[Fault]:
    from syndicate.config import Fault

    return [
        Fault(None, key, f"the slug {slug!r} is gone, but in use ({count}: {use}): put it back")
        for slug, count in sorted(used)
        if slug not in there
    ]
