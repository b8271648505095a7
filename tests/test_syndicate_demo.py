"""The demo plays a whole site and ends well only if its accounts agree with the mailbox."""

import json
import re
import shutil
import smtplib
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import anyio
import dkim
import httpx
import pytest

from syndicate.app.parts import open_site, utc_now
from syndicate.catcher import Catcher, caught
from syndicate.demo import run_demo
from syndicate.demo.accounts import disagreements
from syndicate.demo.folder import NotADemo, make
from syndicate.editions.report import report
from syndicate.sender.lock import SenderLock
from syndicate.web.mailbox import with_mailbox


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "site"
    assert run_demo(folder, once=True, port=None) == 0
    return folder


def test_the_report_agrees_with_what_lies_in_the_mailbox(played: Path) -> None:
    account = json.loads((played / "report.json").read_text())
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in (played / "mail").glob("*.eml")]
    digests = [mail for mail in mails if mail["List-Id"]]
    assert account["state"] == "sent"
    assert account["chosen"] == account["accepted"] == len(digests) == len({mail["To"] for mail in digests}) == 201
    assert len(mails) == 203
    assert len(account["items"]) == 8


def test_every_mail_verifies_with_the_key_that_lies_beside_it(played: Path) -> None:
    names = json.loads((played / "dkim.json").read_text())
    for path in sorted((played / "mail").glob("*.eml"))[::40]:
        assert dkim.verify(path.read_bytes(), dnsfunc=lambda name, **_: names[name.decode().rstrip(".")].encode())


def test_the_feeds_are_written_with_at_least_fifteen_clippings_of_both_sections(played: Path) -> None:
    feed = json.loads((played / "public/feeds/feed.json").read_text())
    assert len(feed["items"]) >= 15
    assert len({tag for item in feed["items"] for tag in item["tags"]}) == 2
    assert len({item["date_published"][:7] for item in feed["items"]}) >= 3
    for name in ("rss.xml", "atom.xml", "sections/latest/rss.xml", "sections/dont-miss/feed.json"):
        assert (played / "public/feeds" / name).stat().st_size > 500


def test_a_second_play_starts_anew(played: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(played, folder)
    catcher = Catcher(folder / "mail")
    catcher.start()  # as `run_demo` does: before the folder is made anew
    make(folder, smtp_port=catcher.port, web_port=8000, clock=utc_now, environ={})
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.sendmail("a@example.org", "b@example.org", b"Subject: the first\r\n\r\n")
    catcher.stop()
    assert (folder / "secret.key").read_text() != (played / "secret.key").read_text()
    assert [mail.path.name for mail in caught(folder / "mail")] == ["0001.eml"]


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NotADemo, match="not an earlier demo"):
        run_demo(tmp_path, once=True, port=None)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_demo_that_runs_is_not_removed(played: Path) -> None:
    lock = SenderLock(played / "syndicate.db")
    try:
        with pytest.raises(NotADemo, match="running"):
            run_demo(played, once=True, port=None)
    finally:
        lock.release()
    assert (played / "report.json").exists()


def test_a_mail_that_is_missing_doubled_or_foreign_is_noticed(played: Path) -> None:
    mails = caught(played / "mail")
    with open_site(played / "config.toml", environ={}) as app:
        with app.database.read() as session:
            account = report(session, 1)
        assert disagreements(app, account, mails) == []
        assert any("not in the mailbox" in line for line in disagreements(app, account, mails[:-1]))
        assert any("2 copies" in line for line in disagreements(app, account, [*mails, mails[-1]]))


def test_the_mailbox_shows_the_mails_and_opens_their_links_here(played: Path) -> None:
    async def site(scope, receive, send):  # type: ignore[no-untyped-def]
        raise AssertionError("not asked")

    app = with_mailbox(site, played / "mail", "https://news.example.org")
    transport = httpx.ASGITransport(app=app)
    Client(transport).check(played)


class Client:
    """A browser for an application that is not on a socket."""

    def __init__(self, transport: httpx.ASGITransport) -> None:
        self._transport = transport

    def get(self, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://localhost") as client:
                return await client.get(path)

        return anyio.run(ask)

    def check(self, played: Path) -> None:
        listed = self.get("/mailbox?to=new.reader").text
        numbers = [int(number) for number in re.findall(r"/mailbox/(\d+)\"", listed)]
        assert len(numbers) == 3
        assert Counter(mail.recipient for mail in caught(played / "mail"))["new.reader@example.net"] == 3
        page = self.get(f"/mailbox/{numbers[0]}")
        assert "List-Unsubscribe-Post" in page.text
        html = self.get(f"/mailbox/{numbers[0]}/html")
        assert 'href="/unsubscribe/' in html.text
        assert 'href="https://news.example.org' not in html.text
        assert "sandbox" in html.headers["content-security-policy"]
        assert self.get(f"/mailbox/{numbers[0]}/source").text.startswith("DKIM-Signature:")
        assert self.get("/mailbox/99999").status_code == 404
