"""Several sender processes that want the same: one sends on SQLite, and on PostgreSQL a dead one has one heir."""

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from acceptance import evidence
from acceptance.batches import small_batches
from acceptance.campaign import Plan, Stage, finish, stage, verdict
from acceptance.life import Life
from acceptance.sites import publish_one, readers
from clocks import until

from syndicate.sender.errors import AnotherSender

LEASE = 0.5


def _sending(on: Stage, count: int = 150) -> tuple[Life, list[str]]:
    """An edition that is sending, with nobody to send it yet."""
    people = readers(on.app, count)
    publish_one(on.app, "What a pardon takes")
    with small_batches():
        edition = on.app.editions.send_now(on.app.database, "weekly", "k", on.app.clock())
    return Life(on.app, edition, random.Random(1)), people


def _flow(on: Stage, mails: int) -> None:
    floor = on.sink.count() + mails
    until(lambda: on.sink.count() >= floor, 60)


def _said(on: Stage) -> str:
    return on.told.with_name("senders.log").read_text(encoding="utf-8")


def test_on_sqlite_a_second_sender_is_refused_in_one_clear_line_and_takes_over_from_the_dead(tmp_path: Path) -> None:
    with stage(Plan("hold", ("random",), kills=1, seed=1), tmp_path) as on:
        life, people = _sending(on)
        first = on.senders.begin()
        _flow(on, 5)
        with pytest.raises(AnotherSender, match="another process sends for this database already: stop it first"):
            on.app.sender().open()
        on.senders.begin()
        until(lambda: "the sender does not run: another process sends for this database" in _said(on))
        on.senders.kill(first)
        finish(on, life.edition)
        assert _said(on).count("another process sends") == 1, "it says so once, however often it asks"
        found = verdict(on, life.edition, people, life, kills=1, touched=[first])
    assert not found.broken, "\n".join(found.broken)
    assert found.row.met


def test_on_sqlite_who_stood_still_beyond_its_lease_goes_on_with_nothing_in_doubt(tmp_path: Path) -> None:
    with stage(Plan("hold", ("random",), kills=1, seed=1), tmp_path) as on:
        life, people = _sending(on)
        only = on.senders.begin(lease=LEASE)
        _flow(on, 5)
        on.senders.stop_for_a_while(only)
        rival = on.senders.begin(lease=LEASE)
        time.sleep(3 * LEASE)
        assert "recovered" not in _said(on), "it holds the lock, so it is alive"
        on.senders.go_on(only)
        finish(on, life.edition)
        found = verdict(on, life.edition, people, life, kills=0, touched=[only, rival])
    assert not found.broken, "\n".join(found.broken)
    assert found.history.account.state == "sent"
    assert len({grant.owner for grant in found.history.grants}) == 1


def test_two_recoverers_at_once_share_the_dead_between_them_and_take_none_twice(
    postgres_url: str, tmp_path: Path
) -> None:
    with stage(Plan("resend", ("random",), kills=2, seed=1, url=postgres_url, processes=2), tmp_path) as on:
        life, people = _sending(on)
        dead = [on.senders.begin() for _ in range(2)]
        _flow(on, 20)
        for one in dead:
            on.senders.kill(one)
        for _ in range(3):
            on.senders.begin()
        finish(on, life.edition)
        owners = {owner for owner, pid in evidence.read(on.told).pids.items() if pid in dead}
        lines = [json.loads(line) for line in on.told.read_text(encoding="utf-8").splitlines()]
        ended = Counter(line["owner"] for line in lines if line["kind"] == "retired")
        found = verdict(on, life.edition, people, life, kills=2, touched=dead)
    assert not found.broken, "\n".join(found.broken)
    assert len(owners) == 2
    assert {ended[owner] for owner in owners} == {1}
    assert found.row.met


def test_who_stands_still_in_a_slot_commit_keeps_the_others_for_a_moment_and_ends_none_of_them(
    postgres_url: str, tmp_path: Path
) -> None:
    with stage(Plan("hold", ("random",), kills=1, seed=1, url=postgres_url, processes=2), tmp_path) as on:
        life, people = _sending(on, 400)
        on.senders.begin(lease=3.0)
        _flow(on, 5)
        # Its transaction holds the edition, which whoever gives a batch back must lock.
        still = on.senders.begin(point="before-slot-commit", left=6, stop=True)
        until(lambda: Path(f"/proc/{still}/stat").read_text(encoding="ascii").split(") ")[1][0] == "T", 60)
        _flow(on, 40)
        assert "does not run" not in _said(on)
        on.senders.go_on(still)
        finish(on, life.edition)
        found = verdict(on, life.edition, people, life, kills=1, touched=[still])
    assert not found.broken, "\n".join(found.broken)
