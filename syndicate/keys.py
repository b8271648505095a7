"""The site's secret: made once by `init`, kept in a file of its own (0600), never logged, never stored elsewhere; and
the tokens that it signs for the links in our mails."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from subscribers.tokens import TokenKeys, base32
from syndicate.durable import created
from syndicate.errors import SyndicateError

_BYTES = 32
# What a token is for: signed with it, so that one kind of link never passes for another.
_CONFIRM, _UNSUBSCRIBE, _PREFERENCES = "confirm", "unsubscribe", "preferences"
_INVITE = "invite"
_RELAY_LOGIN = "relay-login"
SAMPLE = "sample"
"""Stands where a token would in the links of a mail that is only a test. No token of ours is like it."""
_FIRST = 1  # it stays in the file when keys are rotated


@dataclass(frozen=True, repr=False)
class SiteKeys:
    """What the secret file gives: the signing keys by version and the key for hashed addresses.

    The address key is derived from version 1, which therefore stays in the file when keys are rotated.
    """

    tokens: TokenKeys
    address_key: bytes

    def address_hash(self, address_key: str) -> str:
        """The keyed hash (32 lower-case base32 characters) under which an address is known to the suppression list."""
        return base32(hmac.digest(self.address_key, address_key.encode(), hashlib.sha256)[:20])

    @property
    def address_mark(self) -> str:
        """Tells keyed hashes of this secret from those of another; says nothing of the secret."""
        return self.address_hash("mark")[:8]

    def confirm_token(self, letter_uid: str) -> str:
        """The token of the link in a confirmation letter: computed at each attempt, stored nowhere."""
        return self.tokens.sign(_CONFIRM, letter_uid)

    def read_confirm(self, token: str) -> str | None:
        """The uid of the letter that this token is for; None if it is no such token of ours."""
        named = self.tokens.read(_CONFIRM, token)
        return named[0] if named else None

    def unsubscribe_token(self, subscriber_uid: str, digest: str) -> str:
        """The token of the link by which this subscriber leaves this digest."""
        return self.tokens.sign(_UNSUBSCRIBE, subscriber_uid, digest)

    def read_unsubscribe(self, token: str) -> tuple[str, str] | None:
        """The subscriber's uid and the digest's slug; None if it is no such token of ours."""
        named = self.tokens.read(_UNSUBSCRIBE, token, parts=2)
        return (named[0], named[1]) if named else None

    def preferences_token(self, subscriber_uid: str) -> str:
        """The token of the link to a subscriber's own page."""
        return self.tokens.sign(_PREFERENCES, subscriber_uid)

    def read_preferences(self, token: str) -> str | None:
        """The subscriber's uid; None if it is no such token of ours."""
        named = self.tokens.read(_PREFERENCES, token)
        return named[0] if named else None

    def invitation_token(self, letter_uid: str) -> str:
        """The token of the link in an invitation to the desk: computed at each attempt, stored nowhere."""
        return self.tokens.sign(_INVITE, letter_uid)

    def read_invitation(self, token: str) -> str | None:
        """The uid of the letter that this token is for; None if it is no such token of ours."""
        named = self.tokens.read(_INVITE, token)
        return named[0] if named else None

    def login_hash(self, security: str, username: str, password: str) -> str:
        """The keyed hash (32 lower-case base32 characters) by which a relay's login is known again once it is changed.

        Whoever reads it learns nothing of the password, and it is no token of ours."""
        return base32(self.tokens.mac(_RELAY_LOGIN, security, username, password, version=_FIRST)[:20])

    def __repr__(self) -> str:
        return "SiteKeys(…)"


class MissingSecret(SyndicateError):
    """There is no readable secret file."""

    status = 2


def create_secret(path: Path) -> None:
    """Write a new random secret to `path`, readable by its owner only. An existing file is never touched."""
    lines = (
        "# The secret of this site. Keep it, back it up, show it to nobody. One line a key version.",
        f"1 {secrets.token_hex(_BYTES)}",
    )
    with created(path) as file:
        file.write("".join(f"{line}\n" for line in lines).encode("ascii"))


def load_secret(path: Path) -> SiteKeys:
    """Read the secret file: lines `VERSION HEX`; the highest version signs.

    Raises MissingSecret with the remedy when the file is absent, unreadable or not of that form.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise MissingSecret(
            f"no secret file at {path}: run `syndicate init` to make a site, or restore the file from a backup"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MissingSecret(f"cannot read the secret file {path}: {error}") from None
    versions: dict[int, bytes] = {}
    for number, line in enumerate(lines, 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            number_text, hex_text = words
            version, key = int(number_text), bytes.fromhex(hex_text)
        except ValueError:
            raise MissingSecret(f"{path}, line {number}: expected a key version and its key in hex") from None
        if not 1 <= version <= 26 or len(key) < 16:
            raise MissingSecret(f"{path}, line {number}: a version is 1 to 26, a key at least 16 bytes")
        if version in versions:
            raise MissingSecret(f"{path}, line {number}: version {version} stands there twice, and one must be wrong")
        versions[version] = key
    if 1 not in versions:
        raise MissingSecret(f"{path} holds no key of version 1: restore the file from a backup")
    address_key = hmac.digest(versions[1], b"addresses", hashlib.sha256)
    return SiteKeys(TokenKeys(versions, max(versions)), address_key)
