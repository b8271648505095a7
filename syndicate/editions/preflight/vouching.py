"""Checks of who vouches for the mail: From beside the domains that sign and that bounces go to (RFC 9989)."""

from collections.abc import Iterator

from syndicate.editions.preflight.facts import Facts, Seen
from syndicate.editions.preflight.findings import Finding, fault, note, warning


def alignment(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """DMARC asks that the domain of From agrees with the one that signs, or with that of the return path."""
    del seen
    sender = facts.sender_domain
    if facts.signing is None:
        what = "the relay signs, so that this cannot be told here"
        yield note(what, f"see that it signs as {sender}", "headers")
    elif not aligned(sender, facts.signing):
        what = f"the mail is from {sender} and signed by {facts.signing}"
        remedy = f"set `domain` in [mail.dkim] to {sender}"
        if aligned(sender, facts.bounce_domain):
            yield warning(f"{what}: DMARC passes by SPF alone, and fails when it is forwarded", remedy, "headers")
        else:
            yield fault(f"{what}: DMARC fails", remedy, "headers")


def aligned(one: str, other: str) -> bool:
    """Whether two domains are the same, or one is below the other: relaxed alignment but for siblings, which need the
    DNS to be told."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
