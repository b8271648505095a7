"""The address by which a reader leaves a digest by mail: it names subscriber and digest, and proves that we made it."""

import hmac
from base64 import b32decode
from typing import Final

from subscribers.tokens import base32
from syndicate.keys import SiteKeys

_LEAVE: Final = "u+"
_ID_BYTES: Final = 6
_LEAVE_MAC_BYTES: Final = 10
_PADDED: Final = 32
_VERSIONS: Final = "abcdefghijklmnopqrstuvwxyz"


def leave_mailto(keys: SiteKeys, *, subscriber_id: int, uid: str, digest: str, domain: str) -> str:
    """The mailto: link of List-Unsubscribe (RFC 2369) for this subscriber and digest, at the domain of bounces."""
    token = leave_token(keys, subscriber_id=subscriber_id, uid=uid, digest=digest)
    return f"mailto:{_LEAVE}{token}@{domain}?subject=unsubscribe"


def leave_token(keys: SiteKeys, *, subscriber_id: int, uid: str, digest: str, version: int | None = None) -> str:
    """What names a subscriber and a digest in the address of List-Unsubscribe: 27 lower-case letters and digits, the
    id and a MAC of 80 bits over all three. ValueError for an id beyond 48 bits."""
    version = keys.tokens.current if version is None else version
    try:
        named = subscriber_id.to_bytes(_ID_BYTES, "big")
    except OverflowError:
        raise ValueError(f"ids in an address are from 0 to {2 ** (8 * _ID_BYTES) - 1}") from None
    mac = keys.tokens.mac("leave", named.hex(), uid, digest, version=version)[:_LEAVE_MAC_BYTES]
    return _VERSIONS[version - 1] + base32(named + mac)


def is_leave_address(local_part: str) -> bool:
    """Whether this is meant for leaving, well or badly."""
    return local_part.strip().lower().startswith(_LEAVE)


def named_by_leave(local_part: str) -> int | None:
    """The subscriber's id in the address of List-Unsubscribe, yet unproven (see `leaves`); None where it is cut."""
    token = local_part.strip().lower().removeprefix(_LEAVE)
    try:
        named = b32decode(token[1:].upper().encode("ascii").ljust(_PADDED, b"="))
    except ValueError:
        return None
    return int.from_bytes(named[:_ID_BYTES], "big") if len(named) == _ID_BYTES + _LEAVE_MAC_BYTES else None


def leaves(local_part: str, keys: SiteKeys, *, subscriber_id: int, uid: str, digest: str) -> bool:
    """Whether this address was made by us for exactly this subscriber and digest, with a key that is still kept. Case
    is forgiven: some mail software changes it."""
    token = local_part.strip().lower().removeprefix(_LEAVE)
    version = _VERSIONS.find(token[:1]) + 1
    if not token.isascii() or version not in keys.tokens.versions:
        return False
    wanted = leave_token(keys, subscriber_id=subscriber_id, uid=uid, digest=digest, version=version)
    return hmac.compare_digest(token.encode("ascii"), wanted.encode("ascii"))
