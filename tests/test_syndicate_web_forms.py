"""The form token's age, and whose word on a visitor's address is believed."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from subscribers.tokens import TokenKeys
from syndicate.web.public.forms import form_token, judge_form_token
from syndicate.web.public.visitor import client_address

KEYS = TokenKeys({1: b"k" * 32}, 1)
THEN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(-5, "early"), (0, "early"), (2.9, "early"), (3, "good"), (86_400, "good"), (86_401, "old")],
)
def test_a_token_is_good_after_three_seconds_and_within_a_day(seconds: float, verdict: str) -> None:
    assert judge_form_token(KEYS, form_token(KEYS, THEN), THEN + timedelta(seconds=seconds)) == verdict


@pytest.mark.parametrize("token", ["", "x", "1764000000-aaaa", KEYS.sign("confirm", "1764000000")])
def test_a_token_that_is_not_ours_is_forged(token: str) -> None:
    assert judge_form_token(KEYS, token, THEN) == "forged"


def test_a_token_of_a_dropped_key_is_forged() -> None:
    token = form_token(KEYS, THEN)
    assert judge_form_token(TokenKeys({2: b"n" * 32}, 2), token, THEN + timedelta(minutes=1)) == "forged"


def came(host: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": (host, 1) if host else None, "headers": headers})


@pytest.mark.parametrize(
    ("host", "forwarded", "believed"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("192.0.2.1",), "203.0.113.9"),
        ("10.0.0.1", ("192.0.2.1",), "192.0.2.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("6.6.6.6, 192.0.2.1",), "192.0.2.1"),
        ("10.0.0.1", ("192.0.2.1, 10.0.0.2",), "192.0.2.1"),
        ("10.0.0.1", ("192.0.2.1", "10.0.0.2"), "192.0.2.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("192.0.2.1, nonsense",), "10.0.0.1"),
        ("::ffff:10.0.0.1", ("2001:db8::5",), "2001:db8::5"),
        ("10.0.0.1", ("[2001:db8::5]",), "2001:db8::5"),
        ("2001:db8::1", ("192.0.2.1",), "2001:db8::1"),
        ("testclient", ("192.0.2.1",), None),
        (None, ("192.0.2.1",), None),
    ],
)
def test_only_trusted_proxies_are_believed(host: str | None, forwarded: tuple[str, ...], believed: str | None) -> None:
    assert client_address(came(host, *forwarded), ("10.0.0.0/8", "fd00::/8")) == believed
