"""Slots: the places in a mail where something personal stands, marked while it is written once for everybody."""

import re
from typing import Final

SLOTS: Final = ("unsubscribe", "preferences", "since", "back", "confirm", "invitation")
"""Digests have the first three, a welcome has the second, a goodbye has the way back, the letters that ask for an
answer have one of the last."""

# Letters and digits only, so that no template, inliner or wrapper changes them; mixed case, so that none of the
# letter-case filters can make one. Whoever writes one into a clipping finds it removed (`without_marks`).
_OPEN, _CLOSE = "qSxLz7", "zLxSq7"
_MARK = re.compile(f"{_OPEN}([a-z]+){_CLOSE}")


def mark(name: str) -> str:
    """The placeholder of one slot. ValueError for a name that is not in SLOTS."""
    if name not in SLOTS:
        raise ValueError(f"no slot is called {name!r}")
    return f"{_OPEN}{name}{_CLOSE}"


def without_marks(text: str) -> str:
    """`text` in which no mark can be found; other text comes back as it is."""
    while _OPEN in text:
        text = text.replace(_OPEN, "")
    return text


def split_at_marks(text: str) -> list[tuple[str, str]]:
    """`text` as pieces (literal, slot), in order: each slot follows its literal; the last pair has the slot "".

    A mark of an unknown name stays literal text.
    """
    pieces: list[tuple[str, str]] = []
    start = 0
    for found in _MARK.finditer(text):
        if found[1] in SLOTS:
            pieces.append((text[start : found.start()], found[1]))
            start = found.end()
    return [*pieces, (text[start:], "")]
