"""Signed tokens for the links in mail: short text that names something and proves that we made it.

No table holds a token: it is an HMAC-SHA256 (RFC 2104) over purpose and parts, computed again when it is needed.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from struct import Struct
from typing import Any, Final

VERSIONS: Final = "abcdefghijklmnopqrstuvwxyz"
"""The letter that stands in a token for each key version, from 1 on."""
_BLOCK = 64  # bytes of SHA-256
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_LENGTH = Struct(">I").pack
_MAC_BYTES = 16  # 128 bits; 26 characters of base32
_PART = re.compile("[a-z0-9]+")
_DIGITS = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256)


@dataclass(frozen=True)
class TokenKeys:
    """The secrets that sign, by version; new tokens use `current`, old ones stay valid while their version is kept.

    `versions` maps a small number (1 to 26) to at least 16 bytes.
    """

    versions: Mapping[int, bytes] = field(repr=False)
    current: int

    def mac(self, purpose: str, *parts: str, version: int | None = None) -> bytes:
        """The 32 bytes of HMAC-SHA256 over purpose and parts (length-prefixed, so that parts cannot run together)."""
        inner, outer = self._begun[self.current if version is None else version]
        text = b""
        for part in (purpose, *parts):
            encoded = part.encode()
            text += _LENGTH(len(encoded)) + encoded
        first, second = inner.copy(), outer.copy()
        first.update(text)
        second.update(first.digest())
        made: bytes = second.digest()
        return made

    @cached_property
    def _begun(self) -> dict[int, tuple[Any, Any]]:
        """For each key the two hashes of HMAC (RFC 2104 §2) with the key in them, to copy: that costs half of what the
        library's own copy does, and each mail needs five. `hmac.digest` also lets go of the interpreter each time, and
        among many threads it takes longer to get it back than to compute."""
        keys = {
            version: (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
            for version, key in self.versions.items()
        }
        return {
            version: (hashlib.sha256(key.translate(_INNER)), hashlib.sha256(key.translate(_OUTER)))
            for version, key in keys.items()
        }

    def sign(self, purpose: str, *parts: str) -> str:
        """A token `part-part-…-mac` in lower case, safe in a URL path.

        Parts are lower-case letters and digits; the last one may hold hyphens. The last group of characters is the MAC
        with its key version. ValueError for parts that could not be read back.
        """
        *first, last = parts
        if not all(map(_PART.fullmatch, (*first, last.replace("-", "")))):
            raise ValueError("a token names lower-case letters and digits only, with hyphens in its last part")
        return "-".join((*parts, self._seal(purpose, parts, self.current)))

    def read(self, purpose: str, token: str, parts: int = 1) -> tuple[str, ...] | None:
        """The `parts` that were signed, or None if the token is cut, changed, forged, of another purpose or of a
        key that is gone. Case is forgiven: some mail software changes it."""
        pieces = token.strip().lower().split("-")
        if len(pieces) < parts + 1 or not pieces[-1] or not token.isascii():
            return None
        *inner, seal = pieces
        # A slug may hold hyphens, so the last part takes what is left.
        named = (*inner[: parts - 1], "-".join(inner[parts - 1 :]))
        version = VERSIONS.find(seal[0]) + 1
        if version not in self.versions:
            return None
        if not hmac.compare_digest(seal.encode(), self._seal(purpose, named, version).encode()):
            return None
        return named

    def _seal(self, purpose: str, parts: tuple[str, ...], version: int) -> str:
        mac = self.mac(purpose, *parts, version=version)[:_MAC_BYTES]
        return VERSIONS[version - 1] + base32(mac)


def base32(data: bytes) -> str:
    """Lower-case base32 without padding (RFC 4648 §6): letters and digits only, whatever a relay does to case."""
    spare, steps, places, characters = _spreading(len(data))
    number = int.from_bytes(data, "big") << spare
    for upper, distance in steps:
        moved = number & upper
        number += (moved << distance) - moved
    return number.to_bytes(places, "big").translate(_DIGITS)[:characters].decode("ascii")


@lru_cache(maxsize=64)
def _spreading(size: int) -> tuple[int, tuple[tuple[int, int], ...], int, int]:
    """How `size` bytes are spread so that each five bits of them have a byte of their own: in halves, then in quarters
    and so on, all at once, which takes a step for each doubling in place of one for each character.

    The bits that are missing at the end; for each step the mask of the upper halves and how far they move; the bytes
    that it takes, of which the last may be spare; and the characters that count."""
    characters = -(-8 * size // 5)
    places = 1 << max(characters - 1, 0).bit_length()
    steps = []
    half = places // 2
    while half:
        lower = sum(((1 << 5 * half) - 1) << 16 * half * block for block in range(places // (2 * half)))
        steps.append((lower << 5 * half, 3 * half))
        half //= 2
    return 5 * places - 8 * size, tuple(steps), places, characters
