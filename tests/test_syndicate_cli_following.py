"""A command that stays with an edition: what it tells meanwhile, and what it does when whoever sends has gone."""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from clocks import until
from console import Console, new_site, use_relay
from slow_relay import SlowRelay

from syndicate.catcher import Catcher
from syndicate.cli import following


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A site with four readers and one clipping."""
    site = new_site(tmp_path_factory, tmp_path / "site")
    addresses = [f"reader{number}@example.net" for number in range(4)]
    site("subscriber", "add", *addresses, "--digest", "weekly", "--consent", "at the fair").done()
    site("clip", "add", "--headline", "One", "--publish").done()
    return site


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_resume_watches_who_sends_and_takes_over_when_it_dies(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the sender of an edition lives cannot be told at once (a lease may still run): so nobody is refused."""
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    slow = SlowRelay(delay=600)
    use_relay(monkeypatch, slow.port)
    with site.start("worker") as worker:
        until(lambda: len(site("outbox", "status", "--json").json["slots"]) == 2)
        use_relay(monkeypatch, catcher.port)
        with site.start("edition", "resume", "1") as watching:
            assert watching.stdout
            assert watching.stdout.readline() == "1\n"
            worker.kill()
            _, err = watching.communicate(timeout=20)
    slow.stop()
    assert watching.returncode == 1
    assert "edition 1 is incomplete: 4 chosen, 2 accepted, 2 uncertain" in err
    assert len(catcher.caught()) == 2


def test_whoever_waits_for_the_hold_period_is_told_when_it_ends(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDICATE_SENDING__HOLD_PERIOD", "5s")
    when = r"its first mail goes at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    site("edition", "draft", "weekly").done()
    marked = site("edition", "send", "1", "--no-wait").done().err
    assert re.search(f"edition 1 is approved: .*; {when}; nobody sends now", marked)
    sent = site("edition", "send", "1").done().err.splitlines()
    assert re.fullmatch(f"edition 1 waits for the end of its hold period: {when}", sent[0])
    assert sent[-1].startswith("edition 1 is sent: 4 chosen, 4 accepted")
    assert len(catcher.caught()) == 4


def test_whoever_watches_hears_once_that_the_relay_is_away(
    site: Console, dead_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender waits for the relay, and so does the command; its reader must know for what."""
    told: list[str] = []

    def call_off() -> None:
        with site.start("edition", "cancel", "1") as cancel:
            cancel.communicate(timeout=20)

    def note(text: str) -> None:
        told.append(text)
        if "cannot be reached" in text:  # heard: the command may end
            call_off()

    use_relay(monkeypatch, dead_port)
    monkeypatch.setattr(following, "_LINE_SECONDS", 0.0)
    monkeypatch.setattr(following.output, "note", note)
    with site.start("worker") as worker:
        assert worker.stdout
        assert worker.stdout.readline().startswith("worker ")
        if_in_vain = threading.Timer(20.0, call_off)
        if_in_vain.start()
        ran = site("edition", "send", "--now", "weekly")
        if_in_vain.cancel()
    assert (ran.status, ran.out) == (1, "1\n")
    assert [line for line in told if f"4 queued; the relay 127.0.0.1:{dead_port} cannot be reached" in line]
    assert "edition 1 is cancelled" in ran.err
    assert len(told) == len(set(told))
