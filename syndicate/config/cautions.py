"""What would work, but should not stay: settings that are still the example's, key files that are not there yet."""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

from syndicate.config.environment import overrides
from syndicate.config.faults import Fault
from syndicate.config.places import Finding, Places, lines_of
from syndicate.config.settings import Config
from syndicate.timetable import parse

# RFC 2606: the names that belong to nobody.
_EXAMPLE = re.compile(r"(?:^|[@/.])example(?:\.(?:com|net|org))?(?::\d+)?$", re.IGNORECASE)
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_TWO_YEARS = timedelta(days=800)  # holds two slots of a yearly digest
_MOST_SLOTS = 1000


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
        yield Finding(("site", "secret_file"), f"there is no {config.site.secret_file}: run `syndicate init`")
    for index, key in enumerate(config.mail.dkim.keys if config.mail.dkim.sign else ()):
        if not _exists(key.key_file):
            where = ("mail", "dkim", "keys", index, "key_file")
            yield Finding(where, f"there is no {key.key_file}: run `syndicate init`, or set mail.dkim.sign to false")


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
