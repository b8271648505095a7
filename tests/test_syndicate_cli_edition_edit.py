"""`syndicate edition note|subject|lead|order|add|drop|withdraw` and `clip never-mail`: a draft edited by hand."""

from pathlib import Path

import pytest
from console import Console, new_site


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def publish(site: Console, headline: str) -> str:
    return site("clip", "add", "--headline", headline, "--publish").done().lines[0]


def test_a_draft_is_edited_looked_at_approved_withdrawn_and_edited_again(site: Console) -> None:
    one, two, three = publish(site, "One"), publish(site, "Two"), publish(site, "Three")
    site("edition", "draft", "weekly").done()
    assert site("edition", "lead", "1", one, "--json").done().json["items"] == [one, three, two]
    assert site("edition", "order", "1", two, "--json").done().json["items"] == [one, two, three]
    assert site("edition", "drop", "1", three, "--json").done().json["items"] == [one, two]
    assert site("edition", "note", "1", "A word before.").done().lines == ["1"]
    site("edition", "subject", "1", "A subject of ours").done()
    shown = site("edition", "show", "1", "--json").done().json
    assert (shown["subject"], shown["note"], shown["lead"]) == ("A subject of ours", "A word before.", one)
    assert shown["left_out"] == [{"clipping": three, "reason": "carried over by hand"}]
    assert f"{three}  left out: carried over by hand" in site("edition", "show", "1").done().lines
    plan = site("edition", "plan", "1", "--json").done().json
    assert (plan["digest"], plan["items"], plan["left_out"]) == ("weekly", [one, two], shown["left_out"])
    assert site("edition", "plan", "weekly", "--json").done().json["items"] == [three]
    site("edition", "approve", "1").done()
    mail = site("edition", "preview", "1", "--eml").done().out
    assert "Subject: A subject of ours\r\n" in mail.replace("\r\n", "\n").replace("\n", "\r\n")
    assert "edition withdraw 1" in site("edition", "add", "1", three).refused(1)
    assert site("edition", "withdraw", "1", "--json").done().json["state"] == "draft"
    assert site("edition", "add", "1", three, "--json").done().json["items"] == [one, two, three]
    assert site("edition", "show", "1", "--json").done().json["left_out"] == []


def test_never_mail_takes_a_clipping_out_of_the_draft_and_of_what_comes(site: Console) -> None:
    one, two = publish(site, "One"), publish(site, "Two")
    site("edition", "draft", "weekly").done()
    marked = site("clip", "never-mail", two).done()
    assert (marked.lines, "edition 1 goes on without it" in marked.err) == ([two], True)
    assert site("edition", "show", "1", "--json").json["items"] == [one]
    assert "never-mail" in site("edition", "add", "1", two).refused(1)
    site("clip", "never-mail", two, "--off").done()
    site("edition", "add", "1", two).done()


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("edition", "note", "7", "x"), 1, "there is no edition 7"),
        (("edition", "subject", "1", "two\nlines"), 2, "one line"),
        (("edition", "lead", "1", "nowhere"), 1, "does not hold the clipping nowhere"),
        (("edition", "order", "1", "nowhere"), 1, "does not hold the clipping nowhere"),
        (("edition", "add", "1", "nowhere"), 1, "nowhere"),
        (("edition", "drop", "1", "nowhere"), 1, "does not hold"),
        (("edition", "withdraw", "1"), 1, "is draft: only an approved one can be withdrawn"),
        (("edition", "plan", "99"), 1, "there is no edition 99"),
        (("clip", "never-mail", "nowhere"), 1, "nowhere"),
    ],
)
def test_bad_input_is_one_clear_line(site: Console, words: tuple[str, ...], status: int, told: str) -> None:
    publish(site, "One")
    site("edition", "draft", "weekly").done()
    assert told in site(*words).refused(status)
