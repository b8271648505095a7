"""`syndicate subscriber …`: stated consent is in at once, everybody else is asked by a letter over real SMTP."""

import socket
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from console import Console, keys, new_site, use_relay

from syndicate.catcher import Catcher

SUBSCRIBER = frozenset({"id", "address", "state", "language", "digests", "since", "paused_until"})


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def add(site: Console, *addresses: str) -> list[str]:
    return site("subscriber", "add", *addresses, "--digest", "weekly", "--consent", "signed at the fair").done().lines


def test_with_stated_consent_people_are_in_at_once(site: Console) -> None:
    ids = add(site, "ann@example.org", "bob@example.org", "Ann@example.org")
    listed = site("subscriber", "list", "--json").done().json
    assert keys(listed) == {SUBSCRIBER}
    assert [(str(one["id"]), one["address"], one["state"], one["digests"]) for one in listed] == [
        (ids[0], "ann@example.org", "confirmed", ["weekly"]),
        (ids[1], "bob@example.org", "confirmed", ["weekly"]),
    ]
    (step,) = site("subscriber", "history", "ann@example.org", "--json").done().json
    assert (step["kind"], step["way"], step["source"]) == ("imported", "command", "signed at the fair")
    assert set(step) == {"at", "kind", "digest", "way", "words", "version", "form", "source", "network"}
    assert len(site("subscriber", "list", "--limit", "1").done().lines) == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["ann@example.org", "no address", "--digest", "weekly", "--consent", "x"], 2, "'no address'"),
        (["ann@example.org", "--digest", "gone", "--consent", "x"], 1, "no digest 'gone'"),
        (["ann@example.org", "--digest", "weekly", "--consent", " "], 2, "cannot be empty"),
    ],
)
def test_who_cannot_be_added_is_named_and_nobody_is_added(
    site: Console, words: list[str], status: int, said: str
) -> None:
    assert said in site("subscriber", "add", *words).refused(status)
    assert site("subscriber", "list").done().out == ""


def test_who_left_is_not_brought_back_by_a_command(site: Console) -> None:
    (ann,) = add(site, "ann@example.org")
    assert site("subscriber", "unsubscribe", "ann@example.org").done().lines == [ann]
    assert site("subscriber", "unsubscribe", "ann@example.org", "--digest", "weekly").done().lines == [ann]
    again = ["add", "bob@example.org", "ann@example.org", "--digest", "weekly", "--consent", "x"]
    assert "ann@example.org is unsubscribed" in site("subscriber", *again).refused(1)
    shown = site("subscriber", "show", "ann@example.org", "--json").done().json
    assert (shown["state"], shown["digests"]) == ("unsubscribed", [])
    site("subscriber", "show", "bob@example.org").refused(1)


@pytest.mark.parametrize("action", ["show", "history", "unsubscribe"])
def test_an_unknown_address_is_exit_1_and_a_malformed_one_exit_2(site: Console, action: str) -> None:
    assert "no subscriber ann@example.org" in site("subscriber", action, "ann@example.org").refused(1)
    assert "no address" in site("subscriber", action, "ann").refused(2)


def test_an_unknown_digest_ends_nothing(site: Console) -> None:
    add(site, "ann@example.org")
    site("subscriber", "unsubscribe", "ann@example.org", "--digest", "gone").refused(1)
    assert site("subscriber", "show", "ann@example.org", "--json").json["digests"] == ["weekly"]


def test_without_consent_each_gets_a_letter_that_asks(site: Console, catcher: Catcher) -> None:
    ran = site("subscriber", "add", "ann@example.org", "bob@example.org", "--digest", "weekly", "--json").done()
    assert keys(ran.json) == {SUBSCRIBER}
    assert {one["state"] for one in ran.json} == {"unconfirmed"}
    assert sorted(mail.recipient for mail in catcher.caught()) == ["ann@example.org", "bob@example.org"]
    mail = message_from_bytes(catcher.caught()[0].path.read_bytes(), policy=policy.default)
    assert mail["List-Unsubscribe"] is None
    assert "/confirm/" in mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "waits to confirm: weekly" in site("subscriber", "show", "ann@example.org").done().lines


def test_an_editor_is_told_why_no_letter_went_out(site: Console, catcher: Catcher) -> None:
    site("subscriber", "add", "ann@example.org", "--digest", "weekly").done()
    ran = site("subscriber", "add", "ann@example.org", "--digest", "weekly")
    assert ran.status == 1
    assert "ann@example.org was sent a letter lately" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert len(catcher.caught()) == 1


def test_without_a_relay_nobody_is_asked(site: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        use_relay(monkeypatch, taken.getsockname()[1])
        assert "relay" in site("subscriber", "add", "ann@example.org", "--digest", "weekly").refused(1)
    assert site("subscriber", "list").done().out == ""


def test_a_pause_by_command_has_a_day_or_an_end(site: Console) -> None:
    (ann,) = add(site, "ann@example.org")
    soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    shape = site("subscriber", "pause", "ann@example.org", "--until", soon, "--json").done().json
    assert shape["paused_until"][:10] == soon
    assert site("digest", "show", "weekly", "--json").done().json["subscribers"] == 0
    assert site("subscriber", "pause", "ann@example.org", "--end").done().lines == [ann]
    assert site("digest", "show", "weekly", "--json").done().json["subscribers"] == 1
    for wrong in ([], ["--until", "soon"], ["--until", "2020-01-01"], ["--until", soon, "--end"]):
        site("subscriber", "pause", "ann@example.org", *wrong).refused(2)
    site("subscriber", "pause", "bob@example.org", "--end").refused(1)


def test_an_address_is_suppressed_and_allowed_by_command_whoever_it_is_of(site: Console) -> None:
    add(site, "ann@example.org")
    words = ["subscriber", "suppress", "Ann@example.org", "--reason", "asked\nby phone", "--json"]
    assert site(*words).done().json == {"address": "Ann@example.org", "suppressed": "by-hand", "changed": True}
    assert not site(*words).done().json["changed"]
    assert "suppressed: by-hand" in " ".join(
        " ".join(site("subscriber", "show", "ann@example.org").done().lines).split()
    )
    whole = site("subscriber", "show", "ann@example.org", "--everything").done().json
    assert (whole["address"], whole["suppressed"]["note"]) == ("ann@example.org", "asked by phone")
    assert [step["kind"] for step in whole["consent"]] == ["imported", "suppressed"]
    assert site("subscriber", "suppress", "bob@example.org").done().lines == ["bob@example.org"]
    assert "suppressed (by-hand)" in site(
        "subscriber", "add", "bob@example.org", "--digest", "weekly", "--consent", "x"
    ).refused(1)
    for changed in (True, False):
        assert site("subscriber", "allow", "bob@example.org", "--json").done().json["changed"] == changed
    add(site, "bob@example.org")
    site("subscriber", "suppress", "bob").refused(2)
