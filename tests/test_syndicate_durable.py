"""Files that are there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from syndicate.durable import created, replaced


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
