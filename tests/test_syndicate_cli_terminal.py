"""The command line on a terminal: it asks, asks again, and shows tables that can be read."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from console import Console, new_site

from syndicate.config import load

PATIENCE = 30


def talk(words: Sequence[str], answers: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
    """Run the program on a terminal of its own and type each answer when its question stands at the end. Returns the
    exit status and all that the terminal showed."""
    terminal, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "syndicate", *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as child:
        os.close(theirs)
        waiting, shown, answered = list(answers), "", 0
        while some := _read(terminal):
            shown += some
            if waiting and waiting[0][0] in shown[answered:] and shown.endswith(": "):
                answered = len(shown)
                os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
        # A program that still asks hears that nobody is there.
        os.close(terminal)
    assert waiting == [], shown
    return child.returncode, shown


def _read(terminal: int) -> str:
    """What comes next; nothing when the program has ended, or says nothing for too long."""
    try:
        return os.read(terminal, 4096).decode() if select.select([terminal], [], [], PATIENCE)[0] else ""
    except OSError:  # Linux says so when the other end is closed.
        return ""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def test_init_asks_again_for_what_cannot_be_read(tmp_path: Path) -> None:
    answers = [
        ("Name of the site", "River News"),
        ("Its web address", "river.example.com"),
        ("is no web address: write it whole, https://", "https://river.example.com/news"),
        ("must end after the host", "https://River.example.com"),
        ("Sender of mail", "River News"),
        ("is no e-mail address", "River News <desk@example.com>"),
    ]
    status, shown = talk(["init", str(tmp_path / "site")], answers)
    assert status == 0, shown
    config = load(tmp_path / "site" / "config.toml", environ={})
    assert (config.site.name, config.site.url) == ("River News", "https://river.example.com")
    assert (config.mail.from_address, config.site.contact) == ("desk@example.com", "desk@example.com")
    assert f"In {tmp_path / 'site'}:" in shown


def test_a_table_has_no_room_for_columns_in_which_nothing_stands(site: Console) -> None:
    site("clip", "add", "--headline", "A headline of some length that wants its room", "--publish").done()
    status, shown = talk(["--config", str(site.config), "clip", "list"])
    assert status == 0
    heads = next(line for line in shown.splitlines() if "headline" in line).split()
    assert heads == ["id", "state", "section", "headline"]
