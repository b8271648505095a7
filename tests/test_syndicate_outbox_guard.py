"""The guard: a held outbox gives no work and grants no mail, and goes on where it was when a person lets it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from newsroom import all_editions, editions, file, row, seen
from people import ask_letter, edition, edition_state, states, subscribe
from sqlalchemy import insert, update

from syndicate.database import Database
from syndicate.editions import sending
from syndicate.errors import Refused
from syndicate.models import Batch, Edition, Letter, Slot
from syndicate.outbox import guard, leases, ledger, letters, slots
from syndicate.outbox.jobs import DeliveryJob, Exchange, Grant, LetterJob

WHY = "the database is older than what was sent"


def _owner(database: Database, name: str = "alpha", *, lease: float = 30.0, connections: int = 4) -> str:
    with database.write() as session:
        leases.register(
            session, database.clock(), name, lease_seconds=lease, host="here", version="1", connections=connections
        )
    return name


def _hold(database: Database, now: datetime, reason: str = WHY) -> None:
    with database.write() as session:
        guard.hold(session, reason, now)


def _release(database: Database, now: datetime) -> list[int]:
    with database.write() as session:
        return guard.release(session, now)


def _letter(database: Database, now: datetime) -> int:
    with database.write() as session:
        return ask_letter(session, "alice@example.net", now).id


def test_a_held_outbox_gives_no_work(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    _letter(database, now)
    owner = _owner(database)
    _hold(database, now)
    with database.write() as session:
        assert guard.held(session) == WHY
        assert not ledger.has_claimable(session, now)
        assert ledger.claim(session, owner, now) is None
        assert not letters.has_due(session, now)
        assert letters.claim(session, owner, 10, now) == []
    assert (row(database, made).state, row(database, made).reason) == ("held", WHY)


def test_an_edition_that_started_while_the_outbox_was_being_held_gives_no_work(
    database: Database, now: datetime
) -> None:
    _hold(database, now)
    subscribe(database, 2, now)
    edition(database, now)
    owner = _owner(database)
    with database.write() as session:
        assert not ledger.has_claimable(session, now)
        assert ledger.claim(session, owner, now) is None


def test_what_was_claimed_before_the_outbox_was_held_is_not_granted(database: Database, now: datetime) -> None:
    subscribe(database, 1, now)
    edition(database, now)
    _letter(database, now)
    owner = _owner(database)
    with database.write() as session:
        claimed = ledger.claim(session, owner, now)
        (letter,) = letters.claim(session, owner, 10, now)
    assert claimed
    _hold(database, now)
    with database.write() as session:
        asked = [Exchange(0, None, claimed.jobs[0]), Exchange(1, None, letter)]
        assert slots.exchange(session, owner, asked, now) == [Grant.NOT_NOW, Grant.NOT_NOW]


def test_release_gives_the_editions_back_with_the_time_they_had_left(database: Database, now: datetime) -> None:
    subscribe(database, 1, now)
    made = edition(database, now)
    left = row(database, made).expires_at
    assert left
    _hold(database, now)
    later = now + timedelta(days=5)
    assert _release(database, later) == [made]
    assert edition_state(database, made) == "sending"
    assert row(database, made).expires_at == left + timedelta(days=5)
    owner = _owner(database)
    with database.write() as session:
        assert guard.held(session) is None
        assert ledger.claim(session, owner, later)


def test_release_leaves_alone_what_is_held_for_another_reason(database: Database, now: datetime) -> None:
    subscribe(database, 1, now)
    late = edition(database, now, key="late", state="held")
    refused = edition(database, now, key="refused", state="held")
    paused = edition(database, now, key="paused", state="paused")
    made = edition(database, now)
    with database.write() as session:
        session.execute(update(Edition).where(Edition.id == late).values(chosen=None, reason=WHY))
        session.execute(update(Edition).where(Edition.id == refused).values(reason="five refusals in a row"))
    _hold(database, now)
    assert _release(database, now) == [made]
    assert [edition_state(database, one) for one in (late, refused, paused)] == ["held", "held", "paused"]


def test_the_first_reason_stays_until_a_release(database: Database, now: datetime) -> None:
    subscribe(database, 1, now)
    made = edition(database, now)
    _hold(database, now)
    with database.write() as session:
        session.execute(update(Edition).where(Edition.id == made).values(state="sending", reason=None))
    _hold(database, now, "another reason")
    with database.read() as session:
        assert guard.held(session) == WHY
    assert row(database, made).reason == WHY
    assert _release(database, now) == [made]


def test_an_outbox_that_is_not_held_cannot_be_released(database: Database, now: datetime) -> None:
    with pytest.raises(Refused, match="not held"):
        _release(database, now)


def test_the_counter_goes_up_in_every_transaction_and_keeps_what_ended_senders_counted(
    database: Database, now: datetime
) -> None:
    def total() -> int:
        with database.read() as session:
            return guard.total(session)

    assert total() == 0
    for name in ("alpha", "beta"):
        _owner(database, name)
        for _ in range(3):
            with database.write() as session:
                assert leases.fence(session, name)
    assert total() == 6
    with database.write() as session:
        leases.retire(session, "alpha", doubt="hold", now=now)
    assert total() == 6
    with database.write() as session:
        leases.renew(session, database.clock(), "beta", 30)
    assert total() == 6
    _hold(database, now)
    _release(database, now)
    assert total() == 6 + guard.RELEASE_STEP


def _on_the_wire(database: Database, owner: str, edition_id: int, count: int, now: datetime) -> None:
    rows = [
        {"owner": owner, "n": n, "edition_id": edition_id, "batch": 0, "seq": n, "attempt": 1, "since": now}
        for n in range(count)
    ]
    with database.write() as session:
        session.execute(update(Batch).where(Batch.edition_id == edition_id).values(owner=owner))
        session.execute(insert(Slot), rows)


def test_more_mails_on_the_wire_than_connections_hold_the_outbox(database: Database, now: datetime) -> None:
    subscribe(database, 5, now)
    made, other = edition(database, now), edition(database, now, key="two")
    _on_the_wire(database, _owner(database, lease=-1, connections=2), made, 3, now)
    with database.write() as session:
        (found,) = leases.recover_dead(session, database.clock(), "me", alone=False, doubt="hold", now=now)
    assert found.held == "a sender that died had 3 mails on the wire and only 2 connections"
    assert (found.uncertain, found.batches) == (3, 1)
    assert [row(database, one).reason for one in (made, other)] == [found.held, found.held]
    with database.read() as session:
        assert guard.held(session) == found.held


def test_doubts_of_several_deaths_do_not_add_up(database: Database, now: datetime) -> None:
    subscribe(database, 6, now)
    for name in ("first", "second", "third"):
        made = edition(database, now, key=name)
        _on_the_wire(database, _owner(database, name, lease=-1, connections=2), made, 2, now)
        with database.write() as session:
            (found,) = leases.recover_dead(session, database.clock(), "me", alone=False, doubt="hold", now=now)
        assert (found.uncertain, found.held) == (2, None)
    with database.read() as session:
        assert guard.held(session) is None


def test_work_of_an_owner_that_is_not_there_is_freed(database: Database, now: datetime) -> None:
    subscribe(database, 2, now)
    made = edition(database, now)
    letter = _letter(database, now)
    owner = _owner(database)
    with database.write() as session:
        assert not leases.any_orphans(session)
        session.execute(update(Batch).values(owner="nobody"))
        session.execute(update(Letter).values(owner="nobody"))
    with database.write() as session:
        assert leases.any_orphans(session)
        assert leases.free_orphans(session, now) == 1
        assert not leases.any_orphans(session)
        claimed = ledger.claim(session, owner, now)
        assert claimed
        assert claimed.edition_id == made
        assert [job.letter_id for job in letters.claim(session, owner, 10, now)] == [letter]
        assert not leases.any_orphans(session)
    kinds: list[DeliveryJob | LetterJob] = list(claimed.jobs)
    assert len(kinds) == 2
    assert set(states(database, made).values()) == {"queued"}


def test_nothing_is_started_or_resumed_while_the_outbox_is_held(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    desk = editions(tmp_path)
    seen(database, desk, now - timedelta(days=1))
    subscribe(database, 1, now)
    paused = edition(database, now, key="paused", state="paused")
    file(database, now)
    made = desk.draft_now(database, "weekly", "by-hand", now)
    assert desk.approve(database, made, now) == "approved"
    _hold(database, now)
    remedy = "older than what was sent; `syndicate outbox release`"
    with pytest.raises(Refused, match=remedy):
        desk.start(database, made, now)
    with pytest.raises(Refused, match=remedy):
        desk.resume(database, paused, now)
    file(database, now)
    with pytest.raises(Refused, match=remedy):
        desk.send_now(database, "weekly", "another", now)
    assert [one.state for one in all_editions(database, desk)] == ["paused", "approved"]
    assert row(database, made).started_at is None
    _release(database, now)
    assert desk.start(database, made, now).state == "sending"
    with database.write() as session:
        assert sending.resume(session, desk.config, paused, now=now) == "sending"


def test_an_edition_that_is_cancelled_while_held_keeps_its_clippings(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    """It may have gone: after a restore that is why it is cancelled."""
    desk = editions(tmp_path)
    seen(database, desk, now - timedelta(days=1))
    subscribe(database, 1, now)
    file(database, now)
    made = desk.send_now(database, "weekly", "by-hand", now)
    _hold(database, now)
    assert desk.cancel(database, made, now) == 0
    assert _release(database, now) == []
    with database.read() as session:
        assert desk.plan(session, "weekly", now).items == ()


def test_while_held_the_tick_decides_and_freezes_but_starts_nothing(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    desk = editions(tmp_path, "thursday 09:00")
    seen(database, desk, now)
    subscribe(database, 1, now)
    file(database, now)
    _hold(database, now)
    slot = datetime.fromisoformat("2026-11-26T14:00:00+00:00")
    desk.tick(database, slot)
    (made,) = all_editions(database, desk)
    assert (made.state, made.slot) == ("approved", "2026-11-26T09:00")
    _release(database, slot)
    desk.tick(database, slot)
    assert edition_state(database, made.id) == "sending"
