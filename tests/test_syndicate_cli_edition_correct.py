"""A correction by the command line, from the wrong clipping to the reader's mailbox."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from console import Console, new_site

from syndicate.catcher import Catcher


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, catcher: Catcher) -> Console:
    """A site that has sent one edition to two readers."""
    assert catcher
    site = new_site(tmp_path_factory, tmp_path / "site")
    names = ("ann@example.net", "bob@example.net")
    site("subscriber", "add", *names, "--digest", "weekly", "--consent", "at the fair").done()
    site("clip", "add", "--headline", "Vote on the 3rd", "--publish").done()
    site("edition", "send", "--now", "weekly").done()
    return site


def clip_of(site: Console) -> str:
    return str(site("edition", "show", "1", "--json").done().json["items"][0])


def test_who_got_the_edition_gets_its_correction_and_who_left_does_not(site: Console, catcher: Catcher) -> None:
    site("clip", "correct", clip_of(site), "--note", "The vote is on the 4th.", "--headline", "Vote on the 4th").done()
    site("subscriber", "unsubscribe", "bob@example.net").done()
    site("subscriber", "add", "cleo@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    made = site("edition", "correct", "1", "--json").done().json
    assert "note: 1 person gets it (recipients)" in site("edition", "check", str(made["edition"])).done().out
    assert (made["kind"], made["number"], made["state"]) == ("correction", None, "draft")
    sent = site("edition", "send", str(made["edition"]), "--json").done().json
    assert (sent["state"], sent["chosen"], sent["accepted"]) == ("sent", 1, 1)
    *_, last = catcher.caught()
    assert last.recipient == "ann@example.net"
    mail = message_from_bytes(last.path.read_bytes(), policy=policy.default)
    part = mail.get_body(("plain",))
    assert part is not None
    assert "The vote is on the 4th." in part.get_content()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_correction_that_nobody_would_get_is_told(site: Console) -> None:
    site("clip", "correct", clip_of(site), "--note", "The vote is on the 4th.").done()
    for address in ("ann@example.net", "bob@example.net"):
        site("subscriber", "unsubscribe", address).done()
    site("subscriber", "add", "cleo@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    made = site("edition", "correct", "1", "--json").done().json
    found = site("edition", "check", str(made["edition"])).done().out
    assert "warning: nobody has edition 1, or all have left (recipients)" in found


def test_bad_input_is_one_line(site: Console) -> None:
    assert "nothing in edition 1 was corrected" in site("edition", "correct", "1").refused(1)
    assert site("edition", "correct", "99").refused(1) == "syndicate: there is no edition 99"
    assert "no clipping nothing" in site("edition", "correct", "1", "--clip", "nothing", "--note", "x").refused(1)
    assert "--note" in site("edition", "correct", "1", "--clip", clip_of(site), "--note", " ").refused(2)
    site("edition", "correct", "x").refused(2)
