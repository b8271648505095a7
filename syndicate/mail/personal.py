"""One person's mail from a composition: links, Message-ID, return path and signature, alike in every attempt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from subscribers.tokens import base32
from syndicate.config import Config
from syndicate.datelines import Dateline
from syndicate.keys import SiteKeys
from syndicate.mail.compose import Composition
from syndicate.mail.leave import leave_mailto
from syndicate.mail.lines import is_clean
from syndicate.mail.return_path import delivery_return, letter_return
from syndicate.mail.sign import SigningKey, sign

# Identities must not change when a key is rotated between two attempts; version 1 stays in the secret file.
_FIRST: Final = 1


@dataclass(frozen=True)
class Outgoing:
    """What is handed to the relay: both envelope addresses and the parts of the whole mail with CRLF line ends; `clean`
    if each is known to be so as `lines.is_clean` says. Most of it is the same bytes for everybody, and not copied."""

    envelope_from: str
    to: str
    parts: tuple[bytes, ...]
    clean: bool = False

    @property
    def data(self) -> bytes:
        """The whole mail."""
        return b"".join(self.parts)


@dataclass(frozen=True)
class Person:
    """A subscriber as a mail needs them. `since` (aware) is when they agreed; its own calendar day is shown."""

    uid: str
    address: str
    since: datetime


@dataclass(frozen=True)
class EditionRef:
    """An edition as a mail needs it: `digest` is the slug, `at` (aware) the instant fixed for all its mails."""

    id: int
    uid: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class LetterRef:
    """A letter as a mail needs it: `at` (aware) is when it was written."""

    id: int
    uid: str
    at: datetime


@dataclass(frozen=True)
class MailSite:
    """The site's addresses: `url` without trailing slash, the domain bounces come to, the one that names mails."""

    url: str
    bounce_domain: str
    list_domain: str

    @classmethod
    def of(cls, config: Config) -> "MailSite":
        """Those of the configuration."""
        return cls(config.site.url, config.mail.bounce_domain, config.mail.list_domain)


def delivery_mail(
    composition: Composition,
    *,
    person: Person,
    edition: EditionRef,
    site: MailSite,
    subscriber_id: int,
    keys: SiteKeys,
    signing: Sequence[SigningKey],
) -> Outgoing:
    """The mail of one delivery. The same arguments give the same bytes, in every attempt."""
    leave = unsubscribe_url(site, keys, uid=person.uid, digest=edition.digest)
    values = {
        "unsubscribe": leave,
        "preferences": preferences_url(site, keys, uid=person.uid),
        "since": _day(person.since.date(), composition.language),
    }
    identity = delivery_message_id(site, keys, edition_uid=edition.uid, subscriber_uid=person.uid)
    by_mail = leave_mailto(
        keys, subscriber_id=subscriber_id, uid=person.uid, digest=edition.digest, domain=site.bounce_domain
    )
    header, body = composition.fill(person.address, identity, values, leave, by_mail)
    back = delivery_return(keys, edition_id=edition.id, subscriber_id=subscriber_id)
    header = _signed(header, body, signing, edition.at)
    return _outgoing(back, person.address, site, header, body, clean=composition.clean)


def letter_mail(
    composition: Composition,
    *,
    to: str,
    letter: LetterRef,
    site: MailSite,
    keys: SiteKeys,
    signing: Sequence[SigningKey],
    values: Mapping[str, str] | None = None,
) -> Outgoing:
    """The mail of one letter: without the List-Unsubscribe pair. The confirmation link is made here, anew for each
    attempt, as no table may hold it; `values` fills the other slots, if the letter has any."""
    known = {"confirm": confirm_url(site, keys, letter_uid=letter.uid), **(values or {})}
    identity = letter_message_id(site, keys, letter_uid=letter.uid)
    header, body = composition.fill(to, identity, known, None)
    back = letter_return(keys, letter_id=letter.id)
    return _outgoing(back, to, site, _signed(header, body, signing, letter.at), body, clean=composition.clean)


@lru_cache(maxsize=1024)
def _day(day: date, language: str) -> str:
    return Dateline.iso(day.isoformat()).display(language)


def unsubscribe_url(site: MailSite, keys: SiteKeys, *, uid: str, digest: str) -> str:
    """The link by which this subscriber leaves this digest; it stays valid as long as its key is kept."""
    return f"{site.url}/unsubscribe/{keys.unsubscribe_token(uid, digest)}"


def preferences_url(site: MailSite, keys: SiteKeys, *, uid: str) -> str:
    """The link to what this subscriber gets."""
    return f"{site.url}/preferences/{keys.preferences_token(uid)}"


def confirm_url(site: MailSite, keys: SiteKeys, *, letter_uid: str) -> str:
    """The link that confirms what this letter asks about."""
    return f"{site.url}/confirm/{keys.confirm_token(letter_uid)}"


def delivery_message_id(site: MailSite, keys: SiteKeys, *, edition_uid: str, subscriber_uid: str) -> str:
    """The Message-ID (without angle brackets) of a delivery: always the same for the same edition and person."""
    return f"{_identity(keys, 'delivery', edition_uid, subscriber_uid)}@{site.list_domain}"


def letter_message_id(site: MailSite, keys: SiteKeys, *, letter_uid: str) -> str:
    """The Message-ID (without angle brackets) of a letter."""
    return f"{_identity(keys, 'letter', letter_uid)}@{site.list_domain}"


def _signed(header: bytes, body: Iterable[bytes], signing: Sequence[SigningKey], at: datetime) -> bytes:
    return sign(header, b"".join(body), signing, at) if signing else header


def _outgoing(back: str, to: str, site: MailSite, header: bytes, body: Iterable[bytes], *, clean: bool) -> Outgoing:
    whole = header + b"\r\n"
    return Outgoing(f"{back}@{site.bounce_domain}", to, (whole, *body), clean and is_clean(whole))


def _identity(keys: SiteKeys, *parts: str) -> str:
    return base32(keys.tokens.mac("message", *parts, version=_FIRST)[:10])
