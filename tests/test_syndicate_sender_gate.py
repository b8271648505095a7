"""How many connections go at a time, and who of them may: the part of the way to the relay that one process has."""

import time

from syndicate.outbox.relays import Standing, Trouble
from syndicate.sender.gate import RelayGate


class Row:
    """A relay's row in memory, of which this process is the only one that knows."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.told: list[str] = []

    def failed(self, trouble: Trouble, error: str, rest: float | None = None) -> Standing:
        self.told.append(error)
        failures = self.standing.failures + 1
        state = "down" if trouble == "down" else "busy"
        self.standing = Standing(state, error, failures, open_until=float(failures), rest=rest or 0.05)
        return self.standing

    def stopped(self, error: str) -> Standing:
        self.standing = Standing("stopped", error)
        return self.standing

    def answered(self, seen: Standing) -> Standing:
        self.standing = Standing("ok")
        return self.standing

    def claim_probe(self, seen: Standing) -> bool:
        return True


def gate(connections: int, *, quiet: float = 300.0) -> tuple[RelayGate, Row]:
    row = Row()
    return RelayGate(row, connections=connections, changed=lambda: None, quiet=quiet), row


def test_a_crowd_halves_the_connections_down_to_one_and_what_was_begun_before_tells_nothing_new() -> None:
    way, row = gate(10)
    assert sum(way.enter(n) for n in range(10)) == 10
    began = time.monotonic()
    limits = []
    for n in range(5):
        way.crowded(n, "421 too many", began=time.monotonic())
        way.crowded(n + 5, "421 too many", began=began)
        limits.append(way.crowd.limit)
    assert limits == [5, 2, 1, 1, 1]
    assert len(row.told) == 2, "with one connection each is a failure, but not what was begun before"


def test_after_a_crowd_as_many_go_as_there_are_to_be_and_the_others_end_their_sessions() -> None:
    way, _ = gate(4)
    assert all(way.enter(n) for n in range(4))
    way.crowded(3, "421 too many", began=time.monotonic())
    assert way.crowd.limit == 2
    assert [way.enter(n) for n in range(4)] == [False, True, True, False]
    assert [way.within(n) for n in range(4)] == [False, True, True, False]
    way.leave(1)
    assert way.enter(0)
    assert not way.wait(3, 0.02)


def test_one_is_on_trial_after_a_rest_and_a_working_session_goes_on_while_rests_are_short() -> None:
    way, row = gate(3)
    way.down(0, "gone", began=time.monotonic())
    assert not way.enter(1)
    assert way.enter(2, proven=True)
    assert way.wait(1, 1.0)
    assert way.enter(1)
    assert not way.enter(0), "one tries"
    assert way.enter(1), "the same one still"
    way.leave(1)
    assert way.enter(0), "now another"
    way.down(0, "gone again", began=0.0)
    assert row.told == ["gone", "gone again"], "who was on trial is believed"
    row.standing = Standing("down", "gone for long", 5, open_until=9.0, rest=30.0)
    way.learn(lambda: row.standing)
    assert not way.enter(2, proven=True)
    assert way.resting


def test_a_relay_that_asks_us_to_slow_down_stops_working_sessions_too() -> None:
    way, _ = gate(2)
    way.down(0, "454 slow down", began=time.monotonic(), trouble="busy")
    assert not way.enter(1, proven=True)
    assert not way.free(1, proven=True)


def test_an_answer_to_a_mail_that_was_on_its_way_opens_nothing() -> None:
    way, row = gate(2)
    entered = time.monotonic()
    way.down(0, "454 slow down", began=entered, trouble="busy")
    way.up(1, began=entered)
    assert row.standing.state == "busy"
    assert way.wait(1, 1.0)
    assert way.enter(1)
    way.up(1, began=time.monotonic())
    assert row.standing.state == "ok"
    assert way.enter(0)
