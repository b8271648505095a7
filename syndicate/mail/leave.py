"""The address by which a reader leaves a digest by mail: it names them, and is good for one digest of theirs."""

from typing import Final

from syndicate.keys import SiteKeys
from syndicate.mail.local_parts import LocalPart

LEAVE: Final = LocalPart(prefix="u+", purpose="leave", ids=1, mac_bytes=10)


def leave_mailto(keys: SiteKeys, *, subscriber_id: int, uid: str, digest: str, domain: str) -> str:
    """The mailto: link of List-Unsubscribe (RFC 2369) for this subscriber and digest, at the domain of bounces."""
    local = leave_local(keys, subscriber_id=subscriber_id, uid=uid, digest=digest)
    return f"mailto:{local}@{domain}?subject=unsubscribe"


def leave_local(keys: SiteKeys, *, subscriber_id: int, uid: str, digest: str) -> str:
    """The local part of that address: 29 characters. ValueError for an id beyond 48 bits."""
    return LEAVE.write(keys.tokens, (subscriber_id,), (uid, digest))


def is_leave_address(local_part: str) -> bool:
    """Whether this is meant for leaving, well or badly."""
    return LEAVE.is_meant(local_part)


def named_by_leave(local_part: str) -> int | None:
    """The subscriber's id in the address of List-Unsubscribe, yet unproven (see `leaves`); None where it is cut."""
    ids = LEAVE.named(local_part)
    return ids[0] if ids else None


def leaves(local_part: str, keys: SiteKeys, *, subscriber_id: int, uid: str, digest: str) -> bool:
    """Whether this address was made by us for exactly this subscriber and digest, with a key that is still kept."""
    return LEAVE.proven(local_part, keys.tokens, (uid, digest)) == (subscriber_id,)
