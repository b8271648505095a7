"""The whole way once: a clipping is filed and published, somebody subscribes and confirms by mail, the edition that is
due goes out over SMTP, and one click leaves. Real HTTP, real SMTP, a clock that the test moves."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import dkim
import feedparser
import httpx
import pytest
from acceptance.sites import new_site, publish_one
from sqlalchemy import select

from subscribers.models import ConsentEvent, Subscriber
from syndicate.app.parts import App, open_site
from syndicate.app.serving import Server
from syndicate.catcher import Catcher
from syndicate.editions.report import Report, report
from syndicate.mail.sign import dns_record
from syndicate.models import Edition


class Clock:
    """A clock that stands still until it is moved. In the past: no verifier accepts a signature from the future."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time_of: int) -> None:
        self.now += timedelta(**time_of)


class House:
    """A running site with a mailbox."""

    def __init__(self, app: App, clock: Clock, catcher: Catcher, server: Server) -> None:
        self.app, self.clock, self.catcher, self.server = app, clock, catcher, server
        self.web = httpx.Client(base_url=server.address, follow_redirects=False)

    def mails_to(self, address: str, wanted: int) -> list[EmailMessage]:
        """All mails to an address, once there are that many."""
        end = time.monotonic() + 15
        while True:
            mails = [mail.path.read_bytes() for mail in self.catcher.caught() if mail.recipient == address]
            if len(mails) >= wanted:
                return [message_from_bytes(data, policy=policy.default) for data in mails]  # type: ignore[misc]
            assert time.monotonic() < end, f"{len(mails)} mails to {address}, expected {wanted}"
            time.sleep(0.02)

    def subscribe(self, address: str) -> httpx.Response:
        page = self.web.get("/subscribe").text
        fields = hidden(page) | {"email": address, "digest": "weekly"}
        self.clock.pass_by(seconds=5)
        return self.web.post("/subscribe", data=fields)

    def edition_ended(self, edition_id: int) -> Report:
        end = time.monotonic() + 15
        while True:
            with self.app.database.read() as session:
                now = report(session, edition_id)
            if now.state in ("sent", "incomplete", "skipped"):
                return now
            assert time.monotonic() < end, f"the edition is still {now.state}"
            time.sleep(0.02)


def hidden(page: str) -> dict[str, str]:
    tags = re.findall(r"<input\b[^>]*type=\"hidden\"[^>]*>", page)
    return {re.findall(r'name="([^"]*)"', tag)[0]: re.findall(r'value="([^"]*)"', tag)[0] for tag in tags}


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body
    return str(body.get_content())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock, catcher = Clock(), Catcher(tmp_path / "mail")
    catcher.start()
    config = new_site(tmp_path / "site", smtp_port=catcher.port, connections=3, clock=clock)
    with open_site(config, environ={}, clock=clock) as app:
        server = Server(app, host="127.0.0.1", port=0, tick=False)
        server.start()
        made = House(app, clock, catcher, server)
        yield made
        made.web.close()
        server.stop()
    catcher.stop()


def test_from_the_editors_hand_to_the_readers_mailbox_and_out_again(house: House) -> None:
    clipping = publish_one(house.app, "County opens a night court for treatment")

    feed = feedparser.parse(house.web.get("/feeds/rss.xml").content)
    assert [entry.title for entry in feed.entries] == ["County opens a night court for treatment"]
    assert feed.entries[0].id.endswith(f"clipping/{clipping}")
    assert clipping in house.web.get("/feeds/sections/latest/atom.xml").text
    assert json.loads(house.web.get("/feeds/feed.json").content)["items"][0]["id"] == feed.entries[0].id
    assert "night court" in house.web.get("/").text

    assert house.subscribe("alice@example.net").status_code == 200
    assert house.subscribe("bob@example.net").status_code == 200
    for address in ("alice@example.net", "bob@example.net"):
        (letter,) = house.mails_to(address, 1)
        path = re.findall(r"https://news\.example\.org(/confirm/\S+)", part(letter, "plain"))[0]
        assert house.web.get(path).status_code == 200
        assert state_of(house, address) == "unconfirmed", "looking changes nothing"
        assert house.web.post(path, data=hidden(house.web.get(path).text)).status_code == 200
        assert state_of(house, address) == "confirmed"

    house.clock.now = datetime(2026, 11, 12, 14, 0, tzinfo=UTC)  # Thursday 09:00 in New York
    house.app.tick()
    house.server.wake()
    with house.app.database.read() as session:
        edition = session.scalars(select(Edition)).one()
    assert (edition.kind, edition.key, edition.number) == ("scheduled", "2026-11-12T09:00", 1)
    ended = house.edition_ended(edition.id)
    assert (ended.state, ended.counts.chosen, ended.counts.accepted, ended.items) == ("sent", 2, 2, (clipping,))

    _, welcome, mail = house.mails_to("alice@example.net", 3)
    assert "https://news.example.org/preferences/" in part(welcome, "plain")
    assert "County opens a night court for treatment" in part(mail, "plain")
    assert "County opens a night court for treatment" in part(mail, "html")
    for link in ("https://drugpolicy.org", "https://stopthedrugwar.org", "https://www.drugsense.org"):
        assert link in part(mail, "plain")
        assert link in part(mail, "html")
    assert mail["Date"].datetime == datetime(2026, 11, 12, 14, 0, tzinfo=UTC)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert verified(house, "alice@example.net")
    assert house.web.get("/editions/weekly/1").status_code == 200

    path = mail["List-Unsubscribe"].split("<https://news.example.org")[1].split(">")[0]
    assert house.web.get(path).status_code == 200
    assert state_of(house, "alice@example.net") == "confirmed"
    answer = httpx.post(house.server.address.rstrip("/") + path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not answer.cookies
    assert state_of(house, "alice@example.net") == "unsubscribed"

    second = publish_one(house.app, "What a pardon takes")
    again = house.app.editions.send_now(house.app.database, "weekly", "by-hand", house.clock())
    house.server.wake()
    ended = house.edition_ended(again)
    assert (ended.counts.chosen, ended.counts.accepted, ended.items, ended.number) == (1, 1, (second,), 2)
    assert len(house.mails_to("bob@example.net", 4)) == 4
    *_, goodbye = house.mails_to("alice@example.net", 4)
    assert "https://news.example.org/subscribe" in part(goodbye, "plain")

    house.clock.now = datetime(2026, 11, 19, 14, 0, tzinfo=UTC)  # a week later: the send by hand took the news
    house.app.tick()
    with house.app.database.read() as session:
        last = session.scalars(select(Edition).order_by(Edition.id.desc())).first()
        assert last
        assert (last.kind, last.state) == ("scheduled", "skipped")
        kinds = session.scalars(
            select(ConsentEvent.kind)
            .join(Subscriber)
            .where(Subscriber.address == "alice@example.net")
            .order_by(ConsentEvent.id)
        ).all()
    assert kinds == ["asked", "confirmed", "unsubscribed"]


def state_of(house: House, address: str) -> str:
    with house.app.database.read() as session:
        return session.scalars(select(Subscriber.state).where(Subscriber.address == address)).one()


def verified(house: House, address: str) -> bool:
    """Whether every mail to this address has a DKIM signature that verifies with the site's public key."""
    settings = house.app.config.mail.dkim
    names = {f"{key.selector}._domainkey.{settings.domain}.": dns_record(key.key_file) for key in settings.keys}
    mails = [mail.path.read_bytes() for mail in house.catcher.caught() if mail.recipient == address]
    return bool(mails) and all(
        dkim.verify(data, dnsfunc=lambda name, **_: names[name.decode()].encode()) for data in mails
    )
