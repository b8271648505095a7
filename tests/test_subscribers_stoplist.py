"""The stop list: each line is on the disk before anybody is answered, and a crash costs nobody else's line."""

import multiprocessing
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from subscribers.stoplist import EVERYTHING, Lines, Stop, StopList, StopListFault

AT = datetime(2026, 11, 25, 10, 0, 0, 1, tzinfo=UTC)
ALICE, BOB = "a" * 32, "b" * 32


def stop(who: str = ALICE, about: str = "weekly", *, minutes: int = 0) -> Stop:
    return Stop(AT + timedelta(minutes=minutes), "left", who, about)


def read(list_: StopList, **how: int) -> Lines:
    found = list_.read(**how)
    assert found is not None
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stop.list"


def test_what_was_added_is_read_back_and_only_the_owner_may_look(path: Path) -> None:
    list_ = StopList(path, mark="k1")
    assert (list_.uid(), list_.read()) == (None, None)
    list_.add()
    assert not path.exists()
    said = [
        stop(),
        Stop(AT, "left", BOB, EVERYTHING),
        Stop(AT, "back", BOB, "dont-miss"),
        Stop(AT, "suppressed", ALICE, "erased"),
        Stop(AT, "lifted", ALICE, ""),
    ]
    list_.add(*said[:2])
    list_.add(*said[2:])
    found = read(StopList(path, mark="k1"))
    assert (found.uid, list(found.stops), found.broken) == (list_.uid(), said, 0)
    assert found.end == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"@" not in path.read_bytes()


def test_from_where_it_was_read_last_only_the_news_comes(path: Path) -> None:
    list_ = StopList(path, mark="k1")
    list_.add(stop(ALICE))
    first = read(list_)
    assert read(list_, after=first.end).stops == ()
    list_.add(stop(BOB))
    assert read(list_, after=first.end).stops == (stop(BOB),)


def test_a_list_that_is_shorter_than_it_was_is_read_whole(path: Path) -> None:
    list_ = StopList(path, mark="k1")
    list_.add(stop(ALICE), stop(BOB))
    end = read(list_).end
    path.write_bytes(path.read_bytes()[: -len("x")].rpartition(b"\n")[0] + b"\n")
    assert read(list_, after=end).stops == (stop(ALICE),)


@pytest.mark.parametrize("cut", range(1, 80))
def test_a_line_cut_by_a_crash_is_passed_over_and_costs_no_other(path: Path, cut: int) -> None:
    list_ = StopList(path, mark="k1")
    list_.add(stop(ALICE))
    whole = path.stat().st_size
    list_.add(stop(BOB))
    assert path.stat().st_size > whole + cut
    path.write_bytes(path.read_bytes()[: whole + cut])
    cleo = stop("c" * 32)
    list_.add(cleo)
    found = read(list_)
    assert found.stops[0] == stop(ALICE)
    assert found.stops[-1] == cleo
    assert found.stops[1:-1] in {(), (stop(BOB),)}
    assert len(found.stops) + found.broken == 3


@pytest.mark.parametrize("cut", [0, 1, 12, 20])
def test_a_list_whose_first_moment_was_cut_by_a_crash_begins_anew(path: Path, cut: int) -> None:
    list_ = StopList(path, mark="k1")
    list_.add(stop(ALICE))
    path.write_bytes(path.read_bytes()[:cut])
    assert list_.read() is None
    list_.add(stop(BOB))
    assert read(list_).stops == (stop(BOB),)


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 60,
        b"2026-11-25T10:00:00+00:00 left",
        b"2026-11-25T10:00:00+00:00 left " + b"a" * 32 + b" weekly",
        b"2026-11-25T10:00:00 left " + b"a" * 32 + b" weekly .",
        b"yesterday left " + b"a" * 32 + b" weekly .",
        b"2026-11-25T10:00:00+00:00 went " + b"a" * 32 + b" weekly .",
        b"2026-11-25T10:00:00+00:00 left  weekly .",
        b"\xff\xfe",
    ],
)
def test_lines_that_say_nothing_are_counted(path: Path, line: bytes) -> None:
    list_ = StopList(path, mark="k1")
    list_.add(stop(ALICE))
    with path.open("ab") as file:
        file.write(line + b"\n")
    list_.add(stop(BOB))
    found = read(list_)
    assert (found.stops, found.broken) == ((stop(ALICE), stop(BOB)), 1)


def test_a_list_of_another_secret_and_what_is_no_list_are_told(path: Path) -> None:
    StopList(path, mark="k1").add(stop())
    other = StopList(path, mark="k2")
    with pytest.raises(StopListFault, match="of another secret"):
        other.read()
    path.write_text("something else\n")
    with pytest.raises(StopListFault, match="no stop list"):
        other.uid()


def test_a_place_that_cannot_be_written_is_told_before_and_when(tmp_path: Path) -> None:
    folder = tmp_path / "stop.list"
    assert StopList(folder, mark="k1").blind() is None
    folder.mkdir()
    list_ = StopList(folder, mark="k1")
    assert "cannot write" in (list_.blind() or "")
    with pytest.raises(StopListFault, match="the stop list"):
        list_.add(stop())
    missing = StopList(tmp_path / "nowhere" / "stop.list", mark="k1")
    assert "cannot write" in (missing.blind() or "")


def _many(path: Path, who: str) -> None:
    list_ = StopList(path, mark="k1")
    for minute in range(40):
        list_.add(stop(who * 32, minutes=minute))


def test_processes_that_add_at_once_lose_no_line(path: Path) -> None:
    spawned = multiprocessing.get_context("fork")
    workers = [spawned.Process(target=_many, args=(path, who)) for who in "abcd"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    found = read(StopList(path, mark="k1"))
    assert found.broken == 0
    assert sorted(one.address_hash[0] for one in found.stops) == sorted("abcd" * 40)
