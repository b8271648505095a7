"""`hold_period` at the command line: no mail before its end, and `edition cancel` until then leaves nothing behind."""

from datetime import UTC, datetime, timedelta

import pytest
from coming_slots import ticked
from console import Console

from syndicate.app.parts import open_site
from syndicate.catcher import Catcher

TEN = timedelta(minutes=10)


@pytest.fixture
def site(each_site: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A site that holds what was approved for ten minutes, with two readers and a clipping."""
    monkeypatch.setenv("SYNDICATE_SENDING__HOLD_PERIOD", "10m")
    addresses = ("ann@example.net", "bob@example.net")
    each_site("subscriber", "add", *addresses, "--digest", "weekly", "--consent", "at the fair").done()
    each_site("clip", "add", "--headline", "One", "--publish").done()
    return each_site


def tick(site: Console) -> None:
    with open_site(site.config) as app:
        app.editions.tick(app.database, app.clock())


def test_called_off_in_its_hold_period_it_leaves_nothing_behind(site: Console, catcher: Catcher) -> None:
    before = datetime.now(UTC)
    site("edition", "draft", "weekly").done()
    approved = site("edition", "approve", "1").done().err
    shown = site("edition", "show", "1", "--json").done().json
    until = datetime.fromisoformat(shown["not_before"])
    assert before + TEN - timedelta(seconds=1) <= until <= datetime.now(UTC) + TEN
    assert f"no mail of edition 1 goes before {shown['not_before']}" in approved
    assert "until then `syndicate edition cancel 1` calls it off" in approved
    assert shown["not_before"] in site("edition", "show", "1").done().out
    site("edition", "send", "1", "--no-wait").done()
    ticked(site, until - timedelta(seconds=1))
    shape = site("edition", "show", "1", "--json").json
    assert (shape["state"], shape["number"], shape["chosen"]) == ("approved", 1, 0)
    cancelled = site("edition", "cancel", "1").done().err
    assert cancelled == "edition 1 is cancelled; 0 of its 0 mails had gone\n"
    ticked(site, until + timedelta(hours=1))
    assert catcher.caught() == []
    shape = site("edition", "show", "1", "--json").json
    assert (shape["state"], shape["number"], shape["not_before"]) == ("cancelled", None, None)
    # Its clipping and its number are free.
    site("edition", "draft", "weekly").done()
    site("edition", "approve", "2").done()
    new = site("edition", "show", "2", "--json").json
    assert (new["items"], new["number"]) == (shape["items"], 1)
    site("edition", "send", "2", "--no-wait").done()
    ticked(site, datetime.fromisoformat(new["not_before"]) + timedelta(seconds=1))
    assert len(catcher.caught()) == 2


def test_called_off_beside_a_server_not_one_mail_of_it_goes(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.start("serve", "--port", "0") as server:
        assert server.stdout
        assert server.stdout.readline().startswith("serving ")
        site("edition", "draft", "weekly").done()
        site("edition", "approve", "1").done()
        site("edition", "send", "1", "--no-wait").done()
        tick(site)
        assert site("edition", "show", "1", "--json").json["state"] == "approved"
        site("edition", "cancel", "1").done()
        # From now on nothing is held: what could still go of it would go, as the next edition does.
        monkeypatch.setenv("SYNDICATE_SENDING__HOLD_PERIOD", "0s")
        tick(site)
        site("clip", "add", "--headline", "Two", "--publish").done()
        sent = site("edition", "send", "--now", "weekly", "--json").done().json
        assert (sent["edition"], sent["number"], sent["accepted"], len(sent["items"])) == (2, 1, 2, 2)
        server.terminate()
        server.communicate(timeout=20)
    assert site("edition", "show", "1", "--json").json["state"] == "cancelled"
    assert sorted(mail.path.read_bytes().count(b"Two") > 0 for mail in catcher.caught()) == [True, True]
