"""Whatever editors, clocks and operators do: each clipping is mailed once, or there is a reason; no slot is lost."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import weeks_rules
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from weeks import Weeks

from syndicate.database import Database
from syndicate.editions import choosing
from syndicate.editions.plan import Candidate, Rules
from syndicate.models import Clipping, Edition, EditionItem

STEPS = 60
PLAYED = 9


def _play(template: Path, folder: Path, seed: int, *, ask_the_plan: bool = True) -> Weeks:
    """One newsroom from its start to the settled end; an AssertionError tells its story."""
    folder.mkdir()
    shutil.copy(template, folder / "syndicate.db")
    database = Database(f"sqlite:///{folder / 'syndicate.db'}")
    weeks = Weeks(database, folder, seed)
    try:
        for _ in range(STEPS):
            _step(weeks)
            weeks_rules.hold(weeks, ask_the_plan=ask_the_plan)
        weeks.settle()
        now = weeks_rules.hold(weeks, ask_the_plan=ask_the_plan)
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
        (weeks.bring_in_the_archive, 1),
        (weeks.send, 2),
        (weeks.draft, 1),
        (weeks.decide, 7),
        (weeks.carry, 7),
        (weeks.change, 3),
    ]
    [act] = weeks.rng.choices([action for action, _ in actions], [weight for _, weight in actions])
    act()


@pytest.mark.parametrize("seed", range(PLAYED))
def test_in_months_of_any_life_each_clipping_is_mailed_once_or_has_a_reason(
    sqlite_template: Path, tmp_path: Path, seed: int
) -> None:
    _play(sqlite_template, tmp_path / "site", seed)


def test_the_rule_of_dates_alone_is_caught_by_the_same_weeks(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Published after the newest item of the last edition": the rule that others go by, and that loses clippings."""
    monkeypatch.setattr(choosing, "_candidates", _after_the_newest_item)
    caught: list[str] = []
    for seed in range(12):
        try:
            _play(sqlite_template, tmp_path / str(seed), seed, ask_the_plan=False)
        except AssertionError as failure:
            caught.append(str(failure).splitlines()[0])
        if any("left some behind" in words or "in no edition at the end" in words for words in caught):
            return  # it was seen to lose one; before that it mostly takes one twice, which the database refuses
    pytest.fail(f"the wrong rule lost nothing: {caught}")


def _after_the_newest_item(session: Session, digest: str, wanted: Rules, *, own: bool) -> list[Candidate]:
    last = select(func.max(Edition.id)).where(Edition.digest == digest, Edition.state.not_in(("skipped", "cancelled")))
    newest: datetime | None = session.scalar(
        select(func.max(Clipping.published_at))
        .join(EditionItem, EditionItem.clipping_id == Clipping.id)
        .where(EditionItem.edition_id == last.scalar_subquery())
    )
    rows = select(Clipping).where(Clipping.state == "published", Clipping.archival.is_(False))
    return [
        Candidate(one.id, one.section, one.headline, one.state, one.archival, one.never_mail, one.published_at)
        for one in session.scalars(rows)
        if one.published_at and (newest is None or one.published_at > newest)
    ]
