"""Whether the links of a mail lead to a page that is there. Fetches, so it is asked for by name; with a guard: only
http and https, only public addresses, and to the very address that was looked at, at most so many and so long."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from syndicate.editions.preflight.findings import Finding, note, warning

MOST_LINKS = 50
_SECONDS = 5.0
_ALL_SECONDS = 120.0
_HOPS = 3
_AGENT = {"User-Agent": "Syndicate (a newsletter looks at its own links)", "Accept": "*/*", "Connection": "close"}


class Unreachable(Exception):
    """Why a link does not lead to a page."""


def reachable(
    hrefs: Iterable[str],
    *,
    own: str,
    allowed: Callable[[str], bool] = lambda address: ipaddress.ip_address(address).is_global,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Finding]:
    """What is wrong with these web links, each asked for once; the first 50, for two minutes. Those below `own`, the
    site itself, are left out: the page of an edition is not there yet. `allowed` says which addresses may be asked."""
    wanted = [
        one for one in dict.fromkeys(hrefs) if one.startswith(("http://", "https://")) and not one.startswith(own)
    ]
    until = clock() + _ALL_SECONDS
    for number, href in enumerate(wanted):
        if number == MOST_LINKS or clock() > until:
            what = f"{len(wanted) - number} of {len(wanted)} links were not fetched"
            yield note(what, "look at them by hand", "links")
            return
        try:
            _look(href, allowed)
        except Unreachable as error:
            yield warning(f"{href}: {error}", "correct the clipping's link, or link to a copy", "links")


def _look(href: str, allowed: Callable[[str], bool]) -> None:
    for _ in range(_HOPS + 1):
        status, location = _ask("HEAD", href, allowed)
        if status in (403, 404, 405, 501):  # not every server answers HEAD as it answers GET
            status, location = _ask("GET", href, allowed)
        if status in (301, 302, 303, 307, 308) and location:
            href = urljoin(href, location)
            continue
        if status in (404, 410) or status >= 500:
            raise Unreachable(f"the server answers {status}")
        return
    raise Unreachable(f"more than {_HOPS} redirections")


def _ask(method: str, href: str, allowed: Callable[[str], bool]) -> tuple[int, str | None]:
    """The status and the Location that the server answers; the body is left unread."""
    try:
        parts = urlsplit(href)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Unreachable("is no link") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Unreachable("leads to no web page")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        address = _address(host, port, allowed)
        sock = socket.create_connection((address, port), timeout=_SECONDS)
        with sock:
            connection = _over(sock, parts.scheme, host, port)
            connection.request(method, target.encode("ascii", "backslashreplace").decode(), headers=_AGENT)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location")
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"cannot be fetched ({' '.join(str(error).split()) or type(error).__name__})") from error


def _address(host: str, port: int, allowed: Callable[[str], bool]) -> str:
    """The address to connect to. Refuses a host that has one that is not allowed among its addresses."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(allowed(one.partition("%")[0]) for one in found):
        raise Unreachable("leads to a private address")
    return found[0]


def _over(sock: socket.socket, scheme: str, host: str, port: int) -> HTTPConnection:
    """A connection over this very socket, so that no second look-up can lead elsewhere."""
    if scheme == "http":
        plain = HTTPConnection(host, port, timeout=_SECONDS)
        plain.sock = sock
        return plain
    secure = HTTPSConnection(host, port, timeout=_SECONDS)
    secure.sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    return secure
