"""Test mails by the command line: they leave, arrive, look as the edition does, and change nothing of it."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from console import Console, new_site
from sqlalchemy import text

from syndicate.catcher import Catcher
from syndicate.database import Database


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, catcher: Catcher) -> Console:
    assert catcher
    return new_site(tmp_path_factory, tmp_path / "site")


def parts(data: bytes) -> tuple[str, str]:
    message = message_from_bytes(data, policy=policy.default)
    found = [message.get_body((kind,)) for kind in ("plain", "html")]
    return tuple(part.get_content() if part else "" for part in found)  # type: ignore[return-value]


def without_links(body: str) -> list[str]:
    """The lines in which nothing personal stands."""
    return [line for line in body.splitlines() if not any(word in line for word in ("unsubscribe", "preferences"))]


def test_a_test_letter_leaves_and_arrives(site: Console, catcher: Catcher) -> None:
    shapes = site("outbox", "test", "ann@example.net", "Ann@example.net", "bob@example.net", "--json").done().json
    assert [(one["letter"], one["address"], one["state"]) for one in shapes] == [
        ("test", "ann@example.net", "accepted"),
        ("test", "bob@example.net", "accepted"),
    ]
    mails = [message_from_bytes(one.path.read_bytes(), policy=policy.default) for one in catcher.caught()]
    assert sorted(str(mail["Message-ID"]).strip("<>") for mail in mails) == sorted(one["message_id"] for one in shapes)
    assert not [name for mail in mails for name in mail if name.lower().startswith("list-")]


def test_an_edition_goes_to_a_few_people_as_it_would_go_to_all(site: Console, catcher: Catcher) -> None:
    site("clip", "add", "--headline", "What a pardon takes", "--publish").done()
    draft = site("edition", "draft", "weekly").done().lines[0]
    before = site("edition", "show", draft, "--json").done().json
    site("edition", "test", draft, "ann@example.net").done()
    assert site("edition", "show", draft, "--json").done().json == before
    site("edition", "approve", draft).done()
    site("edition", "test", draft, "ann@example.net").done()
    for caught in catcher.caught():
        mail = message_from_bytes(caught.path.read_bytes(), policy=policy.default)
        assert str(mail["Subject"]).startswith("Test: ")
        assert "What a pardon takes" in parts(caught.path.read_bytes())[0]
        assert "/unsubscribe/sample" in parts(caught.path.read_bytes())[0]
        assert mail["List-Unsubscribe"] is None
    shown = site("edition", "preview", draft, "--eml").done().raw
    sent = catcher.caught()[-1].path.read_bytes()
    assert without_links(parts(sent)[0]) == without_links(parts(shown)[0])
    site("subscriber", "add", "reader@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    site("edition", "send", draft).done()
    assert [one.recipient for one in catcher.caught()].count("reader@example.net") == 1


def test_a_suppressed_address_gets_no_test_and_that_is_said(site: Console, catcher: Catcher) -> None:
    site("outbox", "test", "ann@example.net").done()
    database = Database(f"sqlite:///{site.folder / 'syndicate.db'}")
    with database.write() as session:
        session.execute(
            text(
                "INSERT INTO suppression (address_hash, reason, at) "
                "SELECT address_hash, 'complaint', asked_at FROM letter"
            )
        )
    database.close()
    ran = site("outbox", "test", "ann@example.net", "bob@example.net")
    assert ran.status == 1
    (line,) = ran.err.splitlines()
    assert "ann@example.net: the letter is skipped" in line
    assert [one.recipient for one in catcher.caught()] == ["ann@example.net", "bob@example.net"]


def test_bad_input_is_one_line_and_files_nothing(site: Console, catcher: Catcher) -> None:
    assert "not-an-address" in site("outbox", "test", "not-an-address").refused(2)
    site("outbox", "test", "ann@example.net", "zoë@example.net").refused(2)
    assert site("edition", "test", "99", "ann@example.net").refused(1) == "syndicate: there is no edition 99"
    site("edition", "test", "x", "ann@example.net").refused(2)
    site("outbox", "test").refused(2)
    empty = site("edition", "draft", "weekly").done().lines[0]
    assert "nothing to show" in site("edition", "test", empty, "ann@example.net").refused(1)
    assert site("outbox", "status", "--json").done().json["queued"] == 0
    assert catcher.caught() == []


def test_a_relay_that_is_away_is_said_before_anything_is_filed(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDICATE_MAIL__SMTP__PORT", "1")
    site("outbox", "test", "ann@example.net").refused(1)
    assert catcher.caught() == []
    assert site("outbox", "status", "--json").done().json["queued"] == 0
