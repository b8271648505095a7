"""Leaving lasts: whoever has left, in whatever way, gets no mail from a database that was put back from before."""

import shutil
import sqlite3
from contextlib import closing
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest
from console import Console, new_site
from sqlalchemy import String as StringType
from sqlalchemy import Text, literal, select

from subscribers import suppression
from subscribers.models import Base, Subscriber
from syndicate.app.parts import App, open_site
from syndicate.app.serving import Server
from syndicate.catcher import Catcher
from syndicate.mail.leave import leave_local
from syndicate.models import Delivery, Letter

WAYS = (
    "one-click",
    "the page",
    "no box ticked",
    "all at once",
    "by mail",
    "by an editor",
    "erased",
    "complained",
    "and came back",
    "not at all",
)
EACH = 11


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def address(way: str, number: int) -> str:
    return f"{way.replace(' ', '-')}.{number}@example.net"


def publish(site: Console, headline: str) -> None:
    site("clip", "add", "--headline", headline, "--publish").done()


def leave_in_every_way(app: App, web: httpx.Client, site: Console, who: dict[str, list[Subscriber]]) -> None:
    """Each person leaves in the way that their address names."""
    uid = {way: [person.uid for person in people] for way, people in who.items()}
    one_click = {"List-Unsubscribe": "One-Click"}
    for one in uid["one-click"]:
        assert web.post(f"/unsubscribe/{app.keys.unsubscribe_token(one, 'weekly')}", data=one_click).status_code == 200
    for one in uid["the page"]:
        assert web.post(f"/unsubscribe/{app.keys.unsubscribe_token(one, 'weekly')}").status_code == 200
    for way, action in (("no box ticked", "save"), ("all at once", "leave-all")):
        for one in uid[way]:
            path = f"/preferences/{app.keys.preferences_token(one)}"
            assert web.post(path, data={"action": action}).status_code == 200
    for person in who["by mail"]:
        local = leave_local(app.keys, subscriber_id=person.id, uid=person.uid, digest="weekly")
        to = f"{local}@{app.config.mail.bounce_domain}"
        mail = f"From: {person.address}\r\nTo: <{to}>\r\nSubject: unsubscribe\r\n\r\n".encode()
        site("bounce", "ingest", "-", stdin=mail).done()
    for person in who["by an editor"]:
        site("subscriber", "unsubscribe", person.address).done()
    for person in who["erased"]:
        site("subscriber", "erase", person.address).done()
    for person in who["complained"]:
        with app.database.write() as session:
            suppression.suppress(
                session, person.address_hash, address=None, reason="complaint", stops=app.stops, now=app.clock()
            )
    for one in uid["and came back"]:
        web.post(f"/unsubscribe/{app.keys.unsubscribe_token(one, 'weekly')}", data=one_click)


def come_back(app: App, people: list[Subscriber]) -> None:
    for person in people:
        with app.database.write() as session:
            app.signup.ask(session, person.address, ["weekly"], way="form", words="yes", now=app.clock())
            letters = session.scalars(
                select(Letter.uid).where(Letter.subscriber_id == person.id, Letter.kind == "confirm")
            )
            token = app.keys.confirm_token(letters.one())
            assert app.signup.confirm(session, token, way="page", now=app.clock()).state == "valid"


@pytest.mark.parametrize("put_back", ["db restore", "a copy of the file"])
def test_after_a_restore_nobody_who_left_since_gets_a_mail(
    site: Console, catcher: Catcher, tmp_path: Path, put_back: str
) -> None:
    with open_site(site.config) as app:
        everybody = [address(way, number) for way in WAYS for number in range(EACH)]
        site("subscriber", "add", *everybody, "--digest", "weekly", "--consent", "at the fair").done()
        publish(site, "Before")
        site("edition", "send", "--now", "weekly").done()
        with app.database.read() as session:
            people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
            session.expunge_all()
        who = {way: [one for one in people if one.address.startswith(f"{way.replace(' ', '-')}.")] for way in WAYS}
        assert {len(group) for group in who.values()} == {EACH}
        copy, backup = tmp_path / "copy.db", tmp_path / "site.backup"
        site("db", "backup", str(backup)).done()
        site("db", "check").done()
        with closing(sqlite3.connect(app.database.file)) as used, closing(sqlite3.connect(copy)) as copied:
            used.backup(copied)
        server = Server(app, host="127.0.0.1", port=0, tick=False, sender=False)
        server.start()
        with httpx.Client(base_url=server.address) as web:
            leave_in_every_way(app, web, site, who)
        server.stop()
        come_back(app, who["and came back"])
    if put_back == "db restore":
        said = site("db", "restore", str(backup)).done().out
        assert f"{EACH * 8} people who left since then have left here too" in said
    else:
        for end in ("", "-wal", "-shm"):
            (site.folder / f"syndicate.db{end}").unlink(missing_ok=True)
        shutil.copy(copy, site.folder / "syndicate.db")
    site("outbox", "status").done()
    publish(site, "After")
    if put_back == "db restore":
        site("outbox", "release").done()
    before = len(catcher.caught())
    ended = site("edition", "send", "--now", "weekly")
    ended.done()
    got = {mail.recipient for mail in catcher.caught()[before:] if subject(mail.path) != "goodbye"}
    left = {one for way in WAYS[:8] for one in (address(way, number) for number in range(EACH))}
    assert got & left == set()
    assert got >= {address("not at all", number) for number in range(EACH)}
    assert got >= {address("and came back", number) for number in range(EACH)}


def subject(path: Path) -> str:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    return "goodbye" if "List-Id" not in message else "digest"


def test_an_erased_address_stands_nowhere_any_more(site: Console, catcher: Catcher) -> None:
    site(
        "subscriber", "add", "ann@example.net", "--digest", "weekly", "--consent", "ann@example.net, at the fair"
    ).done()
    site("subscriber", "add", "Bob.Stone@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    publish(site, "One")
    site("edition", "send", "--now", "weekly").done()
    site("outbox", "test", "bob.stone@example.net").done()
    with open_site(site.config) as app:
        with app.database.write() as session:
            app.signup.ask(
                session,
                "bob.stone@example.net",
                ["weekly"],
                way="form",
                words="I, bob.stone@example.net, agree",
                source="https://example.net/?bob.stone@example.net",
                network="192.0.2.0/24",
                now=app.clock(),
            )
            refused = select(Delivery).where(Delivery.address == "Bob.Stone@example.net")
            session.scalars(refused).one().reply = "550 <bob.stone@example.net>: who?"
        assert places(app, "bob.stone") != []
        site("subscriber", "erase", "bob.stone@EXAMPLE.net").done()
        assert places(app, "bob.stone") == []
        assert places(app, "ann@") != []
        site("subscriber", "erase", "bob.stone@example.net").done()
        shown = site("edition", "report", "1", "--json").done().json
        assert (shown["chosen"], shown["accepted"]) == (2, 2)
        listed = site("subscriber", "list", "--json").done().json
        assert [(one["address"], one["state"]) for one in listed] == [
            ("ann@example.net", "confirmed"),
            ("", "unsubscribed"),
        ]
        publish(site, "Two")
        before = len(catcher.caught())
        site("edition", "send", "--now", "weekly").done()
        assert [mail.recipient for mail in catcher.caught()[before:]] == ["ann@example.net"]
        again = ["subscriber", "add", "bob.stone@example.net", "--digest", "weekly", "--consent", "x"]
        assert "is suppressed (erased)" in site(*again).refused(1)
        assert places(app, "bob.stone") == []
        stopped = (site.folder / "stop.list").read_text()
        assert "bob" not in stopped


def places(app: App, word: str) -> list[str]:
    """The columns, of all tables, in which this word stands."""
    found = []
    with app.database.read() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, StringType | Text) or "JSON" in type(column.type).__name__:
                    words = column.cast(Text).ilike(literal(f"%{word}%"))
                    if session.execute(select(literal(1)).select_from(table).where(words).limit(1)).first():
                        found.append(f"{table.name}.{column.name}")
    return found


def test_a_stop_list_that_cannot_be_written_lets_nobody_believe_they_have_left(site: Console) -> None:
    site("subscriber", "add", "ann@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    (site.folder / "stop.list").mkdir()
    assert "the stop list" in site("subscriber", "unsubscribe", "ann@example.net").refused(1)
    assert site("subscriber", "show", "ann@example.net", "--json").done().json["state"] == "confirmed"
    with open_site(site.config) as app:
        with app.database.read() as session:
            uid = session.scalars(select(Subscriber.uid)).one()
        server = Server(app, host="127.0.0.1", port=0, tick=False, sender=False)
        server.start()
        path = f"/unsubscribe/{app.keys.unsubscribe_token(uid, 'weekly')}"
        answer = httpx.post(server.address.rstrip("/") + path, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        (site.folder / "stop.list").rmdir()
        again = httpx.post(server.address.rstrip("/") + path, data={"List-Unsubscribe": "One-Click"})
        assert again.status_code == 200
        server.stop()
    assert site("subscriber", "show", "ann@example.net", "--json").done().json["state"] == "unsubscribed"


def test_a_stop_list_of_another_secret_keeps_every_mail_back(site: Console, catcher: Catcher) -> None:
    site("subscriber", "add", "ann@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    publish(site, "One")
    (site.folder / "stop.list").write_text("stop-list-1 abcdefgh 99999999\n")
    assert "it is of another secret" in site("edition", "send", "--now", "weekly").err
    assert "it is of another secret" in site("outbox", "test", "ann@example.net").err
    assert catcher.caught() == []


def test_the_tables_that_hold_people_are_all_known() -> None:
    """A new column for an address must be thought of when somebody is erased."""
    holding = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name in {"address", "network", "domain", "source", "words", "reply"}
    }
    assert holding == {
        "address_change.address",
        "confirmation.domain",
        "confirmation.network",
        "consent_event.network",
        "consent_event.source",
        "consent_event.words",
        "delivery.address",
        "delivery.reply",
        "domain_pace.domain",
        "letter.address",
        "letter.reply",
        "subscriber.address",
        "suppression.address",
    }
