"""The checker of histories: a sound one passes, and each kind of broken one is told by the name of its invariant."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from acceptance.history import Account, Copy, Doubt, Grant, History, Leave, Rate, invariants, judge

PEOPLE = ("ann", "bob", "cem", "dee")


def copy(to: str, at: float, message_id: str | None = "") -> Copy:
    return Copy(to, f"<{to}>" if message_id == "" else message_id, at)


def grant(to: str, asked: float, owner: str = "alpha") -> Grant:
    return Grant(owner, to, asked, asked + 0.1)


def sound(**changes: Any) -> History:
    """Ann and Bob have their mail, Cem's is in doubt and came, Dee left in time; Eve's letter came."""
    plain: dict[str, Any] = {
        "policy": "hold",
        "expected": frozenset(PEOPLE),
        "states": {"ann": "accepted", "bob": "accepted", "cem": "uncertain", "dee": "skipped"},
        "copies": (copy("ann", 1.2), copy("bob", 1.3), copy("cem", 2.2), copy("eve", 3.2)),
        "grants": (grant("ann", 1.0), grant("bob", 1.1), grant("cem", 2.0), grant("eve", 3.0)),
        "doubts": (Doubt("alpha", frozenset({"cem"})),),
        "leaves": (Leave("dee", 1.5),),
        "owners": {"alpha": 2},
        "asked": frozenset({"eve"}),
        "letters": {"eve": "accepted"},
    }
    plain |= changes
    states = plain["states"]
    counts = Counter(states.values())
    state = "incomplete" if counts["uncertain"] else "sent"
    plain.setdefault("account", Account(state, len(states), dict(counts)))
    return History(**plain)


def changed(**states: str) -> dict[str, str]:
    return dict(sound().states) | states


def more(*copies: Copy) -> tuple[Copy, ...]:
    return (*sound().copies, *copies)


def but(name: str) -> dict[str, str]:
    return {one: state for one, state in sound().states.items() if one != name}


def without(name: str) -> tuple[Copy, ...]:
    return tuple(copy for copy in sound().copies if copy.to != name)


CEM_REFUSED = Account("incomplete", 4, {"accepted": 2, "rejected": 1, "skipped": 1})


def test_a_sound_history_passes() -> None:
    assert judge(sound()) == []


def test_with_resend_what_was_in_doubt_may_come_twice() -> None:
    twice = sound(policy="resend", states=changed(cem="accepted"), copies=more(copy("cem", 4.0)))
    assert judge(twice) == []
    assert twice.duplicates == {"cem"}
    assert twice.unmarked == set()


def test_with_hold_what_was_in_doubt_comes_again_only_if_somebody_said_so() -> None:
    once_more = sound(states=changed(cem="accepted"), copies=more(copy("cem", 4.0)))
    assert invariants(judge(once_more)) == {"I2", "I3"}
    assert judge(replace(once_more, sent_again={"cem": 1})) == []


@pytest.mark.parametrize(
    ("invariant", "words", "broken"),
    [
        ("I1", "has no row", {"states": but("bob"), "copies": without("bob")}),
        ("I1", "was not chosen", {"states": changed(zoe="accepted"), "copies": more(copy("zoe", 5.0))}),
        ("I1", "is still queued", {"states": changed(bob="queued"), "copies": without("bob")}),
        ("I1", "no mail came", {"copies": without("ann")}),
        ("I1", "a mail came", {"states": changed(ann="rejected")}),
        ("I1", "left out without a reason", {"states": changed(ann="skipped"), "copies": without("ann")}),
        ("I1", "asked for a letter", {"letters": {}, "copies": without("eve")}),
        ("I1", "got a mail and has no row", {"copies": more(copy("zoe", 5.0))}),
        ("I2", "got 2 copies", {"copies": more(copy("cem", 4.0))}),
        ("I2", "got 3 copies", {"policy": "resend", "copies": more(copy("cem", 4.0), copy("cem", 4.1))}),
        ("I2", "got 2 copies", {"copies": more(copy("eve", 4.0))}),
        ("I3", "never in doubt", {"copies": more(copy("ann", 4.0))}),
        ("I3", "in no slot", {"grants": tuple(one for one in sound().grants if one.to != "ann")}),
        ("I3", "in no slot", {"grants": (*sound().grants[1:], grant("ann", 9.0))}),
        ("I3", "taken for dead", {"retired": {"alpha": 2.9}}),
        ("I3", "was in doubt and is accepted", {"states": changed(cem="accepted")}),
        ("I3", "nothing put it in doubt", {"doubts": ()}),
        ("I4", "2 connections and left 3", {"doubts": (Doubt("alpha", frozenset({"cem", "x", "y"})),)}),
        ("I4", "unknown sender", {"doubts": (Doubt("beta", frozenset({"cem"})),)}),
        ("I5", "had left", {"grants": (*sound().grants, grant("dee", 1.6))}),
        ("I6", "the edition is sending", {"account": Account("sending", 4, {})}),
        ("I6", "the report says", {"account": Account("incomplete", 4, {"accepted": 4})}),
        ("I6", "1 wait", {"states": changed(bob="queued"), "copies": without("bob")}),
        ("I6", "said to be chosen", {"account": Account("incomplete", 5, dict(Counter(sound().states.values())))}),
        ("I6", "called sent", {"account": Account("sent", 4, dict(Counter(sound().states.values())))}),
        ("I6", "called incomplete", {"states": changed(cem="rejected"), "account": CEM_REFUSED}),
        ("I7", "2 Message-IDs", {"copies": more(copy("cem", 4.0, "<other>"))}),
        ("I7", "no Message-ID", {"copies": (*without("ann"), copy("ann", 1.2, None))}),
        ("I7", "several people", {"copies": (*without("ann"), copy("ann", 1.2, "<bob>"))}),
        ("I8", "beyond the rate", {"limit": Rate(1, 1)}),
    ],
)  # fmt: skip
def test_each_broken_history_is_told_by_the_name_of_its_invariant(
    invariant: str, words: str, broken: dict[str, Any]
) -> None:
    found = [violation for violation in judge(sound(**broken)) if violation.invariant == invariant]
    assert any(words in violation.what for violation in found), judge(sound(**broken))


def test_a_pace_within_the_rate_passes() -> None:
    assert judge(sound(limit=Rate(2, 2))) == []


def test_a_letter_in_doubt_comes_again_by_itself() -> None:
    again = sound(
        doubts=(*sound().doubts, Doubt("beta", frozenset({"eve"}))),
        owners={"alpha": 2, "beta": 2},
        copies=more(copy("eve", 4.0)),
    )
    assert judge(again) == []


def test_who_got_nothing_is_lost_unless_the_ledger_lists_them() -> None:
    assert sound(copies=without("cem")).lost == set()
    assert sound(copies=without("ann")).lost == {"ann"}
    assert sound(states={}, copies=()).lost == {"ann", "bob", "cem", "dee", "eve"}


def test_in_a_cancelled_edition_whoever_waited_is_skipped() -> None:
    states = changed(ann="skipped")
    counts = dict(Counter(states.values()))
    cancelled = sound(states=states, copies=without("ann"), account=Account("cancelled", 4, counts))
    assert judge(cancelled) == []
