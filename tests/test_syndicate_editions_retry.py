"""Mails that expired or met a policy are taken up again, and no others."""

from datetime import timedelta

import newsroom
import pytest
from decision_rooms import CAUSES, READERS, STATES, Room, tallies_are_true
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from syndicate.editions.report import report
from syndicate.errors import Refused
from syndicate.models import Delivery, Variant
from syndicate.outbox import ledger


def test_what_expired_or_met_a_policy_is_taken_up_with_the_same_number_and_bytes(room: Room) -> None:
    room.stand("accepted", "expired", "rejected/policy", "rejected/address", state="sent")
    old = newsroom.row(room.database, room.edition)
    with room.database.read() as session:
        frozen = session.scalars(select(Variant.composition)).all()
    assert room.retry(later=timedelta(days=30)) == 2
    assert room.states == ["accepted", "queued", "queued", "rejected"]
    new = newsroom.row(room.database, room.edition)
    assert (new.state, new.number, new.hash, new.mail_date) == ("sending", 1, old.hash, old.mail_date)
    assert (new.finished_at, new.started_at) == (room.now, old.started_at)
    assert new.expires_at
    assert new.expires_at >= room.now + timedelta(days=30, hours=6)
    with room.database.read() as session:
        assert session.scalars(select(Variant.composition)).all() == frozen
        taken = session.scalars(select(Delivery).where(Delivery.state == "queued")).all()
        assert {(one.attempt, one.code, one.reply, one.cause) for one in taken} == {(0, None, None, None)}
        assert report(session, room.edition).finished_at is None, "it has not ended now"
    with pytest.raises(Refused, match="nothing to take up"):
        room.retry()


def test_an_edition_that_was_taken_up_again_keeps_the_moment_of_its_first_end(room: Room) -> None:
    room.stand("accepted", "expired", "accepted", "accepted", state="sent")
    room.retry()
    room.stand("accepted", "accepted", "accepted", "accepted")
    with room.database.write() as session:
        assert ledger.close_if_done(session, room.edition, room.now + timedelta(days=1))
    assert newsroom.row(room.database, room.edition).finished_at == room.now


def test_a_paused_edition_stays_paused_when_its_refused_mails_are_taken_up(room: Room) -> None:
    room.stand("accepted", "expired", "accepted", "queued", state="paused")
    assert room.retry() == 1
    assert (room.state, room.claimable()) == ("paused", False)


@pytest.mark.parametrize("state", ["cancelled", "skipped", "draft", "approved", "held"])
def test_an_edition_that_was_not_sent_cannot_be_taken_up(room: Room, state: str) -> None:
    room.stand("accepted", "expired", "rejected/policy", "accepted", state=state)
    with pytest.raises(Refused, match=f"is {state}"):
        room.retry()
    assert room.states == ["accepted", "expired", "rejected", "accepted"]


_ROWS = st.tuples(st.sampled_from(STATES), st.sampled_from(CAUSES))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(_ROWS, min_size=READERS, max_size=READERS),
    state=st.sampled_from(["sent", "incomplete", "sending", "paused"]),
)
def test_a_retry_touches_nothing_but_what_expired_or_met_a_policy(
    sqlite_room: Room, rows: list[tuple[str, str | None]], state: str
) -> None:
    """Whatever states a mail and its edition are in, with every cause: no other row changes in any column."""
    room = sqlite_room
    room.stand(*(f"{word}/{cause or ''}" for word, cause in rows), state=state)
    before, after = _rows(room), None
    meant = {
        seq for seq, (word, cause) in enumerate(rows) if word == "expired" or (word, cause) == ("rejected", "policy")
    }
    try:
        assert room.retry() == len(meant)
    except Refused:
        assert not meant
    after = _rows(room)
    assert {seq for seq in range(READERS) if before[seq] != after[seq]} == meant
    assert {after[seq][0] for seq in meant} <= {"queued"}
    assert not meant or room.state == ("paused" if state == "paused" else "sending")
    tallies_are_true(room.database)


def _rows(room: Room) -> list[tuple[object, ...]]:
    columns = (Delivery.state, Delivery.attempt, Delivery.code, Delivery.reply, Delivery.cause, Delivery.at)
    with room.database.read() as session:
        found = select(*columns).where(Delivery.edition_id == room.edition).order_by(Delivery.seq)
        return [tuple(row) for row in session.execute(found)]
