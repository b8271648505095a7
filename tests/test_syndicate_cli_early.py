"""`syndicate edition draft --next`: the edition of the coming slot, made by a person the day before."""

from datetime import timedelta

import pytest
from coming_slots import go_in, ticked
from console import Console

from syndicate.catcher import Catcher


def publish(site: Console, headline: str) -> str:
    return site("clip", "add", "--headline", headline, "--publish").done().lines[0]


def test_the_coming_edition_is_drafted_edited_approved_and_goes_at_its_slot(
    each_site: Console, catcher: Catcher
) -> None:
    site = each_site
    site("subscriber", "add", "ann@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    first = publish(site, "First")
    slot = go_in(site, timedelta(hours=2))
    made = site("edition", "draft", "weekly", "--next").done()
    assert made.lines == ["1"]
    assert made.err.startswith("edition 1 goes at its slot, ")
    assert "waits for the next, or is added with `syndicate edition add 1 ID`" in made.err
    again = site("edition", "draft", "weekly", "--next").refused(1)
    assert "edition 1 is there for the slot of " in again
    late, added = publish(site, "Late"), publish(site, "Added")
    site("edition", "add", "1", added).done()
    site("edition", "subject", "1", "Read by two people").done()
    site("edition", "approve", "1").done()
    shown = site("edition", "show", "1", "--json").done().json
    assert (shown["kind"], shown["state"], shown["off_schedule"]) == ("scheduled", "approved", False)
    assert (shown["not_before"], set(shown["items"])) == (f"{slot:%Y-%m-%dT%H:%M:%SZ}", {first, added})
    waits = f"first mail:  not before {shown['not_before']}; until then `syndicate edition cancel 1` calls it off"
    assert waits.split() in [line.split() for line in site("edition", "show", "1").done().lines]
    marked = site("edition", "send", "1", "--no-wait").done().err
    assert f"its first mail goes at {shown['not_before']}" in marked
    ticked(site, slot - timedelta(seconds=1))
    assert catcher.caught() == []
    ticked(site, slot)
    (mail,) = catcher.caught()
    assert b"Subject: Read by two people" in mail.path.read_bytes()
    assert site("edition", "show", "1", "--json").json["not_before"] is None
    assert [one["edition"] for one in site("edition", "list", "--json").json] == [1]
    assert site("edition", "plan", "weekly", "--json").json["items"] == [late]


def test_called_off_it_says_that_its_slot_is_decided_and_nothing_goes(each_site: Console, catcher: Catcher) -> None:
    site = each_site
    publish(site, "First")
    slot = go_in(site, timedelta(hours=2))
    assert site("edition", "draft", "weekly", "--next", "--json").done().json["state"] == "draft"
    changed = go_in(site, timedelta(hours=3))  # the schedule has no slot in two hours any more
    shown = site("edition", "show", "1", "--json").done().json
    assert (shown["off_schedule"], shown["not_before"]) == (True, f"{slot:%Y-%m-%dT%H:%M:%SZ}")
    assert "has no such slot any more, and it goes then all the same" in site("edition", "show", "1").out
    told = site("edition", "cancel", "1").done().err
    assert "so its slot is decided: nothing goes at " in told
    ticked(site, slot + timedelta(minutes=1))
    assert [(one["edition"], one["state"]) for one in site("edition", "list", "--json").json] == [(1, "cancelled")]
    ticked(site, changed)
    assert [one["state"] for one in site("edition", "list", "--json").json] == ["sent", "cancelled"]
    assert catcher.caught() == []  # nobody reads it


@pytest.mark.parametrize(
    ("ahead", "told"), [(timedelta(days=3), "can be drafted from 20"), (None, "there is nothing to draft yet")]
)
def test_too_early_and_too_little_are_one_clear_line(each_site: Console, ahead: timedelta | None, told: str) -> None:
    if ahead:
        publish(each_site, "First")
    go_in(each_site, ahead or timedelta(hours=2))
    assert told in each_site("edition", "draft", "weekly", "--next").refused(1)
    assert each_site("edition", "list", "--json").json == []
