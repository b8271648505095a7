"""Public ids: random, so that nobody can guess the next one, and fit for the local part of an address."""

import secrets

from subscribers.tokens import base32

_BYTES = 10


def new_uid() -> str:
    """A fresh id: 16 characters of lower-case base32 (RFC 4648 §6), 80 random bits from the system, no hyphen."""
    return base32(secrets.token_bytes(_BYTES))
