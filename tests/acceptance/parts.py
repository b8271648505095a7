"""What a chaos run is made of: campaigns of deaths and of power cuts, on both databases, long or short."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from acceptance import campaign, freezing
from acceptance.campaign import Plan
from acceptance.cuts import Campaign
from acceptance.points import FREEZING, SENDING
from acceptance.powercut import build, compiler
from acceptance.table import Row
from cluster import Cluster
from conftest import required

Outcome = tuple[Row, list[str]]
"""The row of one part, and what it broke, in words."""

Part = Callable[[Path], Outcome]
"""Runs in a process and an empty folder of its own; must be picklable."""

POLICIES = ("hold", "resend")


def kills(plan: Plan, folder: Path) -> Outcome:
    """A campaign of deaths."""
    verdict = campaign.run(plan, folder)
    return verdict.row, verdict.broken


def crashes(plan: Plan, folder: Path) -> Outcome:
    """A campaign in which the database server dies too: one of its own."""
    cluster = Cluster.start(fsync=True)
    try:
        return kills(replace(plan, url=cluster.new_database(), cluster=cluster), folder)
    finally:
        cluster.stop()


def power_cuts(cuts: int, seed: int, folder: Path) -> Outcome:
    """A campaign of power cuts, with the program as it is."""
    account = Campaign(*_cut_rooms(folder), cuts=cuts, seed=seed).run()
    return account.row("power cut"), account.faults()


def less_than_full(cuts: int, seed: int, folder: Path) -> Outcome:
    """The same while SQLite is told to sync only at checkpoints: it must be found that mails are forgotten."""
    weak = Campaign(*_cut_rooms(folder), cuts=cuts, seed=seed, synchronous="NORMAL")
    account = weak.run(enough=lambda account: len(account.lost_marks) > 20)
    row = replace(account.row("power cut"), database="SQLite, NORMAL (must fail)")
    found = bool(account.lost_marks and account.unmarked)
    return row, [] if found else ["power cuts cannot tell NORMAL from FULL: they prove nothing"]


def _cut_rooms(folder: Path) -> tuple[Path, Path]:
    room = folder / "cuts"
    room.mkdir()
    return room, build(folder)


def freezings(plan: Plan, folder: Path) -> Outcome:
    """A campaign of deaths while recipients are frozen."""
    verdict = freezing.run(plan, folder)
    return verdict.row, verdict.broken


def sqlite(*, short: bool) -> list[Plan]:
    """The campaigns on SQLite: 300 deaths of senders."""
    if short:
        everywhere = ("random", *SENDING)
        return [Plan("hold", everywhere, kills=12, seed=0), Plan("resend", everywhere, kills=12, seed=0)]
    named = [Plan(policy, (point,), kills=12, seed=0) for point in SENDING for policy in POLICIES]
    mixed = [Plan(policy, ("random",), kills=40, seed=0) for policy in POLICIES]
    return [*mixed, *named, *(Plan(policy, ("random",), kills=3, seed=0, cancel=True) for policy in POLICIES)]


def postgres(*, short: bool) -> list[Plan]:
    """The campaigns on PostgreSQL: 300 deaths of senders, of one or of either of two."""
    if short:
        everywhere = ("random", *SENDING)
        return [Plan("hold", everywhere, kills=12, seed=0), Plan("resend", everywhere, kills=12, seed=0, processes=2)]
    both = [("hold", 1), ("hold", 2), ("resend", 2)]
    named = [Plan(policy, (point,), kills=10, seed=0, processes=n) for point in SENDING for policy, n in both]
    mixed = [Plan(policy, ("random",), kills=10, seed=0, processes=n) for policy in POLICIES for n in (1, 2)]
    called_off = [Plan(policy, ("random",), kills=3, seed=0, cancel=True, processes=2) for policy in POLICIES]
    stopped = [Plan(policy, ("stopped",), kills=10, seed=0, processes=2) for policy in POLICIES]
    return [*mixed, *named, *called_off, *stopped]


def frozen(*, short: bool) -> list[Plan]:
    """Those in which recipients are frozen, on either database."""
    return [Plan("hold", (point,), kills=3 if short else 12, seed=0) for point in FREEZING]


def servers(*, short: bool) -> list[Plan]:
    """Those in which the database server dies."""
    ways = ("server-crash", "backend-ended", "backend-killed")
    if short:
        return [Plan("hold", (*ways, "stopped"), kills=4, seed=0, processes=2)]
    return [Plan("hold", (way,), kills=10, seed=0, processes=2) for way in ways]


def parts(cluster: Cluster, seed: int, *, short: bool) -> list[Part]:
    """Everything there is to run, the two databases in turn, each with its own choices of chance."""
    on_sqlite: list[Part] = [partial(kills, plan) for plan in _seeded(sqlite(short=short), seed)]
    on_postgres: list[Part] = [
        partial(kills, replace(plan, url=cluster.new_database())) for plan in _seeded(postgres(short=short), seed + 500)
    ]
    frozen_on_sqlite: list[Part] = [partial(freezings, plan) for plan in _seeded(frozen(short=short), seed + 700)]
    frozen_on_postgres: list[Part] = [
        partial(freezings, replace(plan, url=cluster.new_database()))
        for plan in _seeded(frozen(short=short), seed + 800)
    ]
    with_servers: list[Part] = [partial(crashes, plan) for plan in _seeded(servers(short=short), seed + 900)]
    sent = [*on_postgres, *frozen_on_postgres, *on_sqlite, *frozen_on_sqlite]
    return [*with_servers, *_cuts(seed + 1000, short=short), *sent]


def _cuts(seed: int, *, short: bool) -> list[Part]:
    """Those of power cuts, 100 in all; left out, and said so, where their library cannot be compiled."""
    if not (compiler() or required("compiler")):
        print("power cuts are left out: no C compiler here", flush=True)
        return []
    full = [partial(power_cuts, 12 if short else 50, seed + place) for place in range(1 if short else 2)]
    return [*full, partial(less_than_full, 10, seed + 10)]


def _seeded(plans: list[Plan], seed: int) -> list[Plan]:
    return [replace(plan, seed=seed + place) for place, plan in enumerate(plans)]
