"""Signed tokens for the links in mail: short text that names something and proves that we made it.

No table holds a token: it is an HMAC-SHA256 (RFC 2104) over purpose and parts, computed again when it is needed.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

_MAC_BYTES = 16  # 128 bits; 26 characters of base32
_PART = re.compile("[a-z0-9]+")
_VERSIONS = "abcdefghijklmnopqrstuvwxyz"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _BASE32 for second in _BASE32)  # the library's own is slow before 3.13


@dataclass(frozen=True)
class TokenKeys:
    """The secrets that sign, by version; new tokens use `current`, old ones stay valid while their version is kept.

    `versions` maps a small number (1 to 26) to at least 16 bytes.
    """

    versions: Mapping[int, bytes] = field(repr=False)
    current: int

    def mac(self, purpose: str, *parts: str, version: int | None = None) -> bytes:
        """The 32 bytes of HMAC-SHA256 over purpose and parts (length-prefixed, so that parts cannot run together)."""
        made = self._begun[self.current if version is None else version].copy()
        made.update(b"".join([len(part).to_bytes(4, "big") + part for part in map(str.encode, (purpose, *parts))]))
        return made.digest()

    @cached_property
    def _begun(self) -> dict[int, hmac.HMAC]:
        """An HMAC for each key, to copy: `hmac.digest` lets go of the interpreter each time, and among many threads it
        takes longer to get it back than to compute."""
        return {version: hmac.new(key, digestmod=hashlib.sha256) for version, key in self.versions.items()}

    def sign(self, purpose: str, *parts: str) -> str:
        """A token `part-part-…-mac` in lower case, safe in a URL path.

        Parts are lower-case letters and digits; the last one may hold hyphens. The last group of characters is the MAC
        with its key version. ValueError for parts that could not be read back.
        """
        *first, last = parts
        if not all(_PART.fullmatch(part) for part in (*first, last.replace("-", ""))):
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
        version = _VERSIONS.find(seal[0]) + 1
        if version not in self.versions:
            return None
        if not hmac.compare_digest(seal.encode(), self._seal(purpose, named, version).encode()):
            return None
        return named

    def _seal(self, purpose: str, parts: tuple[str, ...], version: int) -> str:
        mac = self.mac(purpose, *parts, version=version)[:_MAC_BYTES]
        return _VERSIONS[version - 1] + base32(mac)


def base32(data: bytes) -> str:
    """Lower-case base32 without padding (RFC 4648 §6): letters and digits only, whatever a relay does to case."""
    bits = 8 * len(data)
    whole = -(-bits // 10) * 10
    number = int.from_bytes(data, "big") << (whole - bits)
    text = "".join([_PAIRS[number >> shift & 1023] for shift in range(whole - 10, -1, -10)])
    return text[: -(-bits // 5)]
