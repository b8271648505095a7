"""Checks of the links, by their form alone: nothing is fetched."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from syndicate.editions.preflight.facts import Facts, Link, Seen
from syndicate.editions.preflight.findings import Finding, fault, warning

SHORTENERS: Final = frozenset(
    (
        *(
            "bit.ly",
            "bitly.com",
            "buff.ly",
            "cutt.ly",
            "dlvr.it",
            "fb.me",
            "goo.gl",
            "ift.tt",
            "is.gd",
            "j.mp",
            "lnkd.in",
        ),
        *("ow.ly", "rb.gy", "rebrand.ly", "s.id", "shorturl.at", "soo.gd", "t.co", "t.ly", "tiny.cc", "tinyurl.com"),
        *("trib.al", "v.gd", "wp.me"),
    )
)
"""Hosts that hide where a link leads; spam filters count them against a mail."""

_PRIVATE_NAMES: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_HOST: Final = re.compile(r"[^\s/?#@\\<>\"]+")


def links(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """Each leads somewhere a reader can go: whole, public, and to be read before it is followed."""
    for link in dict.fromkeys(seen.links):
        yield from _form(link, facts)


def is_private(host: str) -> bool:
    """Whether a host is nobody's but our own: a name or an address that the world cannot reach."""
    name = host.lower().rstrip(".")
    try:
        return not ipaddress.ip_address(name.strip("[]")).is_global
    except ValueError:
        return name == "localhost" or name.endswith(_PRIVATE_NAMES) or "." not in name


def _form(link: Link, facts: Facts) -> Iterator[Finding]:
    href, where = link.href.strip(), f"html, “{_short(link.words)}”"
    if not link.words:
        yield warning(f"the link {_short(href)} has no words", "give it some, in the template", "html")
    try:
        parts = urlsplit(href)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield fault(f"{_short(href)} is no link", "correct the clipping's link", where)
        return
    if parts.scheme == "mailto":
        if "@" not in parts.path:
            yield fault(f"{_short(href)} names no address", "correct it in the template", where)
    elif not parts.scheme:
        yield fault(f"{_short(href) or 'an empty link'} is relative", "write it whole, with https://", where)
    elif parts.scheme not in ("http", "https"):
        yield fault(f"{_short(href)} is no web link", "use https://", where)
    elif not host or not _HOST.fullmatch(host) or any(char.isspace() for char in href):
        yield fault(f"{_short(href)} is no link", "correct the clipping's link", where)
    else:
        yield from _host(href, host, facts, where)


def _host(href: str, host: str, facts: Facts, where: str) -> Iterator[Finding]:
    if is_private(host):
        if host == facts.host:  # one finding is enough for all links to the site itself: `own_site`
            return
        yield fault(f"{_short(href)} leads to a private host", "use a public link, or leave the clipping out", where)
    elif host.removeprefix("www.") in SHORTENERS:
        yield warning(f"{_short(href)} hides where it leads", "use the link it leads to", where)


def own_site(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """The site itself can be reached, and by https, as one-click unsubscribing demands (RFC 8058)."""
    del seen
    if is_private(facts.host):
        what = f"the links to the site lead to {facts.host}, which nobody else can reach"
        yield warning(what, "set `url` in [site] before you send to readers", "links")
    elif not facts.url.startswith("https://"):
        what = "the unsubscribe link is not https, so mail programs show no one-click button"
        yield fault(what, "serve the site by https and set `url` in [site]", "headers")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
