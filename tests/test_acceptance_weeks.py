"""Whatever editors, clocks and operators do: each clipping is mailed once, or there is a reason; no slot is lost."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from weeks_play import play

from syndicate.editions import choosing
from syndicate.editions.plan import Candidate, Rules
from syndicate.models import Clipping, Edition, EditionItem

PLAYED = 9


@pytest.mark.parametrize("seed", range(PLAYED))
def test_in_months_of_any_life_each_clipping_is_mailed_once_or_has_a_reason(
    sqlite_template: Path, tmp_path: Path, seed: int
) -> None:
    play(sqlite_template, tmp_path / "site", seed)


def test_the_rule_of_dates_alone_is_caught_by_the_same_weeks(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Published after the newest item of the last edition": the rule that others go by, and that loses clippings."""
    monkeypatch.setattr(choosing, "_candidates", _after_the_newest_item)
    caught: list[str] = []
    for seed in range(12):
        try:
            play(sqlite_template, tmp_path / str(seed), seed, ask_the_plan=False)
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
