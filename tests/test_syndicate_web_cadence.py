"""When a digest comes, in words for readers."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from public_site import TOML

from syndicate.config import load
from syndicate.web.public.cadence import Coming, cadence, comings


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/New_York", "every Thursday at 09:00, New York time"),
        ("America/Argentina/Buenos_Aires", "every Thursday at 09:00, Buenos Aires time"),
        ("UTC", "every Thursday at 09:00, UTC"),
        ("Etc/UTC", "every Thursday at 09:00, UTC"),
    ],
)
def test_a_time_of_day_says_whose(tmp_path: Path, zone: str, words: str) -> None:
    (tmp_path / "config.toml").write_text(TOML)
    weekly = load(tmp_path / "config.toml", environ={}).digest("weekly")
    assert cadence(weekly, ZoneInfo(zone)) == words


def test_what_comes_without_a_time_of_day_names_no_zone_and_what_is_gone_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(TOML)
    config = load(tmp_path / "config.toml", environ={})
    assert comings(config, ["each-one", "gone"]) == (
        Coming("Each one", "each clipping as it is published"),
        Coming("gone", ""),
    )
