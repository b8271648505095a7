"""`syndicate edition check`, and what it finds when an edition is approved, sent or frozen by the tick."""

import stat
from pathlib import Path

import pytest
from console import Console, new_site, use_relay

from syndicate.app.parts import open_site
from syndicate.catcher import Catcher
from syndicate.editions.lifecycle import TickFailed


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A site with a draft that holds one clipping, and a SpamAssassin that says what the test lets it say."""
    program = tmp_path / "bin" / "spamassassin"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    spam_says(tmp_path, 0.4)
    return new_site(tmp_path_factory, tmp_path / "site")


def spam_says(folder: Path, score: float) -> None:
    program = folder / "bin" / "spamassassin"
    program.write_text(
        f"#!/bin/sh\ncat >/dev/null\nprintf 'X-Spam-Status: No, score={score} required=5.0 tests=NO_RELAYS,\\n"
        "\\tHTML_MESSAGE autolearn=no\\n\\nBody\\n'\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def draft(site: Console, link: str = "https://paper.example.com/a") -> None:
    site("clip", "add", "--headline", "One", "--link", link, "--publish").done()
    site("edition", "draft", "weekly").done()


def use_template(site: Console, name: str, text: str) -> None:
    folder = site.folder / "templates" / "email" / "digest"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_a_good_edition_is_told_so_and_changes_nothing(site: Console) -> None:
    draft(site)
    found = site("edition", "check", "1", "--json").done().json
    assert all(set(one) == {"level", "what", "remedy", "where"} for one in found)
    assert [one["level"] for one in found if one["level"] == "fault"] == []
    assert {"nobody gets this digest", "SpamAssassin gives it 0.4 points (NO_RELAYS, HTML_MESSAGE)"} <= {
        one["what"] for one in found
    }
    assert site("edition", "show", "1", "--json").json["state"] == "draft"
    assert site("edition", "check", "1").done().lines[0].startswith("warning: ")
    assert "no edition" in site("edition", "check", "7").refused(1)


def test_a_fault_is_exit_1_and_keeps_an_edition_from_being_approved_or_sent(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(site)
    use_template(site, "subject.txt", "\n")
    ran = site("edition", "check", "1")
    assert (ran.status, ran.lines[0]) == (
        1,
        "fault: the subject is empty (subject): write one, or mend subject.txt of the template",
    )
    use_relay(monkeypatch, catcher.port)
    for action in ("approve", "send"):
        failed = site("edition", action, "1")
        assert (failed.status, failed.out) == (1, "")
        assert failed.err.splitlines()[-1].startswith("syndicate: the subject is empty")
    assert site("edition", "show", "1", "--json").json["state"] == "draft"


def test_the_tick_holds_what_has_a_fault_and_approving_it_mended_goes_on(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_relay(monkeypatch, catcher.port)
    site("clip", "add", "--headline", "One", "--publish").done()
    use_template(site, "subject.txt", "\n")
    assert site("edition", "send", "--now", "weekly").status == 1
    with open_site(site.config) as app, pytest.raises(TickFailed, match="the subject is empty"):
        app.editions.tick(app.database, app.clock())
    shown = site("edition", "show", "1").done().out
    assert all(words in shown for words in ("held", "the subject is empty", "syndicate edition approve 1"))
    (site.folder / "templates" / "email" / "digest" / "subject.txt").unlink()
    site("edition", "approve", "1").done()
    shape = site("edition", "show", "1", "--json").json
    assert (shape["state"], len(shape["items"])) == ("approved", 1)
    assert site("edition", "send", "1").done().lines == ["1"]


def test_what_the_check_warns_of_is_told_and_refused_if_asked(site: Console) -> None:
    draft(site, "https://bit.ly/3x")
    refused = site("edition", "approve", "1", "--strict")
    assert (refused.status, refused.out) == (1, "")
    assert "hides where it leads" in refused.err
    assert "--strict refuses" in refused.err
    ran = site("edition", "approve", "1").done()
    assert "warning: https://bit.ly/3x hides where it leads" in ran.err
    assert site("edition", "cancel", "1").done()
    site("edition", "draft", "weekly").done()
    assert site("edition", "approve", "2", "--yes").done().err == ""


@pytest.mark.parametrize(("score", "level", "status"), [(2.9, "note", 0), (3.1, "warning", 0), (5.1, "fault", 1)])
def test_spam_points_are_graded(site: Console, tmp_path: Path, score: float, level: str, status: int) -> None:
    draft(site)
    spam_says(tmp_path, score)
    ran = site("edition", "check", "1", "--json")
    assert ran.status == status
    assert [one["level"] for one in ran.json if one["where"] == "spam"] == [level]


def test_without_spamassassin_a_note_says_so(site: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    draft(site)
    assert "note: SpamAssassin is not installed" in site("edition", "check", "1").done().out


def test_a_link_to_a_private_host_is_a_fault_and_fetching_refuses_it(site: Console) -> None:
    draft(site, "http://127.0.0.1:1/a")
    found = site("edition", "check", "1", "--links", "--json")
    assert found.status == 1
    assert {"fault", "warning"} <= {one["level"] for one in found.json if "127.0.0.1:1" in one["what"]}


def test_another_edition_for_the_same_people_on_the_same_day_is_warned_of(site: Console, catcher: Catcher) -> None:
    site("subscriber", "add", "ann@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    site("clip", "add", "--headline", "One", "--publish").done()
    assert "warning" not in site("edition", "send", "--now", "weekly").done().err
    words = "edition 1 of Weekly digest went the same day, at "
    draft(site)
    (found,) = [one for one in site("edition", "check", "2", "--json").json if "same day" in one["what"]]
    assert (found["level"], found["what"].startswith(words)) == ("warning", True)
    assert found["what"].endswith(", and some people get both")
    for step in ("approve", "send"):  # never in the way
        (told,) = [line for line in site("edition", step, "2").done().err.splitlines() if "same day" in line]
        assert told.startswith(f"warning: {words}")
    assert len(catcher.caught()) == 2
    site("edition", "correct", "1", "--note", "It was Tuesday.", "--clip", _first_item(site, 1)).done()
    assert "same day" not in site("edition", "check", "3").out
    assert "same day" not in site("edition", "approve", "3").done().err
    site("clip", "add", "--headline", "Three", "--publish").done()
    assert ", and 1 more, and some people get both" in site("edition", "send", "--now", "weekly").done().err
    site("clip", "add", "--headline", "Four", "--publish").done()
    assert "warning" not in site("edition", "send", "--now", "weekly", "--yes").done().err


def _first_item(site: Console, edition: int) -> str:
    items: list[str] = site("edition", "show", str(edition), "--json").json["items"]
    return items[0]
