"""Settings that follow from others when they are not given, paths made absolute, secrets read from `<key>_file`."""

from collections.abc import Callable
from contextlib import suppress
from os.path import abspath
from pathlib import Path
from urllib.parse import urlsplit

from syndicate.config.faults import Finding, Where
from syndicate.config.texts import address as read_address
from syndicate.config.texts import domain as read_domain
from syndicate.config.texts import site_url, split_sender

# The secrets that may also stand in a file of their own, named by `<key>_file`.
SECRETS = (("mail", "smtp", "password"), ("database", "url"))
_STAND_IN = "news@example.org"


def fill(document: dict[str, object], folder: Path) -> tuple[Finding, ...]:
    """Complete `document` in place; `folder` is the site folder. Returns what is wrong with secret files."""
    faults = tuple(fault for secret in SECRETS for fault in _from_file(document, secret, folder))
    _files(document, folder)
    _names(document)
    _templates(document)
    return faults


def _table(document: dict[str, object], *names: str) -> dict[str, object]:
    """The table of that name, made when it is not there; one that is no table is left to the later check."""
    inner: dict[str, object] = document
    for name in names:
        found = inner.setdefault(name, {})
        if not isinstance(found, dict):
            return {}
        inner = found
    return inner


def _absolute(value: object, folder: Path) -> object:
    """A relative path as an absolute one; anything else as it is."""
    return abspath(folder / value) if isinstance(value, str) and value.strip() else value


def _from_file(document: dict[str, object], secret: tuple[str, ...], folder: Path) -> tuple[Finding, ...]:
    *names, key = secret
    inside = _table(document, *names)
    where: Where = (*names, f"{key}_file")
    if f"{key}_file" not in inside:
        return ()
    file = inside.pop(f"{key}_file")
    if key in inside:
        return (Finding(where, f"is set beside {key}: keep one of the two"),)
    # The place is taken in any case, so that a file that cannot be read is one fault and not two.
    inside[key] = "sqlite:///unread.db" if key == "url" else "unread"
    if not isinstance(file, str) or not file.strip() or "\0" in file:
        return (Finding(where, "expected the path of a file in quotes"),)
    try:
        inside[key] = Path(abspath(folder / file)).read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        return (Finding(where, f"cannot read it: {error.strerror}"),)
    except UnicodeDecodeError:
        return (Finding(where, "is no UTF-8 text"),)
    return ()


def _files(document: dict[str, object], folder: Path) -> None:
    site, database, dkim = _table(document, "site"), _table(document, "database"), _table(document, "mail", "dkim")
    site["secret_file"] = _absolute(site.get("secret_file", "secret.key"), folder)
    database["url"] = _database(database.get("url", "sqlite:///syndicate.db"), folder)
    keys = dkim.get("keys")
    for key in keys if isinstance(keys, list) else ():
        if isinstance(key, dict) and "key_file" in key:
            key["key_file"] = _absolute(key["key_file"], folder)


def _database(url: object, folder: Path) -> object:
    start = "sqlite:///"
    if not isinstance(url, str) or not url.startswith(start):
        return url
    file, mark, options = url.removeprefix(start).partition("?")
    if not file or file == ":memory:":
        return url
    return f"{start}{abspath(folder / file)}{mark}{options}"


def _names(document: dict[str, object]) -> None:
    """Addresses and domains that follow from `mail.from` and `site.url`.

    Where those are missing or wrong, what follows from them gets a stand-in: one mistake, one fault.
    """
    site, mail = _table(document, "site"), _table(document, "mail")
    address = _read(mail.get("from"), lambda text: split_sender(text)[1]) or _STAND_IN
    domain = address.rpartition("@")[2]
    # A site that is tried out at a bare IP address takes the sender's domain.
    host = _read(site.get("url"), lambda text: read_domain(urlsplit(site_url(text)).hostname or "")) or domain
    site.setdefault("contact", address)
    mail.setdefault("bounce_domain", domain)
    mail.setdefault("list_domain", host)
    _table(document, "mail", "dkim").setdefault("domain", domain)
    _table(document, "operator").setdefault("address", _read(site["contact"], read_address) or address)


def _templates(document: dict[str, object]) -> None:
    """A digest that sends every clipping by itself has another look than one of many."""
    digests = document.get("digests")
    for digest in digests if isinstance(digests, list) else ():
        if isinstance(digest, dict):
            each = str(digest.get("schedule", "")).strip().lower() == "each"
            digest.setdefault("template", "single" if each else "digest")


def _read(value: object, reading: Callable[[str], str]) -> str:
    if isinstance(value, str):
        with suppress(ValueError):
            return reading(value)
    return ""
