"""Limits on confirmation mail: an address, a network, and what counts as one ask."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from subscribers import consent
from subscribers.addresses import parse
from subscribers.budgets import Limits, address_spent, network_of, network_spent
from syndicate.database import Database

LIMITS = Limits(address_a_day=3, network_an_hour=4)
NETWORK = "192.0.2.0/24"


def hash_of(key: str) -> str:
    """A stand-in for the keyed hash: the rooms only compare it."""
    return key[:32]


def ask(session: Session, name: str, now: datetime, *, network: str | None = NETWORK, digests: tuple[str, ...]) -> None:
    consent.ask(
        session,
        parse(f"{name}@example.org"),
        digests,
        hash_of=hash_of,
        language="en",
        way="form",
        words="Send me mail",
        network=network,
        now=now,
    )


def spent(session: Session, name: str, now: datetime, network: str | None = NETWORK) -> str:
    """Whose budget is spent, "" if nobody's."""
    of_network = network_spent(session, network=network, now=now, limits=LIMITS)
    of_address = address_spent(session, address_hash=hash_of(f"{name}@example.org"), now=now, limits=LIMITS)
    return "network" if of_network else "address" if of_address else ""


def test_an_address_waits_between_two_asks_and_has_three_a_day(database: Database, now: datetime) -> None:
    with database.write() as session:
        assert spent(session, "alice", now) == ""
        for asked_at in (now, now + timedelta(minutes=10), now + timedelta(minutes=20)):
            assert spent(session, "alice", asked_at, network=None) == ""
            ask(session, "alice", asked_at, digests=("weekly",))
            assert spent(session, "alice", asked_at + timedelta(minutes=9, seconds=59), network=None) == "address"
        assert spent(session, "alice", now + timedelta(hours=2), network=None) == "address"
        assert spent(session, "bob", now + timedelta(hours=2)) == ""
        assert spent(session, "alice", now + timedelta(hours=23, minutes=59), network=None) == "address"
        assert spent(session, "alice", now + timedelta(hours=24), network=None) == ""


def test_one_ask_for_several_digests_counts_once(database: Database, now: datetime) -> None:
    with database.write() as session:
        for minutes, name in enumerate(("alice", "bob", "carol")):
            ask(session, name, now + timedelta(minutes=minutes), digests=("daily", "weekly", "monthly"))
        later = now + timedelta(minutes=30)
        assert spent(session, "alice", later) == ""
        ask(session, "dave", later, digests=("daily",))
        assert spent(session, "alice", later) == "network"


def test_a_network_is_counted_over_one_hour_and_alone(database: Database, now: datetime) -> None:
    with database.write() as session:
        for name in ("a1", "b1", "c1", "d1"):
            assert spent(session, name, now) == ""
            ask(session, name, now, digests=("weekly",))
        assert spent(session, "e1", now) == "network"
        assert spent(session, "e1", now, network="198.51.100.0/24") == ""
        assert spent(session, "e1", now, network=None) == ""
        assert spent(session, "e1", now + timedelta(minutes=59)) == "network"
        assert spent(session, "e1", now + timedelta(hours=1)) == ""


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:DB8:1::", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::1", "::/48"),
        ("testclient", None),
        ("", None),
        ("192.0.2.077.1", None),
        ("192.0.2.1:8080", None),
    ],
)
def test_a_network_is_all_that_is_kept_of_an_address(ip: str, network: str | None) -> None:
    assert network_of(ip) == network


@given(st.ip_addresses())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_network_fits_its_column_and_is_its_own_network(ip: object) -> None:
    network = network_of(str(ip))
    assert network is not None
    assert len(network) <= 43
    assert network_of(network.split("/")[0]) == network
