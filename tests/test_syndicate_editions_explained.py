"""The rules of a digest in sentences, and its next times, in every zone of the world."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from console import Console, new_site
from small_config import SMALL, ConfigFolder, put

from syndicate.editions.explained import explain, lasting
from syndicate.timetable import parse

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=30), "30 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=6), "6 hours"),
        (timedelta(days=1, hours=12), "1 day and 12 hours"),
        (timedelta(days=45), "45 days"),
        (timedelta(days=2, hours=1, minutes=5), "2 days, 1 hour and 5 minutes"),
    ],
)
def test_a_stretch_of_time_in_words(span: timedelta, words: str) -> None:
    assert lasting(span) == words


def _rules(folder: ConfigFolder, *settings: tuple[str, str]) -> str:
    text = SMALL
    for table, setting in settings:
        text, _ = put(text, table, setting)
    config = folder.load(text)
    return "\n".join(explain(config, config.digest("weekly"), MONDAY).rules)


def test_each_rule_follows_its_setting(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path)
    usual = _rules(folder)
    assert "It goes every Thursday at 09:00, by the clocks of America/New_York" in usual
    assert "published until that minute, at most 45 days old" in usual
    assert "With nothing new it is skipped." in usual
    assert "More than 6 hours late, because the machine was off, it is held, and you are asked." in usual
    assert "Nobody is asked" in usual
    assert "From that minute of the day before on, `syndicate edition draft weekly --next` makes its draft" in usual
    for table, setting, words in (
        ("[[digests]]", 'cutoff = "12h"', "published until 12 hours before that minute"),
        ("[[digests]]", "min_items = 3", "With fewer than 3 new clippings it is skipped, and they wait."),
        ("[[digests]]", "max_items = 7", "More than 7 are too many"),
        ("[sending]", 'late = "send"', "it goes all the same"),
        ("[sending]", 'late = "skip"', "was off, it is skipped"),
        ("[sending]", 'late_after = "1h"', "More than 1 hour late"),
        ("[sending]", 'hold_period = "10m"', "its first mail goes 10 minutes after that"),
        ("[desk]", "approval = true", "Nothing goes before somebody approves it"),
    ):
        text = SMALL if table in SMALL else f"{SMALL}\n{table}\n"
        text, _ = put(text, table, setting)
        config = folder.load(text)
        assert words in "\n".join(explain(config, config.digest("weekly"), MONDAY).rules), setting


def test_the_next_times_say_zone_and_utc_on_both_sides_of_a_change_of_clocks(tmp_path: Path) -> None:
    text, _ = put(SMALL, "[[digests]]", 'cutoff = "12h"')
    config = ConfigFolder(tmp_path).load(text)
    before = datetime(2026, 10, 27, 12, tzinfo=UTC)
    coming = explain(config, config.digest("weekly"), before).coming
    assert [(one.local, f"{one.at:%d %H:%M}") for one in coming] == [
        ("2026-10-29T09:00", "29 13:00"),
        ("2026-11-05T09:00", "05 14:00"),
        ("2026-11-12T09:00", "12 14:00"),
    ]
    assert coming[0].words == (
        "Thursday 29 October 2026, 09:00 America/New_York (13:00 UTC); closes Wednesday 28 October 2026, 21:00"
    )
    assert coming[0].at - coming[0].cutoff_at == timedelta(hours=12)


@cache
def _changes(zone: ZoneInfo) -> tuple[datetime, ...]:
    """From 2020 to 2040, the instants (to the second) at which the offset changes, found by stepping and halving."""
    found, at = [], datetime(2020, 1, 1, tzinfo=UTC)
    while at.year <= 2040:
        then = at + WEEK
        if at.astimezone(zone).utcoffset() != then.astimezone(zone).utcoffset():
            low, high = at, then
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == at.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(microsecond=0))
        at = then
    return tuple(found)


def _naive(zone: ZoneInfo, wall: datetime, change: datetime) -> datetime:
    """An oracle of its own: every instant that shows this wall time under the offsets on both sides of the change; the
    first of them; where there is none, the first minute after the change."""
    offsets = [(change + step).astimezone(zone).utcoffset() for step in (-timedelta(hours=1), timedelta(hours=1))]
    instants = [(wall - offset).replace(tzinfo=UTC) for offset in offsets if offset is not None]
    shown = [at for at in sorted(instants) if at.astimezone(zone).replace(tzinfo=None) == wall]
    return shown[0] if shown else change


@pytest.mark.parametrize("clock", ["00:00", "01:30", "02:30", "09:00", "23:59"])
def test_in_every_zone_and_year_the_day_is_right_and_the_minute_too(clock: str) -> None:
    daily = parse(f"daily {clock}")
    hour, minute = map(int, clock.split(":"))
    met = 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for change in _changes(zone):
            day = change.astimezone(zone).replace(tzinfo=None, hour=hour, minute=minute, second=0)
            for wall in (day - timedelta(days=1), day, day + timedelta(days=1)):
                expected = _naive(zone, wall, change)
                (slot,) = daily.coming(zone, expected - timedelta(minutes=1), 1)
                assert slot.at == expected, (name, wall, change)
                if expected != change:
                    assert slot.local == f"{wall:%Y-%m-%dT%H:%M}", (name, wall, change)
                met += 1
    assert met > 10_000


def test_the_command_line_lists_and_explains(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    site: Console = new_site(tmp_path_factory, tmp_path / "site")
    (weekly,) = site("digest", "list", "--json").done().json
    assert (weekly["slug"], weekly["subscribers"], len(weekly["next"])) == ("weekly", 0, 3)
    assert site("digest", "list").done().lines[0].startswith("weekly\tWeekly digest\tevery Thursday at 09:00\t")
    lines = site("digest", "show", "weekly").done().lines
    assert sum(line.startswith("next:") for line in lines) == 3
    assert "With nothing new it is skipped." in lines
    assert site("digest", "show", "weekly", "--json").done().json["rules"] == weekly["rules"]
    assert "no digest 'gone'" in site("digest", "show", "gone").refused(1)
