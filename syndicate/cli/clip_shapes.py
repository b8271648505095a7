"""Clippings as `--json` shows them, with their public addresses and feed ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from syndicate.cli import json_shapes
from syndicate.cli.json_shapes import Shape

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from syndicate.app.parts import App
    from syndicate.models import Clipping


def clip_shapes(session: Session, site: App, clippings: Iterable[Clipping]) -> list[Shape]:
    """The shape of each of these clippings, in their order."""
    from syndicate.clippings.store import path
    from syndicate.publishing.entries import feed_id, site_facts

    facts = site_facts(session)
    return [
        json_shapes.clipping(one, url=site.config.site.url + path(one), feed_id=feed_id(one.id, facts))
        for one in clippings
    ]
