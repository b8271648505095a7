"""An edition in the languages of its readers, each frozen once; and what was approved is what goes out, or nothing."""

import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from console import Console, new_site
from sqlalchemy import update

from subscribers.models import Subscriber
from syndicate.catcher import Catcher
from syndicate.database import Database
from syndicate.models import Variant


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A site that writes mail in English and Spanish, with a reader of each and one of a language it has not."""
    site = new_site(tmp_path_factory, tmp_path / "site")
    text = site.config.read_text().replace('# languages = ["en", "es"]', 'languages = ["es"]')
    assert 'languages = ["es"]' in text
    site.config.write_text(text)
    readers = {"ann@example.net": "en", "luz@example.net": "es", "eva@example.net": "de"}
    site("subscriber", "add", "--digest", "weekly", "--consent", "at the fair", "--", *readers).done()
    database = Database(f"sqlite:///{site.folder / 'syndicate.db'}")
    with database.write() as session:
        for address, language in readers.items():
            session.execute(update(Subscriber).where(Subscriber.address == address).values(language=language))
    database.close()
    site("clip", "add", "--headline", "One", "--dateline", "2009-03", "--publish").done()
    return site


def _change(site: Console, **values: object) -> None:
    """Alter what is stored of the Spanish mail behind the program's back."""
    database = Database(f"sqlite:///{site.folder / 'syndicate.db'}")
    with database.write() as session:
        session.execute(update(Variant).where(Variant.language == "es").values(values))
    database.close()


def _mails(catcher: Catcher) -> dict[str, EmailMessage]:
    mails = {one.recipient: email.message_from_bytes(one.path.read_bytes(), policy=default) for one in catcher.caught()}
    return {to: mail for to, mail in mails.items() if isinstance(mail, EmailMessage)}


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_each_reader_gets_their_language_and_whose_we_do_not_speak_the_sites(site: Console, catcher: Catcher) -> None:
    site("edition", "send", "--now", "weekly").done()
    mails = _mails(catcher)
    assert {to: mail["Content-Language"] for to, mail in mails.items()} == {
        "ann@example.net": "en",
        "luz@example.net": "es",
        "eva@example.net": "en",
    }
    assert "March 2009" in _part(mails["ann@example.net"], "plain")
    for kind in ("plain", "html"):
        spanish = _part(mails["luz@example.net"], kind).replace("\u00a0", " ")
        assert "marzo de 2009" in spanish
        assert "Read in the browser" not in spanish
    assert 'lang="es"' in _part(mails["luz@example.net"], "html")


def test_a_preview_in_each_language_is_what_is_sent_but_for_what_is_personal(site: Console, catcher: Catcher) -> None:
    def common(text: str) -> list[str]:
        return [line for line in text.splitlines() if "/unsubscribe/" not in line and "/preferences/" not in line]

    site("edition", "draft", "weekly").done()
    site("edition", "approve", "1").done()
    shown = {one: site("edition", "preview", "1", "--language", one).done().out for one in ("en", "es")}
    assert common(shown["en"]) != common(shown["es"])
    site("edition", "send", "1").done()
    mails = _mails(catcher)
    for to, language in (("ann@example.net", "en"), ("luz@example.net", "es")):
        assert common(_part(mails[to], "plain")) == common(shown[language])
    assert "mail is not written in 'fr'" in site("edition", "preview", "1", "--language", "fr").refused(2)


@pytest.mark.parametrize("change", [{"hash": "0" * 64}, {"composition": b"something else"}])
def test_what_is_not_what_was_approved_does_not_start(
    site: Console, catcher: Catcher, change: dict[str, object]
) -> None:
    site("edition", "draft", "weekly").done()
    site("edition", "approve", "1").done()
    _change(site, **change)
    ran = site("edition", "send", "1")
    assert ran.status == 1
    assert "approval void: what is stored is not what was approved" in ran.err
    assert site("edition", "show", "1", "--json").done().json["state"] == "draft"
    assert catcher.caught() == []
    site("edition", "send", "1").done()  # composed anew
    assert len(catcher.caught()) == 3


def test_nor_does_it_go_on_after_a_pause(site: Console, catcher: Catcher) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    site("edition", "pause", "1").done()
    _change(site, hash="0" * 64)
    assert "is not what was approved: cancel it" in site("edition", "resume", "1").refused(1)
    assert site("edition", "show", "1", "--json").done().json["state"] == "paused"
    assert catcher.caught() == []
