"""The headers that every answer carries, and those of pages that belong to one person."""

from collections.abc import Mapping
from types import MappingProxyType

# No script, no frame, nothing from elsewhere: the pages need none of it, so an injected one could not run.
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cross-origin-opener-policy": "same-origin",
    }
)

# The address of such a page is a key: it must not be stored, passed on or indexed.
PERSONAL: Mapping[str, str] = MappingProxyType(
    {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
    }
)
