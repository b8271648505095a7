"""Addresses that come from elsewhere: which may be linked to, and how they are written."""

import re
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from feeds.text import xml_safe

_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_LONGEST_HOST = 253
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986 §3.3 and §3.4: what a path and a query may hold as it is, beside letters and digits.
_PATH = "/:@!$&'()*+,;=%~"
_QUERY = _PATH + "?"


def web_link(text: str, base: str = "") -> str:
    """`text` as an absolute http or https address in the characters of RFC 3986, or "" if it is none.

    A relative address is resolved against `base` where there is one. Non-ASCII hosts become IDNA, other
    characters that an address cannot hold are percent-encoded. Addresses with a user name are refused: they are
    made to look like another site's. Unchanged by a second call.
    """
    try:
        parts = urlsplit(urljoin(base.strip(), xml_safe(text).strip()))
        if parts.scheme not in {"http", "https"} or "@" in parts.netloc:
            return ""
        host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:  # brackets without an address in them, a port that is no number, a label too long
        return ""
    if not host:
        return ""
    path, query, fragment = _quoted(parts.path, _PATH), _quoted(parts.query, _QUERY), _quoted(parts.fragment, _QUERY)
    return urlunsplit((parts.scheme, host + port, path, query, fragment))


def _host(name: str, *, bracketed: bool) -> str:
    if bracketed:  # an address, but not one that means something on one machine only ("fe80::1%eth0")
        return "" if "%" in name else f"[{IPv6Address(name)}]"
    if len(name) > _LONGEST_HOST:
        return ""
    ascii_name = name if name.isascii() else name.encode("idna").decode("ascii").lower()
    return ascii_name if _HOST_NAME.fullmatch(ascii_name) else ""


def _quoted(part: str, safe: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe=safe)
