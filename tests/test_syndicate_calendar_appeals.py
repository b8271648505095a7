"""Appeals run for a while; one is shown at a time, in digests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from console import Console, new_site

from syndicate.calendar import appeals
from syndicate.calendar.appeals import BadAppeal
from syndicate.database import Database
from syndicate.errors import NotFound, Refused

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def _add(database: Database, text: str = "Give", *, start: datetime = NOON, end: datetime | None = None) -> int:
    with database.write() as session:
        return appeals.add(session, text=text, link="https://x.test/give", starts_at=start, ends_at=end).id


def _shown(database: Database, at: datetime) -> str | None:
    with database.read() as session:
        found = appeals.current(session, at)
        return found.text if found else None


def test_the_newest_that_runs_is_shown_and_none_before_or_after(database: Database) -> None:
    _add(database, "first", end=NOON + 10 * DAY)
    _add(database, "second", start=NOON + 2 * DAY, end=NOON + 4 * DAY)
    shown = [_shown(database, NOON + days * DAY) for days in (-1, 0, 1, 2, 3, 4, 9, 10)]
    assert shown == [None, "first", "first", "second", "second", "first", "first", None]


def test_one_that_is_ended_is_shown_no_more(database: Database) -> None:
    one = _add(database)
    with database.write() as session:
        appeals.end(session, one, now=NOON + DAY)
    assert (_shown(database, NOON), _shown(database, NOON + DAY)) == ("Give", None)
    with pytest.raises(Refused, match="has ended"), database.write() as session:
        appeals.end(session, one, now=NOON + 2 * DAY)
    with pytest.raises(NotFound), database.write() as session:
        appeals.end(session, 99, now=NOON)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": " \n"}, "is empty"),
        ({"text": "x" * 301}, "301 characters"),
        ({"link": "javascript:alert(1)"}, "no web address"),
        ({"ends_at": NOON}, "end before"),
    ],
)
def test_what_cannot_be_an_appeal_is_refused(database: Database, changes: dict[str, object], words: str) -> None:
    given = {"text": "Give", "link": "https://x.test", "starts_at": NOON, "ends_at": None} | changes
    with pytest.raises(BadAppeal, match=words), database.write() as session:
        appeals.add(session, **given)  # type: ignore[arg-type]
    assert _shown(database, NOON) is None


def test_the_command_line_adds_lists_and_ends_and_the_digest_carries_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site: Console = new_site(tmp_path_factory, tmp_path / "site")
    assert site("appeal", "add", "Keep us going", "--link", "https://x.test/give").done().lines == ["1"]
    waits = ("appeal", "add", "Later", "--link", "https://x.test", "--start", "2199-01-01", "--end", "2199-02-01")
    assert site(*waits, "--json").done().json["state"] == "waiting"
    listed = site("appeal", "list", "--json").done().json
    assert [(one["id"], one["state"], one["ends_at"]) for one in listed] == [
        (2, "waiting", "2199-02-01T05:00:00Z"),
        (1, "running", None),
    ]
    site("clip", "add", "--headline", "One", "--publish").done()
    site("edition", "draft", "weekly").done()
    for part in ("--html", "--text"):
        shown = site("edition", "preview", "1", part).done().out
        assert "Keep us going" in shown
        assert "https://x.test/give" in shown
    assert site("appeal", "end", "1", "--json").done().json["state"] == "ended"
    assert "no day" in site("appeal", "add", "x", "--link", "https://x.test", "--start", "soon").refused(2)
    assert "there is no appeal 9" in site("appeal", "end", "9").refused(1)
