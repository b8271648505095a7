"""Return paths: the address to which a mail comes back names its row, and proves that we made it."""

from dataclasses import dataclass
from typing import Final

from syndicate.keys import SiteKeys
from syndicate.mail.local_parts import LocalPart

# The first id is the edition's, or 0 for a letter, as ids begin at 1.
RETURN: Final = LocalPart(prefix="b+", purpose="return", ids=2, mac_bytes=8)


@dataclass(frozen=True)
class ReturnPath:
    """What a return path names: a delivery (`edition_id` and `subscriber_id`) or a letter (`letter_id`)."""

    edition_id: int | None = None
    subscriber_id: int | None = None
    letter_id: int | None = None


def delivery_return(keys: SiteKeys, *, edition_id: int, subscriber_id: int) -> str:
    """The local part to which a delivery comes back: 35 characters. ValueError for ids that are none."""
    if edition_id < 1:
        raise ValueError("ids of editions begin at 1")
    return RETURN.write(keys.tokens, (edition_id, subscriber_id))


def letter_return(keys: SiteKeys, *, letter_id: int) -> str:
    """The local part to which a letter comes back. ValueError for an id that is none."""
    return RETURN.write(keys.tokens, (0, letter_id))


def read_return_path(local_part: str, keys: SiteKeys) -> ReturnPath | None:
    """What the local part of a bounce's recipient names, or None where it is cut, changed or forged, or made with a
    key that is gone."""
    ids = RETURN.proven(local_part, keys.tokens)
    if ids is None:
        return None
    first, second = ids
    return ReturnPath(edition_id=first, subscriber_id=second) if first else ReturnPath(letter_id=second)
