"""Quoted-printable (RFC 2045 §6.7): 7-bit lines of at most 76 characters that no relay has a reason to touch."""

import re
from typing import Final

# Room for a soft break (1) and for the longer spelling of a line's first character (2) in lines of 76.
_ROOM: Final = 73
_AS_IT_IS: Final = re.compile(r"[\t -<>-~]*")


def literal(text: str, *, followed: bool) -> bytes:
    """`text` as UTF-8 in quoted-printable with CRLF line ends, beginning at the start of a line.

    `followed`: a value or another literal comes after it; the result then ends at the start of a line too, by a
    soft break where `text` does not end a line.
    """
    *lines, last = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ended = "".join(_line(line, ended=True) + "\r\n" for line in lines)
    rest = _line(last, ended=not followed)
    return (ended + rest + ("=\r\n" if followed and rest else "")).encode("ascii")


def value(text: str) -> bytes:
    """One line of `text` as what may stand between two literals; nothing for empty text."""
    if text and _AS_IT_IS.fullmatch(text):
        return f"{_cut(text)}=\r\n".encode("ascii")
    return literal(" ".join(text.splitlines()), followed=True)


def _line(text: str, *, ended: bool) -> str:
    """One logical line with soft breaks inside. `ended`: no soft break follows, so white space at its end is spelled
    out, as relays strip it."""
    spelled = ended and text[-1:] in (" ", "\t")
    if _AS_IT_IS.fullmatch(text) and not spelled:  # nearly all lines: links and English
        return _cut(text)
    units = [_unit(c) for c in text]
    if spelled:
        units[-1] = f"={ord(text[-1]):02X}"
    rows: list[str] = []
    row: list[str] = []
    length = 0
    for unit in units:
        if length + len(unit) > _ROOM:
            rows.append("".join(row))
            row, length = [], 0
        row.append(unit)
        length += len(unit)
    rows.append("".join(row))
    return "=\r\n".join(_guarded(row) for row in rows)


def _cut(text: str) -> str:
    return "=\r\n".join([_guarded(text[at : at + _ROOM]) for at in range(0, len(text), _ROOM)])


def _guarded(row: str) -> str:
    """A dot or "From " at a line's start is what careless relays damage."""
    if row.startswith((".", "From ")):
        return f"={ord(row[0]):02X}{row[1:]}"
    return row


def _unit(character: str) -> str:
    """One character, never cut in two. Lone surrogates, which have no UTF-8, become a question mark."""
    if character == "\t" or (" " <= character <= "~" and character != "="):
        return character
    return "".join(f"={byte:02X}" for byte in character.encode("utf-8", "replace"))
