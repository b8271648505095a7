"""How many connections are used after a relay has said that there are too many."""

import time

from clocks import until

from syndicate.sender.crowd import Crowd


def test_each_crowd_halves_the_limit_down_to_one_and_what_was_begun_before_tells_nothing_new() -> None:
    crowd, began = Crowd(10, 300.0), time.monotonic()
    found = []
    for _ in range(5):
        found.append((crowd.met(time.monotonic()), crowd.limit))
        assert crowd.met(began) == "known"
    assert found == [("fewer", 5), ("fewer", 2), ("fewer", 1), ("alone", 1), ("alone", 1)]


def test_for_each_quiet_while_one_connection_more_goes_up_to_all() -> None:
    crowd = Crowd(4, 0.05)
    crowd.met(time.monotonic())
    seen = {crowd.limit}

    def grown() -> bool:
        seen.add(crowd.limit)
        return crowd.limit == 4

    began = time.monotonic()
    until(grown)
    assert time.monotonic() - began >= 0.09
    assert seen <= {2, 3, 4}
