"""Limits on confirmation mail, so that a form cannot be used to flood somebody's mailbox.

They count the consent events `asked`: one ask for several digests is one, and a refused ask leaves none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from subscribers.models import ConsentEvent, Subscriber

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_IPV4_PREFIX, _IPV6_PREFIX = 24, 48


@dataclass(frozen=True)
class Limits:
    """How much may be asked: for one address in 24 hours, with `between` from one to the next, and from one network
    in an hour."""

    address_a_day: int = 3
    network_an_hour: int = 20
    between: timedelta = timedelta(minutes=10)


def hold_network(session: Session, network: str | None) -> None:
    """Let the transactions that count this network come one after the other, each seeing what the one before asked;
    else all that come at once would find the budget unspent. Call it before a subscriber is held. SQLite has one
    writer at a time and needs no such lock."""
    if network is not None and session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"network {network}", 0))))


def network_spent(session: Session, *, network: str | None, now: datetime, limits: Limits) -> bool:
    """Whether nobody of this network may ask for now: the one budget that a visitor may be told of, as it says nothing
    of any address. Exact for a network held by this transaction.

    `network` is what `network_of` gave; None (a command, for instance) is not limited."""
    if network is None:
        return False
    asked = select(ConsentEvent.subscriber_id, ConsentEvent.at).where(ConsentEvent.network == network)
    return _asks(session, asked, since=now - _HOUR) >= limits.network_an_hour


def address_spent(session: Session, *, address_hash: str, now: datetime, limits: Limits) -> bool:
    """Whether this address may get no confirmation for now; never to be told. Exact for a subscriber held by this
    transaction."""
    asked = (
        select(ConsentEvent.subscriber_id, ConsentEvent.at)
        .join(Subscriber, Subscriber.id == ConsentEvent.subscriber_id)
        .where(Subscriber.address_hash == address_hash)
    )
    return (
        _asks(session, asked, since=now - limits.between) > 0
        or _asks(session, asked, since=now - _DAY) >= limits.address_a_day
    )


def network_of(ip_text: str) -> str | None:
    """The network that an address of a visitor counts for, and all that is kept of it: "192.0.2.0/24" for IPv4,
    "2001:db8:1::/48" for IPv6 (an IPv4 address in IPv6 clothes counts as IPv4). None if it is no IP address."""
    try:
        address = ip_address(ip_text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), _IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(ip_network((int(address), _IPV4_PREFIX), strict=False))


def _asks(session: Session, asked: Select[tuple[int, datetime]], *, since: datetime) -> int:
    recent = asked.where(ConsentEvent.kind == "asked", ConsentEvent.at > since).distinct().subquery()
    return session.scalar(select(func.count()).select_from(recent)) or 0
