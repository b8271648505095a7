"""Plays a newsroom (`weeks`) by its rules (`weeks_rules`) from its start to the settled end; as a program, thousands of
weeks of it: `make weeks`."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import weeks_hands
import weeks_rules
from conftest import MEMORY
from weeks import Weeks

from syndicate.database import Database
from syndicate.migrations import upgrade

STEPS = 60
_HOLD_EVERY = 4
_WEEK = 7 * 86400


def play(template: Path, folder: Path, seed: int, *, ask_the_plan: bool = True, hold_every: int = 1) -> Weeks:
    """One newsroom from its start to the settled end, on a copy of the SQLite file `template`; an AssertionError tells
    its story. The rules are asked after each `hold_every` steps, and at the end."""
    folder.mkdir()
    shutil.copy(template, folder / "syndicate.db")
    database = Database(f"sqlite:///{folder / 'syndicate.db'}")
    weeks = Weeks(database, folder, seed)
    try:
        for number in range(1, STEPS + 1):
            _step(weeks)
            if number % hold_every == 0:
                weeks_rules.hold(weeks, ask_the_plan=ask_the_plan)
        weeks.settle()
        now = weeks_rules.hold(weeks, ask_the_plan=ask_the_plan)
        weeks.ended = (len(now.clips), len(now.editions))
        assert not weeks_rules.eligible(weeks, now, weeks.now), "some are in no edition at the end"
    except Exception as error:
        raise AssertionError(f"seed {seed}: {error!r}\n" + "\n".join(weeks.story[-60:])) from error
    finally:
        database.close()
    return weeks


def _step(weeks: Weeks) -> None:
    roll = weeks.rng.random()
    if roll < 0.35:
        weeks.wait()
        if weeks.rng.random() < 0.7:
            for _ in range(weeks.rng.choice((1, 1, 2))):
                weeks_rules.watch_tick(weeks, weeks.tick, alone=True)
        return
    if roll < 0.38:
        weeks_rules.watch_tick(weeks, weeks.rush, alone=False)
        return
    actions: list[tuple[Callable[[], None], int]] = [
        (weeks.file, 12),
        (weeks.retract, 2),
        (weeks.publish, 3),
        (weeks.redate, 2),
        (weeks.bring_in_the_archive, 1),
        (weeks.send, 2),
        (weeks.draft, 1),
        (weeks.decide, 7),
        (lambda: weeks_hands.edit(weeks), 4),
        (lambda: weeks_hands.never_mail(weeks), 2),
        (lambda: weeks_hands.correct(weeks), 2),
        (lambda: weeks_rules.watch_draft(weeks, weeks_hands.draft_next), 3),
        (lambda: weeks_rules.watch_death(weeks, weeks_hands.dying_tick), 2),
        (weeks.carry, 7),
        (weeks.change, 3),
    ]
    [act] = weeks.rng.choices([action for action, _ in actions], [weight for _, weight in actions])
    act()


def main() -> None:
    """Play at least as many weeks as are asked for; the first that breaks a rule is told with its seed, exit 1."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--weeks", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1_000)
    wanted = options.parse_args()
    started, played, clippings, editions, seed = time.monotonic(), 0.0, 0, 0, wanted.seed
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        template = Path(made) / "template.db"
        database = Database(f"sqlite:///{template}")
        upgrade(database)
        database.close()
        while played < wanted.weeks:
            folder = Path(made) / str(seed)
            try:
                weeks = play(template, folder, seed, hold_every=_HOLD_EVERY)
            except AssertionError as failure:
                sys.exit(f"{failure}\nagain: .venv/bin/python tests/weeks_play.py --weeks 1 --seed {seed}")
            played += (weeks.now - weeks.first_seen).total_seconds() / _WEEK
            clippings, editions = clippings + weeks.ended[0], editions + weeks.ended[1]
            shutil.rmtree(folder)
            seed += 1
    took = time.monotonic() - started
    print(f"{played:.0f} weeks in {seed - wanted.seed} newsrooms: {clippings} clippings, {editions} editions")
    print(f"each clipping in one edition or none with a reason; {took:.0f} s, {played / took:.1f} weeks a second")


if __name__ == "__main__":
    main()
