"""`--by NAME` and `[desk] approval` at the command line: who made an edition, who approved it, and what must be two."""

from datetime import timedelta

import pytest
from coming_slots import go_in
from console import Console

from syndicate.catcher import Catcher


def publish(site: Console, headline: str) -> str:
    return site("clip", "add", "--headline", headline, "--publish").done().lines[0]


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDICATE_DESK__APPROVAL", "true")


@pytest.mark.usefixtures("asking")
def test_one_makes_it_another_approves_it_and_then_it_goes(each_site: Console, catcher: Catcher) -> None:
    site = each_site
    site("subscriber", "add", "ann@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    publish(site, "One")
    second = "nothing goes without a second person: `syndicate edition draft weekly --by NAME`"
    assert second in site("edition", "send", "--now", "weekly").refused(1)
    assert second in site("edition", "send", "--now", "weekly", "--by", "Ann").refused(1)
    assert site("edition", "list", "--json").json == []
    site("edition", "draft", "weekly", "--by", "Ann Lee").done()
    for by in ((), ("--by", "Bob")):  # sending is not approving
        assert "nobody has approved edition 1" in site("edition", "send", "1", *by).refused(1)
    assert "say who approves edition 1, with --by NAME" in site("edition", "approve", "1").refused(2)
    assert "Ann Lee made edition 1" in site("edition", "approve", "1", "--by", "ann  lee").refused(1)
    assert "1 to 100 characters" in site("edition", "approve", "1", "--by", " ").refused(2)
    assert site("edition", "show", "1", "--json").json["state"] == "draft"
    site("edition", "approve", "1", "--by", "Bob").done()
    # What was approved stays as it is, or is approved again.
    assert "edition withdraw 1" in site("edition", "subject", "1", "Another").refused(1)
    site("edition", "withdraw", "1").done()
    site("edition", "subject", "1", "Another").done()
    shown = site("edition", "show", "1", "--json").json
    assert (shown["made_by"], shown["approved_by"]) == ("Ann Lee", None)
    assert "nobody has approved edition 1" in site("edition", "send", "1").refused(1)
    site("edition", "approve", "1", "--by", "Bob").done()
    lines = [line.split() for line in site("edition", "show", "1").done().lines]
    assert ["made_by:", "Ann", "Lee"] in lines
    assert ["approved_by:", "Bob"] in lines
    assert catcher.caught() == []
    site("edition", "send", "1").done()
    assert len(catcher.caught()) == 1
    # A correction is an edition too.
    site("edition", "correct", "1", "--note", "It was Tuesday.", "--clip", shown["items"][0], "--by", "Bob").done()
    assert "Bob made edition 2" in site("edition", "approve", "2", "--by", "BOB").refused(1)
    site("edition", "approve", "2", "--by", "Ann Lee").done()


@pytest.mark.usefixtures("asking")
def test_a_draft_of_nobody_is_told_to_be_open_to_anybody(each_site: Console) -> None:
    publish(each_site, "One")
    go_in(each_site, timedelta(hours=2))
    told = each_site("edition", "draft", "weekly", "--next").done().err
    assert "nobody is named who made it, so anybody may approve it" in told
    each_site("edition", "approve", "1", "--by", "Ann").done()
    assert each_site("edition", "show", "1", "--json").json["approved_by"] == "Ann"


def test_without_approval_names_are_kept_and_nothing_is_asked(each_site: Console, catcher: Catcher) -> None:
    site = each_site
    publish(site, "One")
    site("edition", "draft", "weekly", "--by", "Ann").done()
    site("edition", "send", "1", "--by", "Ann").done()
    publish(site, "Two")
    site("edition", "send", "--now", "weekly", "--by", "Bob").done()
    publish(site, "Three")
    site("edition", "send", "--now", "weekly").done()
    shown = [site("edition", "show", str(one), "--json").json for one in (1, 2, 3)]
    assert [(one["made_by"], one["approved_by"]) for one in shown] == [("Ann", "Ann"), ("Bob", "Bob"), (None, None)]
    assert catcher.caught() == []  # nobody reads it
