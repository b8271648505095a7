"""Signed local parts: what stands before the @ in an address that we made. It names rows by their ids, and proves that
we did. It is lower-case base32, as relays may change case, and has at most 64 characters (RFC 5321 §4.5.3.1.1)."""

import hmac
from base64 import b32decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from subscribers.tokens import VERSIONS, TokenKeys, base32

_ID_BYTES: Final = 6
_LARGEST: Final = 2 ** (8 * _ID_BYTES) - 1


@dataclass(frozen=True)
class LocalPart:
    """One kind of them: `prefix` is what mail servers sort by (RFC 5233), `purpose` what the keys sign it for, `ids`
    the number of ids in it, `mac_bytes` the length of its proof."""

    prefix: str
    purpose: str
    ids: int
    mac_bytes: int

    def write(
        self, keys: TokenKeys, ids: Sequence[int], bound: Sequence[str] = (), *, version: int | None = None
    ) -> str:
        """The local part that names these ids. `bound` is proven too, but does not stand in it. ValueError for an id
        that is negative or beyond 48 bits."""
        version = keys.current if version is None else version
        try:
            named = b"".join([one.to_bytes(_ID_BYTES, "big") for one in ids])
        except OverflowError:
            raise ValueError(f"ids in an address are from 0 to {_LARGEST}") from None
        mac = keys.mac(self.purpose, named.hex(), *bound, version=version)[: self.mac_bytes]
        return f"{self.prefix}{VERSIONS[version - 1]}{base32(named + mac)}"

    def is_meant(self, local_part: str) -> bool:
        """Whether it claims to be of this kind, rightly or not."""
        return _plain(local_part).startswith(self.prefix)

    def named(self, local_part: str) -> tuple[int, ...] | None:
        """The ids that it names, yet unproven; None where it is cut or of another kind."""
        text = _plain(local_part)
        if not text.startswith(self.prefix):
            return None
        packed = text[len(self.prefix) + 1 :].upper()
        try:
            data = b32decode(packed.ljust(-(-len(packed) // 8) * 8, "=").encode("ascii"))
        except ValueError:
            return None
        if len(data) != self.ids * _ID_BYTES + self.mac_bytes:
            return None
        return tuple(
            int.from_bytes(data[at : at + _ID_BYTES], "big") for at in range(0, self.ids * _ID_BYTES, _ID_BYTES)
        )

    def proven(self, local_part: str, keys: TokenKeys, bound: Sequence[str] = ()) -> tuple[int, ...] | None:
        """The ids that it names, if we made it for them and for `bound` with a key that is still kept; else None."""
        text = _plain(local_part)
        ids = self.named(text)
        version = VERSIONS.find(text[len(self.prefix) : len(self.prefix) + 1]) + 1
        if ids is None or version not in keys.versions:
            return None
        made = self.write(keys, ids, bound, version=version)
        return ids if hmac.compare_digest(text.encode("utf-8", "replace"), made.encode("ascii")) else None


def _plain(local_part: str) -> str:
    """As we wrote it: some mail software changes case."""
    return local_part.strip().lower()
