"""DKIM (RFC 6376, RFC 8463): reads and makes the site's keys, and signs a finished mail with each of them."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from syndicate.durable import created
from syndicate.errors import SyndicateError

PrivateKey = rsa.RSAPrivateKey | Ed25519PrivateKey

_MAKE_BITS: Final = 2048
_LEAST_BITS: Final = 1024  # RFC 8301 §3.2: receivers must not accept less
# Signed where they are present, in this order.
_SIGNED: Final = (
    *("from", "reply-to", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("content-language", "auto-submitted", "list-id", "list-unsubscribe", "list-unsubscribe-post"),
    *("list-archive", "feedback-id", "precedence"),
)
# Named once more than they are present, so that a second one added on the way breaks the signature.
_SEALED: Final = ["from", "reply-to", "to", "subject", "date", "message-id", "mime-version", "content-type"]
_SEALED_IF_PRESENT: Final = ["list-unsubscribe", "list-unsubscribe-post"]
_SPACES: Final = re.compile(rb"[ \t]+")
_NEXT_FIELD: Final = re.compile(rb"\r\n(?![ \t])")


class DkimKeyFault(SyndicateError):
    """A DKIM key file is missing, unreadable or too weak."""

    status = 2


class KeySetting(Protocol):
    """One key in the settings."""

    @property
    def selector(self) -> str: ...
    @property
    def key_file(self) -> Path: ...


class DkimSettings(Protocol):
    """The part of the settings that says how mail is signed; `sign` False: the relay does it."""

    @property
    def sign(self) -> bool: ...
    @property
    def domain(self) -> str: ...
    @property
    def keys(self) -> Sequence[KeySetting]: ...


@dataclass(frozen=True)
class SigningKey:
    """A private key and the name under which its public half stands in the DNS."""

    selector: str
    domain: str
    private_key: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.private_key, rsa.RSAPrivateKey) else "ed25519-sha256"

    def seal(self, data: bytes) -> bytes:
        """The signature over `data`."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, padding.PKCS1v15(), SHA256())
        return self.private_key.sign(hashlib.sha256(data).digest())  # RFC 8463 §3: over the hash


def load_keys(settings: DkimSettings) -> tuple[SigningKey, ...]:
    """The keys that sign, in the order of the settings; none where the relay signs. Raises DkimKeyFault."""
    if not settings.sign:
        return ()
    return tuple(SigningKey(key.selector, settings.domain, _read_key(key.key_file)) for key in settings.keys)


def sign(header: bytes, body: bytes, keys: Iterable[SigningKey], at: datetime) -> bytes:
    """`header` (the fields with CRLF, without the empty line) with a DKIM-Signature in front for each key.

    `at` (aware) is the signature's time: an edition's own instant, so that every attempt is signed alike. The header
    is canonicalised relaxed, the body simple (ours is generated, and quoted-printable needs no forgiveness).
    """
    names, values = zip(*map(_relaxed, _NEXT_FIELD.split(header)[:-1]), strict=True)
    places, covered = _layout(names)
    signed = b"".join([values[place] for place in places])
    body_hash = b64encode(hashlib.sha256(_simple(body)).digest())
    seconds = int(at.timestamp())
    return b"".join([_signature(key, covered, signed, body_hash, seconds) for key in keys]) + header


def make_key(path: Path) -> str:
    """Write a new RSA-2048 key to `path`, readable by its owner only, and return its DNS record.

    FileExistsError where there is a file: a key in use is never overwritten.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=_MAKE_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with created(path) as file:
        file.write(pem)
    return _record(key)


def dns_record(key_file: Path) -> str:
    """The TXT record (RFC 6376 §3.6.1) for `<selector>._domainkey.<domain>`. Raises DkimKeyFault."""
    return _record(_read_key(key_file))


def _record(key: PrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={b64encode(public).decode('ascii')}"
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={b64encode(public).decode('ascii')}"


def _read_key(path: Path) -> PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        remedy = "restore it, make one (`openssl genrsa -out FILE 2048`), or set mail.dkim.sign to false"
        raise DkimKeyFault(f"no DKIM key at {path}: {remedy}") from None
    except OSError as error:
        raise DkimKeyFault(f"cannot read the DKIM key {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise DkimKeyFault(f"{path} is no private key in PEM without a password: {error}") from error
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DkimKeyFault(f"{path} holds a key that DKIM does not know: make one of RSA or ed25519")
    if key.key_size < _LEAST_BITS:
        raise DkimKeyFault(f"{path} is an RSA key of {key.key_size} bits, receivers want {_LEAST_BITS} or more")
    return key


@lru_cache(maxsize=64)
def _layout(names: tuple[bytes, ...]) -> tuple[tuple[int, ...], str]:
    """For a header with these fields: the places of those that are signed, in their order (of several of one name the
    last comes first), and the value of h=. The same for all mails of an edition, and so kept."""
    known = [name.decode("ascii", "replace") for name in names]
    present = [(name, place) for name in _SIGNED for place in reversed(range(len(known))) if known[place] == name]
    sealed = [*_SEALED, *(name for name in _SEALED_IF_PRESENT if name in known)]
    return tuple(place for _, place in present), _folded_names([*(name for name, _ in present), *sealed])


@lru_cache(maxsize=256)
def _relaxed(field: bytes) -> tuple[bytes, bytes]:
    """The field's name in lower case, and the whole field relaxed (RFC 6376 §3.4.2).

    Kept, because in the mails of one edition all fields are the same but To, Message-ID and List-Unsubscribe."""
    name, _, value = field.partition(b":")
    name = name.rstrip(b" \t").lower()
    words = value.replace(b"\r\n", b"")
    if b"\t" in words or b"  " in words:
        words = _SPACES.sub(b" ", words)
    return name, b"%b:%b\r\n" % (name, words.strip(b" "))


def _simple(body: bytes) -> bytes:
    """The body in the simple form (RFC 6376 §3.4.3): one line end at the end."""
    if body.endswith(b"\r\n") and body[-3:-2] not in (b"", b"\r", b"\n"):
        return body  # as ours always is: not copied
    return body.rstrip(b"\r\n") + b"\r\n"


def _signature(key: SigningKey, covered: str, signed: bytes, body_hash: bytes, seconds: int) -> bytes:
    own, relaxed = _own_field(key.algorithm, key.domain, key.selector, covered, seconds)
    # Its own field comes last, with an empty b= and without a line end (RFC 6376 §3.7).
    text = b64encode(key.seal(b"".join((signed, relaxed, body_hash, b"; b="))))
    rows = [text[start : start + 72] for start in range(0, len(text), 72)]
    return b"".join((own, body_hash, b";\r\n b=", b"\r\n ".join(rows), b"\r\n"))


@lru_cache(maxsize=64)
def _own_field(algorithm: str, domain: str, selector: str, covered: str, seconds: int) -> tuple[bytes, bytes]:
    """The signature's field up to its body hash: as it goes out, and relaxed. The same for all mails of an edition."""
    field = (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/simple;\r\n"
        f" d={domain}; s={selector}; t={seconds};\r\n"
        f" h={covered};\r\n"
        f" bh="
    ).encode("ascii")
    return field, _relaxed(field)[1].removesuffix(b"\r\n")


def _folded_names(names: Iterable[str]) -> str:
    rows = [""]
    for name in names:
        if len(rows[-1]) + len(name) > 70:
            rows.append("")
        rows[-1] += f"{name}:"
    return "\r\n  ".join(rows)[:-1]
