"""Files that are there whole or not at all."""

import os
import stat
import time
from pathlib import Path

import pytest

from syndicate.durable import clear_leftovers, created, replaced


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    place = tmp_path / "count"
    place.write_bytes(b"old")
    with replaced(place) as file:
        file.write(b"new")
        file.flush()
        assert place.read_bytes() == b"old"
    assert place.read_bytes() == b"new"
    assert _mode(place) == 0o600
    assert os.listdir(tmp_path) == ["count"]


def test_after_an_error_the_old_file_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "count"
    place.write_bytes(b"old")
    with pytest.raises(RuntimeError), replaced(place) as file:
        file.write(b"half")
        raise RuntimeError
    assert place.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["count"]


def test_the_mode_is_the_callers(tmp_path: Path) -> None:
    os.umask(umask := os.umask(0o022))
    with replaced(tmp_path / "feed", mode=0o644) as file:
        file.write(b"public")
    assert _mode(tmp_path / "feed") == 0o644 & ~umask


def test_a_new_file_is_its_owners_and_no_other_is_overwritten(tmp_path: Path) -> None:
    with created(tmp_path / "key") as file:
        file.write(b"secret")
    assert _mode(tmp_path / "key") == 0o600
    with pytest.raises(FileExistsError), created(tmp_path / "key"):
        pass
    assert (tmp_path / "key").read_bytes() == b"secret"


def test_what_the_killed_left_is_removed_once_it_is_old_and_nothing_else_is(tmp_path: Path) -> None:
    place, long_ago = tmp_path / "outbox.count", time.time() - 4000
    old = [".outbox.count.7", ".outbox.count.123456"]
    others = [
        "outbox.count",
        ".outbox.count.",
        ".outbox.count.7.bak",
        ".outbox_count.7",
        ".secret.key.7",
        "outbox.count.7",
    ]
    for name in [*old, *others]:
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / ".outbox.count.8").write_bytes(b"being written just now")
    (tmp_path / ".outbox.count.9").mkdir()
    (tmp_path / ".outbox.count.10").symlink_to(place)
    assert clear_leftovers(place) == len(old)
    assert set(os.listdir(tmp_path)) == {*others, ".outbox.count.8", ".outbox.count.9", ".outbox.count.10"}


def test_leftovers_are_removed_by_the_hundred_and_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f".count.{number}").write_bytes(b"1")
    assert clear_leftovers(tmp_path / "count", older=-1.0, most=5) == 5
    assert len(os.listdir(tmp_path)) == 2
    assert clear_leftovers(tmp_path / "nowhere" / "count") == 0
