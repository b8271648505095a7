"""What an edition costs, from nothing but the clippings to its frozen mail."""

import random
import shutil
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from path_site import lay
from servers import drop_database, new_database
from sqlalchemy import Insert, func, insert, select
from sqlalchemy.orm import Session

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions.lifecycle import Editions
from syndicate.mail.render import Renderer
from syndicate.migrations import upgrade
from syndicate.models import Clipping, Edition, EditionItem, LeftOut

_WEEK = timedelta(days=7)
_ROWS_AT_ONCE = 5_000

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Shape:
    """Published clippings, evenly over so many days up to now; each whole week before the last had its edition."""

    title: str
    days: int
    had_editions: bool


TEN_YEARS = Shape("of ten years with an edition each week", 3650, had_editions=True)
ALL_NEW = Shape("of one week, all of them eligible", 7, had_editions=False)


def editions(folder: Path, shape: Shape, *, clippings: int, rounds: int, server: str | None) -> list[Row]:
    """The rows of the table: seconds from nothing to a frozen edition, and the part of it up to the stored draft. On
    the PostgreSQL server of that address, or on SQLite in `folder`.

    Each round has a fresh copy of the database, and parts that have not compiled a template yet."""
    folder.mkdir()
    config = lay(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    model = new_database(server) if server else f"sqlite:///{folder}/model.db"
    _fill(model, config, shape, clippings, now)
    planned, whole, used, counts = [], [], [], (0, 0)
    for number in range(rounds):
        copy = new_database(server, model) if server else _copied(folder, number)
        database = Database(copy)
        with database.read() as session:
            session.connection()
        began, busy = time.perf_counter(), time.process_time()
        desk = Editions(config, Renderer(None))
        edition = desk.draft_now(database, config.digests[0].slug, "bench", now)
        planned.append(time.perf_counter() - began)
        desk.approve(database, edition, now)
        whole.append(time.perf_counter() - began)
        used.append(time.process_time() - busy)
        with database.read() as session:
            counts = _count(session, edition)
        database.close()
        if server:
            drop_database(server, copy)
    if server:
        drop_database(server, model)
    on = "PostgreSQL" if server else "SQLite"
    title = f"an edition out of {clippings:,} clippings {shape.title}, {on}"
    took = f"{statistics.median(whole):.2f} s (CPU {statistics.median(used):.2f} s)"
    return [
        (f"{title}: {counts[0]} items, {counts[1]:,} left out with a reason", took, "< 1 s"),
        ("of this, planned and stored", f"{statistics.median(planned):.2f} s", ""),
    ]


def _copied(folder: Path, number: int) -> str:
    copy = folder / f"run{number}.db"
    shutil.copy(folder / "model.db", copy)
    return f"sqlite:///{copy}"


def _count(session: Session, edition: int) -> tuple[int, int]:
    items, out = (
        session.scalar(select(func.count()).select_from(table).where(table.edition_id == edition))
        for table in (EditionItem, LeftOut)
    )
    return items or 0, out or 0


def _fill(url: str, config: Config, shape: Shape, clippings: int, now: datetime) -> None:
    database = Database(url)
    upgrade(database)
    moments = [now - timedelta(days=shape.days) / clippings * (number + 1) for number in range(clippings)]
    with database.write() as session:
        _insert(session, insert(Clipping), _clippings(moments, config.sections[0].slug))
        Editions(config, Renderer(None)).first_seen(session, now - timedelta(days=365))
        if shape.had_editions:
            weeks = _weeks(moments, now, config.digests[0].max_items)
            _insert(session, insert(Edition), (_edition(number, at) for number, (at, _) in enumerate(weeks, 1)))
            _insert(session, insert(EditionItem), _items([numbers for _, numbers in weeks], config.sections[0].slug))
    database.settle()
    database.close()


def _insert(session: Session, statement: Insert, rows: Iterable[Mapping[str, Any]]) -> None:
    left = iter(rows)
    while some := list(islice(left, _ROWS_AT_ONCE)):
        session.execute(statement, some)


def _clippings(moments: list[datetime], section: str) -> Iterable[Mapping[str, Any]]:
    chance = random.Random(7)
    for number, at in enumerate(moments):
        yield {
            "id": _id(number),
            "state": "published",
            "archival": False,
            "never_mail": False,
            "section": section,
            "headline": f"Headline number {number} of the week, as long as headlines are",
            "link": f"https://paper{number % 97}.test/{number}",
            "summary": "What it says, in a sentence or two. " * chance.randint(2, 8),
            "publication": "The Valley Paper",
            "rights": "summary",
            "created_at": at,
            "published_at": at,
            "updated_at": at,
        }


def _weeks(moments: list[datetime], now: datetime, most: int) -> list[tuple[datetime, list[int]]]:
    """The moment of each edition, the oldest first, and the numbers of its clippings: the newest of the week before."""
    weeks: dict[int, list[int]] = {}
    for number, at in enumerate(moments):
        weeks.setdefault((now - at) // _WEEK, []).append(number)
    return [(now - week * _WEEK, numbers[:most]) for week, numbers in sorted(weeks.items(), reverse=True) if week]


def _edition(number: int, at: datetime) -> Mapping[str, Any]:
    slot = f"{at:%Y-%m-%dT%H:%M}"
    named = {"uid": f"e{number:015}", "digest": "weekly", "kind": "scheduled", "key": slot, "slot": slot}
    return {**named, "slot_at": at, "number": number, "state": "sent", "created_at": at, "finished_at": at}


def _items(editions: list[list[int]], section: str) -> Iterable[Mapping[str, Any]]:
    for edition_id, numbers in enumerate(editions, 1):
        for position, number in enumerate(numbers, 1):
            named = {"edition_id": edition_id, "position": position, "clipping_id": _id(number)}
            yield {**named, "digest": "weekly", "section": section, "claims": True}


def _id(number: int) -> str:
    return f"c{number:015}"
