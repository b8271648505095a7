"""Four eyes: where a site asks for approval (`[desk] approval`), an edition goes only when a person has approved it who
did not make it. On the command line people are whom they say they are: a name is free text. Pure."""

import unicodedata

from syndicate.errors import Refused, UsageError

_LONGEST = 100


def named(name: str | None) -> str | None:
    """The name as it is stored, its white space joined; None if none was given. Raises UsageError for one that is
    empty, longer than 100 characters or holds control characters."""
    if name is None:
        return None
    words = " ".join(name.split())
    if not 1 <= len(words) <= _LONGEST or not words.isprintable():
        raise UsageError(f"a person's name is 1 to {_LONGEST} characters in one line: --by NAME")
    return words


def require_second(edition_id: int, *, made_by: str | None, by: str | None) -> None:
    """Raise UsageError if nobody is named who approves this edition, and Refused if they made it. What the tick made
    was made by nobody."""
    if by is None:
        raise UsageError(f"[desk] approval is on: say who approves edition {edition_id}, with --by NAME")
    if made_by is not None and _folded(made_by) == _folded(by):
        again = f"`syndicate edition approve {edition_id} --by NAME`"
        raise Refused(f"{made_by} made edition {edition_id}, so another person must approve it: {again}")


def refuse_alone(slug: str) -> None:
    """Raise Refused for an edition that one person would draft and send in one step."""
    raise Refused(
        f"[desk] approval is on, and nothing goes without a second person: `syndicate edition draft {slug} --by NAME`, "
        "let another approve it, then `syndicate edition send E`"
    )


def refuse_unapproved(edition_id: int) -> None:
    """Raise Refused for an edition that would be sent before a second person has approved it."""
    raise Refused(
        f"[desk] approval is on, and nobody has approved edition {edition_id}: a person who did not make it says "
        f"`syndicate edition approve {edition_id} --by NAME`, then it can be sent"
    )


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
