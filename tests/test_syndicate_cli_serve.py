"""`serve` and its parts as processes of their own: they start, say so, stop when told, and keep to their role."""

import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest
from clocks import until
from console import Console, new_site, use_relay
from slow_relay import SlowRelay

from syndicate.catcher import Catcher


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def stop(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    process.communicate(timeout=20)
    return process.returncode


def newsletter(site: Console, count: int) -> None:
    addresses = [f"reader{number}@example.net" for number in range(count)]
    site("subscriber", "add", *addresses, "--digest", "weekly", "--consent", "at the fair").done()
    site("clip", "add", "--headline", "One", "--publish").done()


def test_serve_answers_and_sends_what_a_command_marks(site: Console, catcher: Catcher) -> None:
    newsletter(site, 3)
    with site.start("serve", "--port", "0") as process:
        said = first_line(process)
        assert said.startswith("serving http://127.0.0.1:")
        with urlopen(said.removeprefix("serving ") + "healthz") as answer:
            assert answer.status == 200
        shape = site("edition", "send", "--now", "weekly", "--json").done().json
        assert (shape["state"], shape["accepted"]) == ("sent", 3)
        assert len(site("outbox", "status", "--json").done().json["owners"]) == 1
        with site.start("worker") as second:
            out, err = second.communicate(timeout=20)
        assert (second.returncode, out, len(err.splitlines())) == (1, "", 1)
        assert "sends for this database already" in err
        assert stop(process) == 0
    assert len(catcher.caught()) == 3
    assert site("outbox", "status", "--json").done().json["owners"] == []


def test_a_command_that_only_watches_can_be_stopped_without_harm(
    site: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletter(site, 10)
    slow = SlowRelay(delay=0.2)
    use_relay(monkeypatch, slow.port)
    with site.start("worker") as worker:
        assert first_line(worker).startswith("worker ")
        with site.start("edition", "send", "--now", "weekly") as watching:
            until(lambda: len(slow.recipients) >= 1)
            watching.send_signal(signal.SIGINT)
            _, err = watching.communicate(timeout=20)
        assert watching.returncode == 130
        assert "it goes on without us" in err
        assert "edition 1 is sent" in site("edition", "resume", "1").done().err  # watches again
        assert stop(worker, signal.SIGINT) == 0
    slow.stop()
    assert len(set(slow.recipients)) == len(slow.recipients) == 10


@pytest.mark.parametrize(("role", "says"), [("web", "serving "), ("tick", "ticking")])
def test_a_role_alone_starts_and_stops(site: Console, role: str, says: str) -> None:
    with site.start(role, *(("--port", "0") if role == "web" else ())) as process:
        assert first_line(process).startswith(says)
        assert stop(process) == 0
