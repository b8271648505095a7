"""Rows out of JSON (RFC 8259): an array of objects, or one object a line. One object is in memory at a time."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from subscribers.imports.lines import LONGEST_LINE, Lines
from subscribers.imports.rows import Unread

Object = Mapping[str, Any]
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()
_REST = "from here on the file is no JSON: mend it and run the command again"


def objects(lines: Lines) -> Iterator[tuple[int, Object] | Unread]:
    """Every object with its number, from 1. A line of its own that is no JSON costs itself; within an array nobody can
    say where the next object begins, so that the rest is not read."""
    if lines.head.lstrip().startswith("["):
        yield from _array(lines.pieces())
    else:
        yield from _lines(lines)


def text(value: object) -> str:
    """A value as the text of a cell: parts of a list apart by spaces, entries of an object as `key=value`."""
    if isinstance(value, list):
        return " ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={_plain(part)}" for key, part in value.items())
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return ""


def _lines(lines: Lines) -> Iterator[tuple[int, Object] | Unread]:
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Unread(number, f"it is longer than {LONGEST_LINE:,} characters")
        elif not line.strip():
            yield Unread(number, "an empty line", harmless=True)
        else:
            try:
                yield _object(number, json.loads(line))
            except (ValueError, RecursionError):
                yield Unread(number, "it is no JSON")


def _array(pieces: Iterable[str]) -> Iterator[tuple[int, Object] | Unread]:
    buffer, at, number = "", 0, 0
    opened = False
    for piece in pieces:
        buffer, at = buffer[at:] + piece, 0
        if not opened and buffer.lstrip():
            buffer, opened = buffer.lstrip()[1:], True
        while True:
            at = _end_of_gap(buffer, at)
            if at == len(buffer):
                break
            if buffer[at] == "]":
                return
            try:
                value, at = _DECODER.raw_decode(buffer, at)
            except RecursionError:
                yield Unread(number + 1, _REST)
                return
            except ValueError:  # perhaps its end has not been read yet
                if len(buffer) - at > LONGEST_LINE:
                    yield Unread(number + 1, _REST)
                    return
                break
            number += 1
            yield _object(number, value)
    yield Unread(number + 1, _REST if buffer[at:].strip() else "the array has no end: see whether the file was cut")


def _end_of_gap(buffer: str, at: int) -> int:
    found = _BETWEEN.match(buffer, at)
    return found.end() if found else at


def _object(number: int, value: object) -> tuple[int, Object] | Unread:
    return (number, value) if isinstance(value, dict) else Unread(number, "it is no object")
