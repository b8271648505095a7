"""Letters as mail: each kind from its own template, in one language, the same bytes in every attempt."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import mails
import pytest
from small_config import SMALL, ConfigFolder

from syndicate.app.letters import LetterMaker, UnknownLetter, letter_page
from syndicate.config import Config
from syndicate.mail.pages import ConfirmPage, GoodbyePage, InvitationPage, LetterTestPage, NoticePage, WelcomePage
from syndicate.mail.render import Renderer
from syndicate.outbox.jobs import LetterJob

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KINDS = ("confirm", "welcome", "goodbye", "test", "notice", "invitation")
NAMES = ("From", "To", "Subject", "Date", "Message-ID")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return ConfigFolder(tmp_path).load(SMALL.replace("[mail]", 'languages = ["es"]\n\n[mail]', 1))


def job(kind: str, *, language: str = "en", **params: object) -> LetterJob:
    known: dict[str, object] = {
        "digests": ["weekly"],
        "subscriber": "abcdefghijklmnop",
        "occasion": "waits",
        "digest": "Weekly",
        "edition": 7,
        "slot": "2026-11-26T09:00",
        "reason": "approval void",
        "commands": ["syndicate edition approve 7"],
        "role": "editor",
        "invited_by": "Ann Reed",
    }
    return LetterJob(
        letter_id=7,
        uid="llllllllllllllll",
        kind=kind,
        attempt=0,
        address="ann@example.net",
        address_hash="h",
        language=language,
        params=known | params,
        asked_at=AT,
        expires_at=AT + timedelta(hours=72),
    )


def made(config: Config, letter: LetterJob) -> tuple[bytes, EmailMessage]:
    data = LetterMaker(config, mails.KEYS, (), Renderer(None))(letter).data
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return data, message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_letter_is_a_whole_mail_without_the_fields_of_a_list(config: Config, kind: str) -> None:
    data, message = made(config, job(kind))
    assert all(len(message.get_all(name, [])) == 1 for name in NAMES)
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.lower().startswith(("list-", "precedence", "feedback"))]
    assert "Valley Review" in body(message, "html") + str(message["From"])
    assert made(config, job(kind))[0] == data


def test_a_letter_is_in_its_readers_language_and_else_in_the_sites(config: Config) -> None:
    assert {letter_page(config, job(kind, language="es")).language for kind in KINDS} == {"es"}
    assert {letter_page(config, job(kind, language="fr")).language for kind in KINDS} == {"en"}
    _, message = made(config, job("welcome", language="es"))
    assert message["Content-Language"] == "es"


def test_each_letter_says_what_it_is_about(config: Config) -> None:
    pages = {kind: letter_page(config, job(kind)) for kind in KINDS}
    confirm, welcome, goodbye, test, notice, invitation = (pages[kind] for kind in KINDS)
    assert isinstance(confirm, ConfirmPage)
    assert confirm.digests == ("Weekly",)
    assert isinstance(welcome, WelcomePage)
    assert welcome.digests == ("Weekly",)
    assert "26 November 2026" in welcome.next_at
    assert "09:00" in welcome.next_at
    assert isinstance(goodbye, GoodbyePage)
    assert goodbye.subscribe_url == "https://valley.test/subscribe"
    assert isinstance(test, LetterTestPage)
    assert "24 November 2026" in test.at
    assert isinstance(notice, NoticePage)
    assert notice.commands == ("syndicate edition approve 7",)
    assert isinstance(invitation, InvitationPage)
    assert (invitation.role, invitation.invited_by) == ("editor", "Ann Reed")


@pytest.mark.parametrize(
    ("occasion", "english", "spanish"),
    [
        ("waits", "Weekly waits for approval", "Weekly espera la aprobación"),
        ("skipped", "Weekly was skipped", "Weekly: esta vez no hubo envío"),
        ("incomplete", "Weekly: some mails are in doubt", "Weekly: hay correos en duda"),
        ("held", "Weekly is held", "Weekly: envío retenido"),
        ("paused", "Weekly is paused", "Weekly: envío en pausa"),
        ("outbox", "The outbox is held", "La bandeja de salida está retenida"),
        ("of a newer program", "Something needs a person", "Algo necesita la atención de una persona"),
    ],
)
def test_a_notice_is_told_in_the_operators_language(config: Config, occasion: str, english: str, spanish: str) -> None:
    for language, line in (("en", english), ("es", spanish)):
        _, message = made(config, job("notice", language=language, occasion=occasion))
        assert message["Subject"] == line
        for kind in ("plain", "html"):
            said = body(message, kind)
            assert "approval void" in said, "the reason is quoted as the program noted it"
            assert "syndicate edition approve 7" in said
            assert ("You get this" in said) == (language == "en")
    due = "jueves, 26 de noviembre de 2026, 09:00"
    assert (due in " ".join(body(message, "plain").split())) == (occasion == "skipped")


def test_the_links_in_letters_are_made_anew_and_name_their_reader(config: Config) -> None:
    for part in ("plain", "html"):
        welcome = body(made(config, job("welcome"))[1], part)
        assert f"https://valley.test/preferences/{mails.KEYS.preferences_token('abcdefghijklmnop')}" in welcome
        token = mails.KEYS.invitation_token("llllllllllllllll")
        assert f"https://valley.test/desk/invitation/{token}" in body(made(config, job("invitation"))[1], part)
    assert mails.KEYS.read_invitation(token) == "llllllllllllllll"
    assert mails.KEYS.read_confirm(token) is None


def test_params_that_are_not_what_we_write_give_a_mail_all_the_same(config: Config) -> None:
    for kind in KINDS:
        odd = job(
            kind, digests=[7, None, "gone"], occasion=3, edition="x", slot="soon", commands=None, role=[], invited_by={}
        )
        made(config, odd)


def test_a_kind_that_we_do_not_know_is_said(config: Config) -> None:
    with pytest.raises(UnknownLetter, match="no letter of the kind 'poem'"):
        made(config, job("poem"))


def test_an_edition_sent_as_a_test_has_its_bodies_and_nothing_of_a_list(config: Config) -> None:
    edition = mails.digest(mails.page(3))
    data, message = made(config, job("test", edition=7, composition=edition.to_bytes().decode("ascii")))
    assert message["Subject"] == f"Test: {edition.subject}"
    assert message["Date"].datetime == AT
    assert message["From"] == "Coalition News <news@example.org>"
    assert not [name for name in message if name.lower().startswith(("list-", "precedence", "feedback"))]
    values = {"unsubscribe": "https://valley.test/unsubscribe/sample"}
    values |= {"preferences": "https://valley.test/preferences/sample", "since": "24 November 2026"}
    _, chunks = edition.fill("ann@example.net", "id", values, None)
    assert data.partition(b"\r\n\r\n")[2] == b"".join(chunks)
