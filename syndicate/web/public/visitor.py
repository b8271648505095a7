"""Where a request comes from: the socket's address, or what a proxy that we trust says about it."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import Request


def client_address(request: Request, trusted: Iterable[str]) -> str | None:
    """The visitor's IP address as text. X-Forwarded-For is believed only as far as it was written by proxies of the
    `trusted` networks: from its end back to the first address that is not one of them."""
    if request.client is None:
        return None
    networks = tuple(ip_network(network) for network in trusted)
    nearest = _address(request.client.host)
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while nearest is not None and said and any(nearest in network for network in networks):
        before = _address(said.pop())
        if before is None:
            break
        nearest = before
    return str(nearest) if nearest is not None else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
