"""Senders are killed again and again in the middle of an edition; afterwards everybody is accounted for, by name.

The long form of the same loops is `make chaos`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance import freezing
from acceptance.campaign import Plan, run
from acceptance.points import FREEZING, SENDING
from cluster import Cluster

EVERYWHERE = ("random", *SENDING)


def _sound(plan: Plan, folder: Path) -> None:
    verdict = run(plan, folder)
    assert not verdict.broken, "\n".join(verdict.broken)
    assert (verdict.row.unmarked, verdict.row.lost) == (0, 0)


def test_deaths_at_every_point_on_sqlite_leave_nobody_out_and_no_duplicate_unmarked(tmp_path: Path) -> None:
    _sound(Plan(policy="hold", points=EVERYWHERE, kills=12, seed=20261124), tmp_path)


def test_deaths_of_either_of_two_processes_on_postgresql_repeat_only_what_was_marked(
    postgres_url: str, tmp_path: Path
) -> None:
    _sound(Plan(policy="resend", points=EVERYWHERE, kills=12, seed=1, url=postgres_url, processes=2), tmp_path)


@pytest.fixture(scope="module")
def own_cluster(postgres_server: str) -> Iterator[Cluster]:
    """A PostgreSQL server of this file's own, which syncs: one that may be crashed."""
    cluster = Cluster.start(fsync=True)
    yield cluster
    cluster.stop()


def test_a_postgresql_server_that_crashes_under_two_processes_forgets_nothing(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    ways = ("server-crash", "backend-ended", "backend-killed")
    url = own_cluster.new_database()
    _sound(Plan("hold", ways, kills=3, seed=3, url=url, cluster=own_cluster, processes=2), tmp_path)
    log = (tmp_path / "senders.log").read_text(encoding="utf-8")
    assert "server closed the connection" in log
    assert "[SQL" not in log, "an error of the database is one line, without the values in a statement"


def test_who_stood_still_beyond_the_lease_sends_nothing_more_when_it_goes_on(postgres_url: str, tmp_path: Path) -> None:
    _sound(Plan("resend", ("stopped",), kills=2, seed=3, url=postgres_url, processes=2), tmp_path)


@pytest.mark.parametrize("point", FREEZING)
def test_an_edition_whose_freezing_dies_again_and_again_goes_to_everybody_once(
    point: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = str(request.getfixturevalue("postgres_url")) if point == "after-freezing" else None
    verdict = freezing.run(Plan("hold", (point,), kills=3, seed=2, url=url), tmp_path)
    assert not verdict.broken, "\n".join(verdict.broken)


@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_an_edition_called_off_between_deaths_has_nothing_left_waiting(policy: str, tmp_path: Path) -> None:
    _sound(Plan(policy=policy, points=("random",), kills=3, seed=5, cancel=True), tmp_path)  # type: ignore[arg-type]
