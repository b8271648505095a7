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
    from collections.abc import Sequence
    from pathlib import Path

    from syndicate.config import Config, Fault


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
        shape = {name: [json_shapes.fault(one) for one in some] for name, some in _named(faults, warnings)}
        output.one(shape, as_json=True)
    for fault in faults:
        print(_line(path, fault), file=sys.stderr)
    if faults:
        raise Faulty
    if not as_json:
        for warning in warnings:
            print(f"{_line(path, warning)} (warning)")
        print(f"{path.name} is right")


def _named(faults: Sequence[Fault], warnings: Sequence[Fault]) -> tuple[tuple[str, Sequence[Fault]], ...]:
    return (("faults", faults), ("warnings", warnings))


def _line(path: Path, fault: Fault) -> str:
    place = str(path) if fault.line is None else f"{path}:{fault.line}"
    return ": ".join((place, *((fault.key,) if fault.key else ()), output.plain(fault.text)))


def _vanished(config: Config) -> list[Fault]:
    """Slugs that are gone from the file while the database still uses them. A database that is not there, or not of
    this program's shape, is the business of other commands."""
    from sqlalchemy.exc import SQLAlchemyError

    from syndicate.cli.slugs_in_use import vanished
    from syndicate.database import Database
    from syndicate.migrations import shape

    database = Database(config.database.url)
    try:
        if database.sqlite and not database.file.exists():
            return []
        if shape(database) != "current":
            return []
        with database.read() as session:
            return vanished(session, config)
    except SQLAlchemyError:
        return []
    finally:
        database.close()
