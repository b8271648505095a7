"""The site that a command works on: found by `--config`, opened for the time of the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from syndicate.app.parts import App


def config_path(ctx: typer.Context) -> Path:
    """Where config.toml lies, as `--config` says."""
    if not isinstance(ctx.obj, Path):
        raise TypeError("the command was started without the root of the command line")
    return ctx.obj


@contextmanager
def opened(ctx: typer.Context) -> Iterator[App]:
    """The parts of the site, closed at the end. Raises SyndicateError with the remedy when it cannot be opened."""
    from syndicate.app.parts import open_site

    with open_site(config_path(ctx)) as app:
        yield app
