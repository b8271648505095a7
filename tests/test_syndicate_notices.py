"""The operator is told what needs a person: once for each occasion, whoever looks and however often."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import newsroom
import people
import pytest
from sqlalchemy import select

from subscribers.tokens import TokenKeys
from syndicate.database import Database
from syndicate.keys import SiteKeys
from syndicate.models import Edition, Letter, Notice
from syndicate.notices import Notices
from syndicate.outbox import guard

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SLOT = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # Thursday 09:00 in New York
HOUR = timedelta(hours=1)
KEYS = SiteKeys(TokenKeys({1: b"0123456789abcdef"}, 1), b"another key for addresses")


def told(database: Database) -> list[str]:
    """What each notice that was filed is about, all of them to the operator."""
    with database.read() as session:
        letters = session.scalars(select(Letter).order_by(Letter.id)).all()
        assert {letter.kind for letter in letters} <= {"notice"}
        assert {letter.address for letter in letters} <= {"review@valley.test"}
        return [" ".join(str(letter.params[name]) for name in ("digest", "edition", "occasion")) for letter in letters]


def look(database: Database, desk: newsroom.Editions, at: datetime) -> int:
    """What a tick does."""
    desk.tick(database, at)
    return Notices(desk.config, KEYS).tell(database, at)


def put(database: Database, edition: int, at: datetime, **values: object) -> None:
    with database.write() as session:
        row = session.get_one(Edition, edition)
        for name, value in values.items():
            setattr(row, name, value)
        row.started_at = at


def test_a_draft_that_waits_for_approval_is_told_once(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path, approval=True)
    newsroom.seen(database, desk, FRIDAY)
    newsroom.file(database, FRIDAY)
    assert look(database, desk, SLOT) == 1
    assert told(database) == ["Weekly 1 waits"]
    for minute in range(1, 4):
        assert look(database, desk, SLOT + timedelta(minutes=minute)) == 0
    assert len(told(database)) == 1


def test_a_draft_that_a_person_made_is_no_news_to_anybody(database: Database, tmp_path: Path) -> None:
    for approval in (True, False):
        desk = newsroom.editions(tmp_path, approval=approval)
        newsroom.seen(database, desk, FRIDAY)
        newsroom.file(database, FRIDAY, headline=f"One {approval}")
        desk.draft_now(database, "weekly", f"key {approval}", FRIDAY)
        assert look(database, desk, FRIDAY) == 0


def test_a_slot_with_nothing_new_is_told_with_its_reason(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    assert look(database, desk, SLOT) == 1
    assert told(database) == ["Weekly 1 skipped"]
    with database.read() as session:
        (letter,) = session.scalars(select(Letter))
        assert letter.params["slot"] == "2026-11-26T09:00"
        assert letter.params["reason"]
        assert letter.params["commands"] == ["syndicate edition show 1"]


@pytest.mark.parametrize(
    ("state", "reason", "occasion"),
    [
        ("draft", "approval void: a clipping in it was retracted", "waits"),
        ("draft", "withdrawn: approve it again, or cancel it", None),
        ("paused", "refused by a rule five times", "paused"),
        ("paused", None, None),
        ("incomplete", None, "incomplete"),
        ("held", "too late", "held"),
        ("sending", None, None),
        ("sent", None, None),
        ("cancelled", None, None),
    ],
)
def test_an_edition_is_told_when_it_needs_a_person(
    database: Database, tmp_path: Path, state: str, reason: str | None, occasion: str | None
) -> None:
    desk = newsroom.editions(tmp_path)
    people.subscribe(database, 2, FRIDAY)
    edition = people.edition(database, FRIDAY)
    withdrawn = bool(reason and reason.startswith("withdrawn"))
    put(database, edition, FRIDAY, state=state, reason=reason, withdrawn=withdrawn)
    notices = Notices(desk.config, KEYS)
    assert notices.tell(database, FRIDAY + HOUR) == (occasion is not None)
    assert told(database) == ([f"Weekly 1 {occasion}"] if occasion else [])
    assert notices.tell(database, FRIDAY + 2 * HOUR) == 0


def test_a_second_trouble_of_the_same_edition_is_told_too(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    edition = people.edition(database, FRIDAY)
    notices = Notices(desk.config, KEYS)
    for reason in ("a clipping in it was retracted", "refused by a rule"):
        put(database, edition, FRIDAY, state="paused", reason=reason)
        assert notices.tell(database, FRIDAY + HOUR) == 1


def test_a_held_outbox_is_told_once_and_its_editions_with_it(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    people.subscribe(database, 2, FRIDAY)
    people.edition(database, FRIDAY)
    with database.write() as session:
        guard.hold(session, "an older copy", FRIDAY)
    notices = Notices(desk.config, KEYS)
    assert notices.tell(database, FRIDAY + HOUR) == 1
    assert notices.tell(database, FRIDAY + HOUR) == 0
    assert told(database) == [" 0 outbox"]
    with database.write() as session:
        guard.release(session, FRIDAY + 2 * HOUR)
    with database.write() as session:
        guard.hold(session, "an older copy", FRIDAY + 3 * HOUR)
    assert notices.tell(database, FRIDAY + 3 * HOUR) == 1


def test_what_is_older_than_two_days_is_not_told(database: Database, tmp_path: Path) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    desk.tick(database, SLOT)
    notices = Notices(desk.config, KEYS)
    assert notices.tell(database, SLOT + 49 * HOUR) == 0
    assert notices.tell(database, SLOT + 47 * HOUR) == 1


def test_a_failure_leaves_neither_key_nor_letter(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(database, desk, FRIDAY)
    desk.tick(database, SLOT)
    notices = Notices(desk.config, KEYS)
    with monkeypatch.context() as broken:
        broken.setattr("syndicate.notices.letters.ask", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            notices.tell(database, SLOT)
    with database.read() as session:
        assert session.scalars(select(Notice)).all() == []
    assert notices.tell(database, SLOT) == 1
