"""Mail to the address of List-Unsubscribe really ends the digest, and nothing else that comes in changes anything."""

import email
import re
from email import policy
from pathlib import Path

import pytest
from console import Console, new_site
from hypothesis import given, settings
from hypothesis import strategies as st
from mails import EDITION, KEYS, MAIL_SITE, PERSON, digest, page

from subscribers.tokens import TokenKeys
from syndicate.app.parts import open_site
from syndicate.keys import SiteKeys
from syndicate.mail.leave import is_leave_address, leave_local, leaves, named_by_leave
from syndicate.mail.personal import delivery_mail
from syndicate.returns.reading import incoming

ROTATED = SiteKeys(TokenKeys({1: b"1" * 32, 2: b"2" * 32}, 2), b"a" * 32)
PLAIN = b"From: ann@example.org\r\nTo: <%s>\r\nSubject: unsubscribe\r\n\r\n"


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    made = new_site(tmp_path_factory, tmp_path / "site")
    for name in ("ann", "bob"):
        made("subscriber", "add", f"{name}@example.org", "--digest", "weekly", "--consent", "at the fair").done()
    return made


def address(site: Console, name: str = "ann", slug: str = "weekly") -> str:
    """The address by which somebody leaves, as their mails name it."""
    with open_site(site.config) as opened, opened.database.read() as session:
        from sqlalchemy import select

        from subscribers.models import Subscriber

        who = session.scalars(select(Subscriber).where(Subscriber.address == f"{name}@example.org")).one()
        local = leave_local(opened.keys, subscriber_id=who.id, uid=who.uid, digest=slug)
        return f"{local}@{opened.config.mail.bounce_domain}"


def state(site: Console, name: str = "ann") -> tuple[str, list[str]]:
    shown = site("subscriber", "show", f"{name}@example.org", "--json").done().json
    return shown["state"], shown["digests"]


def test_the_mail_names_the_link_first_and_an_address_that_is_accepted_second() -> None:
    mail = delivery_mail(
        digest(page(1)), person=PERSON, edition=EDITION, site=MAIL_SITE, subscriber_id=77, keys=KEYS, signing=()
    )
    (field,) = re.findall(rb"\r\nList-Unsubscribe: ([^\r]*,\r\n [^\r]*)\r\n", mail.data)
    link, mailto = field.decode().split(",\r\n ")
    assert link.startswith("<https://news.example.org/unsubscribe/")
    found = re.fullmatch(r"<mailto:(u\+[a-z2-7]{27})@bounces\.example\.org\?subject=unsubscribe>", mailto)
    assert found, mailto
    assert len(found[1]) <= 64
    assert named_by_leave(found[1]) == 77
    assert leaves(found[1], KEYS, subscriber_id=77, uid=PERSON.uid, digest="weekly")
    message = email.message_from_bytes(mail.data, policy=policy.default)
    assert message["List-Unsubscribe"] == f"{link}, {mailto}"


@pytest.mark.parametrize("field", ["To", "Delivered-To", "X-Original-To", "Envelope-To", "--to"])
def test_who_writes_to_the_address_leaves_that_digest_and_only_they(site: Console, field: str) -> None:
    to = address(site)
    words: tuple[str, ...] = ("bounce", "ingest")
    if field == "--to":
        words, raw = (*words, "--to", to, "-"), PLAIN % b"somebody@example.org"
    else:
        raw = PLAIN.replace(b"To:", field.encode() + b":") % to.upper().encode()
    assert site(*words, stdin=raw).done().out.strip().endswith("left weekly")
    assert state(site) == ("unsubscribed", [])
    assert state(site, "bob") == ("confirmed", ["weekly"])
    assert site(*words, stdin=raw).done().out.strip().endswith("had left weekly")
    history = site("subscriber", "history", "ann@example.org", "--json").done().json
    assert [(step["kind"], step["way"]) for step in history] == [("imported", "command"), ("unsubscribed", "mail")]


def test_a_forged_or_cut_address_changes_nothing_and_says_so(site: Console) -> None:
    local, _, domain = address(site).partition("@")
    theirs = address(site, "bob").partition("@")[0]
    for forged in (local[:-1], local[:-1] + ("a" if local[-1] != "a" else "b"), local[:13] + theirs[13:], "u+", "u+ü"):
        ran = site("bounce", "ingest", stdin=PLAIN % f"{forged}@{domain}".encode()).done()
        assert "cut or forged token, and nothing was changed" in ran.out
    assert state(site) == state(site, "bob") == ("confirmed", ["weekly"])


@pytest.mark.parametrize(
    "raw",
    [
        b"Auto-Submitted: auto-replied (vacation)\r\n" + PLAIN,
        b"Return-Path: <>\r\n" + PLAIN,
        b"Content-Type: multipart/report; boundary=x\r\n" + PLAIN,
        b"From: a@example.org\r\nTo: b+abc@example.org\r\nSubject: unsubscribe %s\r\n\r\n",
        b"%s no mail at all",
        b"\xff\xfe\x00%s",
    ],
)
def test_answers_of_machines_and_all_else_are_left_alone(site: Console, raw: bytes) -> None:
    ran = site("bounce", "ingest", "-", stdin=raw % address(site).encode()).done()
    assert len(ran.lines) == 1
    assert "not understood yet" in ran.out
    assert state(site) == ("confirmed", ["weekly"])


def test_an_mbox_and_several_files_are_read_mail_by_mail(site: Console, tmp_path: Path) -> None:
    box = b"".join(
        b"From x@example.org Thu Nov 26 09:00:00 2026\n" + (PLAIN % to.encode()).replace(b"\r\n", b"\n") + b"body\n\n"
        for to in (address(site), "stranger@example.org", address(site, "bob"))
    )
    (tmp_path / "box").write_bytes(box)
    (tmp_path / "one").write_bytes(PLAIN % b"stranger@example.org")
    ran = site("bounce", "ingest", str(tmp_path / "box"), str(tmp_path / "one"), "--json").done()
    assert [(one["number"], one["act"]) for one in ran.json] == [
        (1, "left"),
        (2, "not understood"),
        (3, "left"),
        (1, "not understood"),
    ]
    assert site("bounce", "ingest", stdin=b"").done().out == ""
    assert "cannot read" in site("bounce", "ingest", str(tmp_path / "gone")).refused(1)


def test_a_digest_that_is_gone_from_the_settings_can_still_be_left(site: Console) -> None:
    to = address(site)
    text = site.config.read_text()
    site.config.write_text(re.sub(r'slug = "weekly"', 'slug = "fortnightly"', text))
    assert "left weekly" in site("bounce", "ingest", stdin=PLAIN % to.encode()).done().out


def test_an_address_outlives_a_new_key_and_is_of_one_person_and_digest_only() -> None:
    old = leave_local(KEYS, subscriber_id=7, uid="abc", digest="weekly")
    assert leaves(old, ROTATED, subscriber_id=7, uid="abc", digest="weekly")
    assert not leaves(
        leave_local(ROTATED, subscriber_id=7, uid="abc", digest="weekly"),
        KEYS,
        subscriber_id=7,
        uid="abc",
        digest="weekly",
    )
    for other in ({"uid": "abd"}, {"digest": "daily"}, {"subscriber_id": 8}):
        named = {"subscriber_id": 7, "uid": "abc", "digest": "weekly"} | other
        assert not leaves(old, KEYS, **named)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ids"):
        leave_local(KEYS, subscriber_id=2**48, uid="abc", digest="weekly")


@given(st.binary(max_size=300), st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_in_is_read_without_an_error(data: bytes, local: str) -> None:
    for raw in (
        data,
        b"To: " + data,
        b"Subject: =?x?b?" + data + b"\r\nAuto-Submitted: " + data,
        local.encode("utf-8", "replace"),
    ):
        for mail in incoming(raw):
            assert "\n" not in mail.subject
    assert not leaves(local, KEYS, subscriber_id=7, uid="abc", digest="weekly")
    named_by_leave(local)
    is_leave_address(local)
