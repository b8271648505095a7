"""The kinds of values that settings hold: each reads one value, makes it canonical, or says what is wrong with it.

A refusal is a ValueError of one clear line; pydantic collects them all. No file, no network, no clock.
"""

import re
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from syndicate.timetable import BadSchedule
from syndicate.timetable import parse as parse_schedule

LONGEST = timedelta(days=3650)

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_SENDER = re.compile(r"(?:(?P<name>[^<>]*)<(?P<inner>[^<>]+)>|(?P<bare>[^<>]+))")
# What an unquoted display name may hold (RFC 5322 §3.2.3) besides letters of other scripts.
_NEEDS_QUOTES = re.compile(r'[()<>\[\]:;@\\,."]')
# RFC 5646 §2.1, without the grandfathered tags.
_LANGUAGE = re.compile(
    r"[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-x(?:-[A-Za-z0-9]{1,8})+)?"
)


def clean_text(value: str) -> str:
    """The text without outer white space; refuses control characters and lone surrogates but for line breaks."""
    if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in value):
        raise ValueError("holds a control character: remove it")
    return value.strip()


def one_line(value: str) -> str:
    """Clean, not empty, on one line."""
    text = clean_text(value)
    if not text:
        raise ValueError("is empty: write something here")
    if "\n" in text or "\t" in text:
        raise ValueError("must be one line of text without tabs")
    return text


def maybe_line(value: str) -> str:
    """Clean, on one line, perhaps empty."""
    return one_line(value) if value.strip() else ""


def paragraph(value: str) -> str:
    """Clean and not empty; may have several lines."""
    text = clean_text(value)
    if not text:
        raise ValueError("is empty: write something here")
    return text


def file_path(value: object) -> object:
    """The path of a file; relative ones were made absolute before (config.defaults)."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("expected the path of a file in quotes")
    return Path(one_line(value))


def slug(value: str) -> str:
    """A short name for addresses: `weekly`, `dont-miss`."""
    if not _SLUG.fullmatch(value):
        raise ValueError(
            f"{value!r:.60} is no slug: lower-case letters, digits and hyphens, a letter first, at most 32"
        )
    return value


def plain_name(value: str) -> str:
    """A name that is safe as a folder's or a DNS label's: letters, digits, - and _."""
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r:.60} is no plain name: letters, digits, - and _, at most 64")
    return value


def duration(value: object) -> object:
    """`"30s"`, `"10m"`, `"6h"`, `"14d"` as a timedelta; a timedelta stays as it is."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError('expected a duration in quotes, such as "30s", "10m", "6h" or "14d"')
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if int(found[1]) < 10**9 else LONGEST
    if length > LONGEST:
        raise ValueError(f"is too long: at most {LONGEST.days}d")
    return length


def not_zero(value: timedelta) -> timedelta:
    """A duration of something that must last."""
    if not value:
        raise ValueError("must be longer than nothing")
    return value


def address(value: str) -> str:
    """An e-mail address in ASCII, its domain in lower case (no look-up is made)."""
    text = one_line(value)
    try:
        # "test_environment" lets the reserved domain .test pass, which closed networks use.
        valid = validate_email(text, allow_smtputf8=False, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{text!r:.80} is no e-mail address: {reason}") from None
    return valid.ascii_email or valid.normalized


def split_sender(value: str) -> tuple[str, str]:
    """Name and address of `"Name <a@b>"`, `'"Name, Inc." <a@b>'` or `a@b` (the name is then empty).

    Raises ValueError when there is no such thing in it.
    """
    text = one_line(value)
    found = _SENDER.fullmatch(text)
    if not found:
        raise ValueError(f'{text!r:.80} is no sender: write "Name <address@example.org>"')
    name = (found["name"] or "").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1]).strip()
    return name, address(found["inner"] or found["bare"])


def sender(value: str) -> str:
    """The canonical `Name <a@b>`, the name in quotes where RFC 5322 wants them; or the bare address."""
    name, mailbox = split_sender(value)
    if not name:
        return mailbox
    if _NEEDS_QUOTES.search(name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{mailbox}>"


def domain(value: str) -> str:
    """A host or domain name in ASCII, lower case, without a final dot."""
    text = one_line(value)
    if not _HOST.fullmatch(text) or len(text) > 253:
        raise ValueError(f"{text!r:.80} is no domain name (other scripts in their ASCII form, xn--…)")
    return text.rstrip(".").lower()


def host(value: str) -> str:
    """A host name or an IP address, as it is written for a connection."""
    text = one_line(value)
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        return domain(text)


def network(value: str) -> str:
    """An IP network or a single address: `10.0.0.0/8`, `127.0.0.1`."""
    try:
        return str(ip_network(value.strip()))
    except ValueError:
        raise ValueError(f'{value!r:.60} is no network: write "10.0.0.0/8" or one address') from None


def _split_url(value: str) -> SplitResult:
    text = one_line(value)
    try:
        parts = urlsplit(text)
        name, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{text!r:.120} is no web address: {error}") from None
    if parts.scheme not in ("http", "https") or not name or re.search(r"[\s<>\"\\^`{|}]", text):
        raise ValueError(f"{text!r:.120} is no web address: write it whole, https://…")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    try:
        host(name)
    except ValueError:
        raise ValueError(f"{text!r:.120} has no proper host name (other scripts as xn--…)") from None
    return parts


def web_url(value: str) -> str:
    """An absolute http or https address."""
    return _split_url(value).geturl()


def site_url(value: str) -> str:
    """Scheme and host (and port) alone, lower case, no slash at the end: addresses are built on it."""
    parts = _split_url(value)
    if parts.path.strip("/") or parts.query or parts.fragment or value.rstrip().endswith(("?", "#")):
        raise ValueError("must end after the host: no path, no query, no #")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def database_url(value: str) -> str:
    """`sqlite:///FILE` or `postgresql://…`. It may hold a password, so no refusal quotes it."""
    text = one_line(value)
    scheme, found, rest = text.partition("://")
    if found and scheme == "sqlite" and rest.startswith("/") and rest not in ("/", "/:memory:"):
        return text
    if found and scheme in ("postgresql", "postgresql+psycopg") and rest:
        return text
    raise ValueError('expected "sqlite:///FILE" (a file) or "postgresql://USER@HOST/NAME"')


def language(value: str) -> str:
    """A well-formed language tag (BCP 47, RFC 5646)."""
    if not _LANGUAGE.fullmatch(value):
        raise ValueError(f'{value!r:.60} is no language tag: write "en", "pt-BR", "zh-Hant" …')
    return value


def timezone(value: str) -> str:
    """The name of a zone that exists: `America/New_York`."""
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):  # OSError: a folder of the zone database, such as "America"
        near = get_close_matches(value, sorted(available_timezones()), n=1)
        hint = f"did you mean {near[0]}?" if near else 'write it as "America/New_York" or "UTC"'
        raise ValueError(f"there is no time zone {value!r:.60}: {hint}") from None
    return value


def schedule(value: str) -> str:
    """The text of a schedule that syndicate.timetable can read."""
    try:
        parse_schedule(value)
    except BadSchedule as error:
        raise ValueError(str(error)) from None
    return value


def no_truth(value: object) -> object:
    """`true` is not the number 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


def by_comma(value: object) -> object:
    """One text of several values, as the environment holds it, becomes a list; all else stays."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Text = Annotated[str, AfterValidator(one_line)]
Line = Annotated[str, AfterValidator(maybe_line)]
Words = Annotated[str, AfterValidator(clean_text)]
Paragraph = Annotated[str, AfterValidator(paragraph)]
FilePath = Annotated[Path, BeforeValidator(file_path)]
Slug = Annotated[str, AfterValidator(slug)]
PlainName = Annotated[str, AfterValidator(plain_name)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Lasting = Annotated[Duration, AfterValidator(not_zero)]
Address = Annotated[str, AfterValidator(address)]
Sender = Annotated[str, AfterValidator(sender)]
Domain = Annotated[str, AfterValidator(domain)]
Host = Annotated[str, AfterValidator(host)]
Network = Annotated[str, AfterValidator(network)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(by_comma)]
WebUrl = Annotated[str, AfterValidator(web_url)]
SiteUrl = Annotated[str, AfterValidator(site_url)]
DatabaseUrl = Annotated[str, AfterValidator(database_url)]
Language = Annotated[str, AfterValidator(language)]
Timezone = Annotated[str, AfterValidator(timezone)]
ScheduleText = Annotated[str, AfterValidator(schedule)]
