"""How a command answers: tables and lines for people, tab-separated lines for pipes, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, TextIO

import typer

from syndicate.cli.json_shapes import Shape

_SHORT = 20

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=0, max=2**31 - 1, help="At most N of them.")]

Column = tuple[str, Callable[[Shape], object]]


def listing(shapes: Sequence[Shape], columns: Sequence[Column], *, as_json: bool) -> None:
    """Print things of one kind: a JSON array; a table on a terminal; else a line each, tab-separated, no heading."""
    if as_json:
        _json(list(shapes))
        return
    rows = [[plain(cell(shape)) for _, cell in columns] for shape in shapes]
    if sys.stdout.isatty():
        # A column in which nothing stands would only take the room of the others.
        filled = [place for place in range(len(columns)) if not rows or any(row[place] for row in rows)]
        _table([columns[place][0] for place in filled], [[row[place] for place in filled] for row in rows])
        return
    for row in rows:
        print("\t".join(row))


def one(shape: Shape, *, as_json: bool, lines: Iterable[tuple[str, object]] | None = None) -> None:
    """Print one thing: a JSON object, or a line for each of its fields (of `lines`, if given) that holds something."""
    if as_json:
        _json(dict(shape))
        return
    fields = [(name, plain(value)) for name, value in (lines or shape.items())]
    width = max((len(name) for name, _ in fields), default=0)
    for name, value in fields:
        if value:
            print(f"{name + ':':{width + 1}} {value}")


def changed(ids: Sequence[object], shape: Shape | Sequence[Shape], *, as_json: bool) -> None:
    """Print what a change made: its ids, one a line, or the changed things as JSON."""
    if as_json:
        _json(shape)
        return
    for one_id in ids:
        print(one_id)


def note(text: str) -> None:
    """Tell a person something beside the answer, in one line on stderr, where it disturbs no pipe."""
    print(one_line(text), file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text with all white space joined and control characters left out, so that it is one line on any terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def plain(value: object) -> str:
    """A value as one line of text that no terminal takes for a command."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value)
    return one_line(str(value))


def array(shapes: Iterable[Shape], file: TextIO) -> int:
    """Write a JSON array one thing after the other, however many there are. Returns how many there were."""
    written = 0
    for written, shape in enumerate(shapes, 1):
        file.write(f"{',' if written > 1 else '['}\n{_text(dict(shape), file)}")
    file.write("\n]\n" if written else "[]\n")
    return written


def _json(value: object) -> None:
    print(_text(value, sys.stdout, indent=2))


def _text(value: object, file: TextIO, *, indent: int | None = None) -> str:
    unicode = (file.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not unicode, indent=indent)
    # A lone surrogate cannot be written as UTF-8; its escape is JSON as well.
    return text.encode("utf-8", "backslashreplace").decode() if unicode else text


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="")
    for place, title in enumerate(titles):
        # Ids and states stay whole; what is long is folded, never cut.
        short = all(len(row[place]) <= _SHORT for row in rows)
        table.add_column(title, no_wrap=short, overflow="fold")
    for row in rows:
        # Text, not str: a headline with square brackets is no markup.
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)
