"""Settings that are text: plain words, mail addresses and senders, hosts, networks, URLs and paths. Each function reads
one, makes it canonical or refuses it with a ValueError of one clear line. Nothing is looked up.
"""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from email_validator import EmailNotValidError, validate_email

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_SENDER = re.compile(r"(?:(?P<name>[^<>]*)<(?P<inner>[^<>]+)>|(?P<bare>[^<>]+))")
# What an unquoted display name may hold (RFC 5322 §3.2.3) besides letters of other scripts.
_NEEDS_QUOTES = re.compile(r'[()<>\[\]:;@\\,."]')


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
    if not _HOST.fullmatch(text) or len(text) > 253 or text.rstrip(".").rpartition(".")[2].isdecimal():
        raise ValueError(f"{text!r:.80} is no domain name (other scripts in their ASCII form, xn--…)")
    return text.rstrip(".").lower()


def selector(value: str) -> str:
    """A DKIM selector (RFC 6376 §3.1): one or more DNS labels, `s1`, `2026`, `s1.mail`."""
    if not _HOST.fullmatch(value) or value.endswith(".") or len(value) > 63:
        raise ValueError(f"{value!r:.60} is no selector: letters, digits, hyphens and dots")
    return value


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
    """The parts of an absolute http(s) address. No refusal quotes it, as it may hold a password by mistake."""
    text = one_line(value)
    try:
        parts = urlsplit(text)
        name, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no web address: write it whole, https://…") from None
    if parts.scheme not in ("http", "https") or not name or parts.netloc.endswith(":"):
        raise ValueError("is no web address: write it whole, https://…")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if not text.isascii() or re.search(r"[\s<>\"\\^`{|}]", text):
        raise ValueError("holds a character that no web address may hold: write it as %… (in a host name: xn--…)")
    host(name)
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
