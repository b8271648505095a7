"""All checks over all variants of an edition that need nothing but the mail itself."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from syndicate.config import Config, Digest
from syndicate.editions.composing import html_size
from syndicate.editions.fitting import LARGEST_HTML
from syndicate.editions.preflight import contrast, linking, reading, vouching
from syndicate.editions.preflight.facts import Facts, Seen
from syndicate.editions.preflight.findings import Finding, line_of, worst_first
from syndicate.errors import Refused
from syndicate.mail.compose import Composition

_CHECKS: Final[tuple[Callable[[Seen, Facts], Iterator[Finding]], ...]] = (
    reading.subject,
    reading.size,
    reading.both_parts,
    linking.links,
    linking.own_site,
    vouching.alignment,
    reading.text_has_every_link,
    reading.headings,
    reading.language,
    reading.pictures,
    contrast.contrast,
)


class Unfit(Refused):
    """An edition whose mail has a fault, so that it must not go out. The line names each, with its remedy."""


def examine(
    config: Config, digest: Digest, compositions: Iterable[Composition], *, largest_html: int = LARGEST_HTML
) -> tuple[Finding, ...]:
    """What is wrong with the mails of an edition of `digest`, or worth knowing: the worst first, each once."""
    facts = Facts.of(config, digest, largest_html=largest_html)
    found: list[Finding] = []
    mails = [Seen.of(one, url=config.site.url, size=html_size(one)) for one in compositions]
    for seen in mails:
        for check in _CHECKS:
            found += (_named(one, seen, several=len(mails) > 1) for one in check(seen, facts))
    return worst_first(found)


def require_fit(config: Config, digest: Digest, compositions: Iterable[Composition]) -> None:
    """Raises Unfit when one of the mails has a fault."""
    faults = [line_of(one) for one in examine(config, digest, compositions) if one.level == "fault"]
    if faults:
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise Unfit("; ".join(faults[:3]) + more)


def _named(finding: Finding, seen: Seen, *, several: bool) -> Finding:
    alike = finding.where in ("headers", "links")
    return replace(finding, where=f"{finding.where}, {seen.language}") if several and not alike else finding
