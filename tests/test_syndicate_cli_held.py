"""Commands on a held outbox: what would send says why not, in one line, and changes nothing."""

from pathlib import Path

import pytest
from console import Console, new_site

from syndicate.app.parts import open_site
from syndicate.catcher import Catcher
from syndicate.outbox import guard


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    site = new_site(tmp_path_factory, tmp_path / "site")
    site("subscriber", "add", "alice@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    site("clip", "add", "--headline", "One", "--publish").done()
    return site


def hold(site: Console) -> None:
    with open_site(site.config) as app, app.database.write() as session:
        guard.hold(session, "an older copy", app.clock())


def test_nothing_can_be_sent_while_the_outbox_is_held(site: Console, catcher: Catcher) -> None:
    site("edition", "draft", "weekly").done()
    site("clip", "add", "--headline", "Two", "--publish").done()
    hold(site)
    why = "syndicate: the outbox is held: an older copy; `syndicate outbox release` lets it go on"
    before = site("edition", "list", "--json").json
    for words in (["1"], ["--now", "weekly"], ["1", "--no-wait"], ["--now", "weekly", "--no-wait"]):
        assert site("edition", "send", *words).refused(1) == why
    assert site("edition", "list", "--json").json == before
    assert catcher.caught() == []


def test_an_edition_held_while_it_was_sent_cannot_be_sent_as_a_draft(site: Console, catcher: Catcher) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    hold(site)
    assert "the outbox is held" in site("edition", "send", "1").refused(1)
    assert "let the outbox go on first" in site("edition", "approve", "1").refused(1)
    assert site("edition", "show", "1", "--json").json["state"] == "held"
    assert catcher.caught() == []


def test_a_letter_asked_for_while_the_outbox_is_held_is_filed_and_nobody_waits_for_it(
    site: Console, catcher: Catcher
) -> None:
    hold(site)
    with site.start("subscriber", "add", "new@example.net", "--digest", "weekly") as asked:
        _, err = asked.communicate(timeout=20)
    assert asked.returncode == 1
    (line,) = err.splitlines()
    assert "the outbox is held: an older copy; the letter is filed" in line
    site("outbox", "release").done()
    assert site("outbox", "status", "--json").done().json["queued"] == 1
    assert catcher.caught() == []


def test_a_counter_file_that_cannot_be_written_is_told_and_stops_nothing(site: Console, catcher: Catcher) -> None:
    (site.folder / "outbox.count").mkdir()
    for _ in range(2):
        site("clip", "add", "--headline", "More", "--publish").done()
        site("edition", "send", "--now", "weekly").done()
    assert len(catcher.caught()) == 2
    words = f"cannot write {site.folder / 'outbox.count'}: an older database would not be noticed"
    assert [line for line in site("outbox", "status").done().lines if words in line]
    assert site("outbox", "status", "--json").done().json["blind"] == words
