"""docs/commands.md and the command line name the same commands and the same options."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from syndicate.cli.root import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"


def commands(group: Any, path: str = "syndicate") -> Iterator[tuple[str, Any]]:
    """Each command with its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def sections() -> dict[str, str]:
    """The text under each command's heading."""
    parts = re.split(r"^### `(.+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


ALL = dict(commands(typer.main.get_command(app)))


def test_every_command_has_its_part_of_the_page_and_none_is_invented() -> None:
    assert set(sections()) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_option_of_a_command_stands_in_its_part(name: str) -> None:
    options = {option for param in ALL[name].params for option in param.opts if option.startswith("--")}
    told = set(re.findall(r"`(--[a-z-]+)", sections()[name]))
    assert options <= told
    # What is told beside them belongs to another command that the sentence names.
    assert told - options <= {"--consent", "--now", "--once", "--people"}


@pytest.mark.parametrize("option", ["--config", "--version", "--help"])
def test_the_options_before_a_command_are_told(option: str) -> None:
    assert f"`{option}" in PAGE.read_text(encoding="utf-8").partition("### ")[0]


def test_every_command_says_what_it_does() -> None:
    assert [name for name, command in ALL.items() if not command.help] == []
