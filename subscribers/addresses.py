"""The one reader of addresses, at sign-up, import and sending alike: what it accepts can be mailed as it stands."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from subscribers.errors import InvalidAddress
from subscribers.models import ADDRESS_CHARACTERS

_AROUND = " \u00a0"  # what pasting leaves at the ends; a control character is never forgiven


@dataclass(frozen=True)
class Address:
    """`display` is what is stored and mailed: pure ASCII, the domain in lower case as A-labels (RFC 5891), the local
    part as typed. `key` is the same in lower case: two addresses of one key are one person."""

    display: str
    key: str


def parse(text: str) -> Address:
    """Read one address (RFC 5321, without quoted local parts, address literals, display names or SMTPUTF8).

    Spaces at the ends are forgiven. No network is asked. Raises InvalidAddress with the reason.
    """
    text = text.strip(_AROUND)
    if len(text) > ADDRESS_CHARACTERS:
        raise InvalidAddress(text, f"it is longer than {ADDRESS_CHARACTERS} characters.")
    if not all(character.isprintable() for character in text):
        raise InvalidAddress(text, "it holds a character that cannot be seen.")
    local, at, _ = text.rpartition("@")
    if at and "@" not in local and not local.isascii():
        raise InvalidAddress(text, "the part before the @ may hold only ASCII letters; please use another address.")
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(text, str(error)) from None
    if found.ascii_email is None:  # the validator's types allow it, its words do not
        raise InvalidAddress(text, "it cannot be written in ASCII.")
    return Address(display=found.ascii_email, key=found.ascii_email.lower())


def masked(address: str) -> str:
    """An address that its owner recognises and nobody else can use: `alice@example.org` as `a…e@example.org`."""
    local, _, domain = address.rpartition("@")
    first = local[0] if len(local) > 1 else ""
    last = local[-1] if len(local) > 2 else ""
    return f"{first}…{last}@{domain}"
