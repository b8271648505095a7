"""Rules between settings. `check` says what cannot work together; it looks at the document and not at the typed tree,
so that it speaks up beside faults of any other kind. `warnings` says what works, but should not stay: settings that
are still the example's, key files that are not there yet."""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import islice, pairwise
from pathlib import Path

from syndicate.config.environment import overrides
from syndicate.config.faults import Fault, Finding, Places, Where, lines_of
from syndicate.config.settings import Config
from syndicate.config.tables import Digest, Dkim
from syndicate.timetable import parse

# RFC 2606: the names that belong to nobody.
_EXAMPLE = re.compile(r"(?:^|[@/.])example(?:\.(?:com|net|org))?(?::\d+)?$", re.IGNORECASE)
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_TWO_YEARS = timedelta(days=800)  # holds two slots of a yearly digest
_MOST_SLOTS = 1000


def check(document: dict[str, object]) -> tuple[Finding, ...]:
    """All that does not fit together; values of a wrong kind are passed over, as their kind is a fault already."""
    return (
        *_unique(document, ("sections",), "slug"),
        *_unique(document, ("partners",), "slug"),
        *_unique(document, ("digests",), "slug"),
        *_unique(document, ("mail", "dkim", "keys"), "selector"),
        *_empty(document),
        *_references(document),
        *_sizes(document),
        *_login(document),
        *_signing(document),
    )


def _inside(document: object, *names: str) -> dict[str, object]:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _tables(document: dict[str, object], where: tuple[str, ...]) -> Iterator[tuple[int, dict[str, object]]]:
    *names, last = where
    rows = _inside(document, *names).get(last)
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield index, row


def _unique(document: dict[str, object], where: tuple[str, ...], key: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, row in _tables(document, where):
        value = row.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield Finding((*where, index, key), f"{value!r:.60} is used twice: give this one another {key}")
        seen.add(value)


def _empty(document: dict[str, object]) -> Iterator[Finding]:
    digests = _tables(document, ("digests",))
    for where, value in (
        (("sections",), document.get("sections")),
        (("digests",), document.get("digests")),
        *((("digests", index, "sections"), digest.get("sections")) for index, digest in digests),
    ):
        if value == []:
            yield Finding(where, "is empty: there must be at least one")


def _references(document: dict[str, object]) -> Iterator[Finding]:
    known = sorted({slug for _, row in _tables(document, ("sections",)) if isinstance(slug := row.get("slug"), str)})
    if not known:  # without sections each reference would only repeat that fault
        return
    for index, digest in _tables(document, ("digests",)):
        wanted = digest.get("sections")
        seen: set[str] = set()
        for at, slug in enumerate(wanted if isinstance(wanted, list) else ()):
            if not isinstance(slug, str):
                continue
            where: Where = ("digests", index, "sections", at)
            if slug not in known:
                near = get_close_matches(slug, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(known)}"
                yield Finding(where, f"there is no section {slug!r:.60}: {hint}")
            elif slug in seen:
                yield Finding(where, f"names the section {slug!r:.60} twice")
            seen.add(slug)


def _sizes(document: dict[str, object]) -> Iterator[Finding]:
    for index, digest in _tables(document, ("digests",)):
        least, most = (digest.get(key, Digest.model_fields[key].default) for key in ("min_items", "max_items"))
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield Finding(("digests", index, "min_items"), f"is more than max_items ({most})")


def _login(document: dict[str, object]) -> Iterator[Finding]:
    smtp = _inside(document, "mail", "smtp")
    if smtp.get("username") and not smtp.get("password"):
        yield Finding(("mail", "smtp", "username"), "needs a password: set password_file (or password)")
    if smtp.get("password") and not smtp.get("username"):
        yield Finding(("mail", "smtp", "username"), "is missing, but there is a password")


def _signing(document: dict[str, object]) -> Iterator[Finding]:
    dkim = _inside(document, "mail", "dkim")
    if dkim.get("sign", Dkim.model_fields["sign"].default) is True and not dkim.get("keys"):
        text = "is true, but there is no key: add [[mail.dkim.keys]], or set it to false when the relay signs"
        yield Finding(("mail", "dkim", "sign"), text)


def warnings(config: Config, environ: Mapping[str, str] = os.environ) -> list[Fault]:
    """What to see to before real people get mail, with line and key. An empty list means that all is set.

    Looks whether the files of secret and keys exist, and does not open them.
    """
    try:
        lines = lines_of(config.path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        lines = {}
    places = Places(lines, {o.where: o.variable for o in overrides(environ)[0]})
    findings = (*_examples(config), *_missing(config), *_unaligned(config), *_forgetful(config))
    faults = [places.fault(finding) for finding in findings]
    return sorted(faults, key=lambda fault: (fault.line or 0, fault.key))


def _examples(config: Config) -> Iterator[Finding]:
    site, mail = config.site, config.mail
    named = {
        ("site", "url"): site.url,
        ("site", "contact"): site.contact,
        ("mail", "from"): mail.from_address,
        ("mail", "reply_to"): mail.reply_to or "",
        ("mail", "bounce_domain"): mail.bounce_domain,
        ("mail", "list_domain"): mail.list_domain,
        ("mail", "dkim", "domain"): mail.dkim.domain if mail.dkim.sign else "",
        ("operator", "address"): config.operator.address,
    }
    for where, value in named.items():
        if _EXAMPLE.search(value):
            yield Finding(where, f"is still the example's ({value}): set your own")
    for index, digest in enumerate(config.digests):
        if digest.sender and _EXAMPLE.search(digest.sender.rstrip(">")):
            yield Finding(("digests", index, "from"), f"is still an example ({digest.sender}): set your own")
    if re.search(r"\bexample\b", site.postal_address, re.IGNORECASE):
        yield Finding(("site", "postal_address"), "is still the example's: the law wants your real one in each mail")


def _missing(config: Config) -> Iterator[Finding]:
    if not _exists(config.site.secret_file):
        yield Finding(
            ("site", "secret_file"), f"there is no {config.site.secret_file}: run `syndicate init`, or restore it"
        )
    for index, key in enumerate(config.mail.dkim.keys if config.mail.dkim.sign else ()):
        if not _exists(key.key_file):
            where = ("mail", "dkim", "keys", index, "key_file")
            yield Finding(
                where, f"there is no {key.key_file}: run `syndicate init`, restore it, or set mail.dkim.sign to false"
            )


def _unaligned(config: Config) -> Iterator[Finding]:
    """DMARC (RFC 7489 §3.1.1) wants the signing domain and that of `from` to belong together."""
    signer, author = config.mail.dkim.domain, config.mail.from_address.rpartition("@")[2]
    if config.mail.dkim.sign and not f".{author}".endswith(f".{signer}") and not signer.endswith(f".{author}"):
        text = f"{signer} does not belong to {author}, the domain of mail.from: DMARC will fail"
        yield Finding(("mail", "dkim", "domain"), text)


def _forgetful(config: Config) -> Iterator[Finding]:
    """A clipping older than `max_age` is never mailed, so a digest must come more often than that."""
    for index, digest in enumerate(config.digests):
        schedule = parse(digest.schedule)
        slots = list(islice(schedule.between(config.zone, _SOME_DAY, _SOME_DAY + _TWO_YEARS), _MOST_SLOTS))
        pauses = [later.at - earlier.at for earlier, later in pairwise(slots)]
        if pauses and max(pauses) + digest.cutoff > digest.max_age:
            text = f"is shorter than the time from a slot to the next ({max(pauses)}): clippings would be left out"
            yield Finding(("digests", index, "max_age"), text)
        if not (slots or schedule.each or schedule.coming(config.zone, _SOME_DAY, 1)):
            yield Finding(("digests", index, "schedule"), f"{digest.schedule!r} has no slot within five years")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder on the way that we may not look into: a question for the doctor
        return True
