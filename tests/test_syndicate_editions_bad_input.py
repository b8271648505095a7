"""Whatever a clipping is called and however many there are: a mail that can be read, or one clear line."""

import dataclasses
import email
import email.policy
import re
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import mails
import newsroom
import pytest
from lxml import html as lxml_html

from feeds.text import xml_safe
from syndicate.config import ConfigError, load
from syndicate.database import Database
from syndicate.editions.fitting import LARGEST_HTML, MOST_LINKS
from syndicate.editions.given_up import fits
from syndicate.editions.snapshot import Item, Snapshot
from syndicate.mail.compose import Composition
from syndicate.mail.headers import plain
from syndicate.mail.render import Renderer, TemplateFault
from syndicate.models import Variant

HEADLINES = {
    "ten thousand characters": "Court frees three " * 555,
    "no spaces": "x" * 10_000,
    "all emoji": "🎉👩‍👩‍👧‍👦🇺🇾" * 40,
    "right to left": "المحكمة تفرج عن ثلاثة \u202eمن السجناء\u202c",
    "combining marks": "Z" + "\u0301\u0323" * 400 + "algo",
    "template": "{{ 7 * 7 }} {% for x in y %} {# no #} ${7*7} <%= 1 %>",
    "tags": "</a></h3><script>alert(1)</script> & \"quoted\" 'single' <b>bold",
    "lone surrogate": "Court \ud83d frees \udc00 three",
    "control characters": "Court\x00 frees\r\nBcc: someone@example.org\r\n\r\n three\x1b[31m",
    "a mark of ours": "qSxLz7unsubscribezLxSq7 and qSxLqSxLz7z7sincezLxSq7",
    "quoted-printable": "=3D=20=\n=2E . .. From here =?utf-8?q?x?=",
}


def frozen(database: Database, edition_id: int) -> Composition:
    with database.read() as session:
        data = session.query(Variant.composition).filter(Variant.edition_id == edition_id).scalar()
    return Composition.from_bytes(data)


def mail_of(composed: Composition) -> EmailMessage:
    """One recipient's mail, read back by the standard library."""
    values = dict.fromkeys(composed.slots, "https://news.example.org/x")
    header, chunks = composed.fill("reader@example.net", "one", values, "https://news.example.org/x")
    message = email.message_from_bytes(header + b"\r\n" + b"".join(chunks), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def words(text: str) -> str:
    """The text without white space and what no mail may hold, as it can be compared over any wrapping."""
    return "".join(plain_long(text).split())


def plain_long(text: str) -> str:
    return "".join(char for char in xml_safe(text) if char not in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e")


@pytest.mark.parametrize("kind", HEADLINES)
def test_any_headline_makes_a_mail_that_reads_the_same(
    sqlite_database: Database, tmp_path: Path, now: datetime, kind: str
) -> None:
    desk = newsroom.editions(tmp_path)
    newsroom.seen(sqlite_database, desk, now)
    newsroom.file(sqlite_database, now, HEADLINES[kind].replace("\ud83d", "").replace("\udc00", ""))
    made = desk.draft_now(sqlite_database, "weekly", "one", now)
    assert desk.approve(sqlite_database, made, now) == "approved"
    message = mail_of(frozen(sqlite_database, made))
    assert message["Bcc"] is None
    assert 0 < len(message["Subject"]) <= 150
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    root = lxml_html.document_fromstring(html)
    assert not root.xpath("//script|//b")
    if kind not in ("control characters", "a mark of ours", "lone surrogate", "tags"):
        kept = words(HEADLINES[kind])
        assert kept in words(root.text_content())
        assert kept in words(text)
    assert "49 " not in plain(text)[:400]
    assert all(len(line) <= 998 for line in message.as_bytes().splitlines())


def test_a_lone_surrogate_is_left_out_of_a_mail() -> None:
    shown = mails.page(1)
    name, [item] = shown.sections[0]
    broken = dataclasses.replace(item, headline=HEADLINES["lone surrogate"])
    composed = mails.digest(dataclasses.replace(shown, sections=((name, (broken,)),)))
    assert "Court frees three" in " ".join(composed.text.split()).replace("\ufffd", "").replace("  ", " ")


@pytest.mark.parametrize("total", [1, 20, 200, 500])
def test_any_number_of_items_makes_one_mail_that_fits(
    sqlite_database: Database, tmp_path: Path, now: datetime, total: int
) -> None:
    desk = newsroom.editions(tmp_path, digest="max_items = 500")
    newsroom.seen(sqlite_database, desk, now)
    for number in range(total):
        newsroom.file(sqlite_database, now, f"Court frees number {number} of them", summary="They went home. " * 20)
    made = desk.draft_now(sqlite_database, "weekly", "one", now)
    assert desk.approve(sqlite_database, made, now) == "approved"
    every_item_has_its_place(mail_of(frozen(sqlite_database, made)), total)
    with sqlite_database.read() as session:
        kept = fits(session, made)["en"]
    assert (kept is not None, kept is not None and kept.moved > 0) == (total > 20, total > 200)


def every_item_has_its_place(message: EmailMessage, total: int, others: str = r"And (\d+) more") -> None:
    """Each is in a section, or named with its link under "More on the web", or counted there: alike in both parts."""
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert len(html.encode()) <= LARGEST_HTML
    root, rows = lxml_html.document_fromstring(html), [" ".join(row.split()) for row in text.splitlines()]
    if total == 1:  # one alone has no number
        [link] = root.xpath("//h3//a")
        assert link.get("href") in rows
        return
    shown, moved = root.xpath("//h3/span[@class='n']"), root.xpath("//p[@class='also']/span[@class='n']")
    numbers = [int(one.text_content()) for one in (*shown, *moved)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [int(found[1]) for row in rows if (found := re.match(r"(\d+)\. ", row))] == numbers
    assert len(moved) <= MOST_LINKS
    for one in moved:
        link = one.getnext()
        place = rows.index(f"{one.text_content()}. {link.text_content()}")
        assert link.get("href") in rows[place + 1 : place + 3]
    counted = re.findall(others, root.text_content())
    assert counted == ([str(total - len(numbers))] if total > len(numbers) else [])
    if counted:
        [address] = {one.get("href") for one in root.xpath("//p[@class='also']/a[@class='go']")}
        told = [row for row in rows if re.fullmatch(f"{others}:", row)]
        assert [re.findall(others, row) for row in told] == [counted]
        assert rows[rows.index(told[0]) + 1] == address


def test_two_thousand_items_make_a_mail_that_names_fifty_and_counts_the_others(tmp_path: Path, now: datetime) -> None:
    desk = newsroom.editions(tmp_path)
    item = Item("c1", "news", "published", "", None, "The Courier", "TX", "2009-03", "Ann Lee", None, "", "summary")
    items = tuple(
        dataclasses.replace(item, clipping_id=f"c{n}", headline=f"Court frees number {n}", summary="Home. " * 90)
        for n in range(2000)
    )
    said = Snapshot(7, "abcdefghabcdefgh", "weekly", "manual", "draft", None, None, "Read this.", None, items)
    made = desk.composer.compose(desk.config.digest("weekly"), said, number=4, at=now, language="es")
    message = mail_of(made.composition)
    every_item_has_its_place(message, 2000, r"Y (\d+) más")
    assert made.given_up is not None
    assert (made.given_up.summaries, made.given_up.moved - made.given_up.counted) == (0, MOST_LINKS)
    assert "https://valley.test/editions/weekly/4" in made.composition.html


@pytest.mark.parametrize("missing", ["subject.txt", "body.txt", "body.html"])
def test_a_missing_template_file_is_one_line_and_nothing_is_sent(
    sqlite_database: Database, tmp_path: Path, now: datetime, missing: str
) -> None:
    desk = newsroom.editions(tmp_path, digest='template = "bulletin"')
    folder = tmp_path / "templates" / "email" / "bulletin"
    folder.mkdir(parents=True)
    for name in {"subject.txt", "body.txt", "body.html"} - {missing}:
        (folder / name).write_text("Words")
    desk = type(desk)(desk.config, Renderer(tmp_path / "templates"))
    newsroom.seen(sqlite_database, desk, now)
    newsroom.file(sqlite_database, now)
    made = desk.draft_now(sqlite_database, "weekly", "one", now)
    with pytest.raises(TemplateFault, match=f"there is no e-mail template bulletin/{missing}: looked in ") as caught:
        desk.approve(sqlite_database, made, now)
    assert "\n" not in str(caught.value)
    assert newsroom.row(sqlite_database, made).state == "draft"


def test_two_thousand_items_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        newsroom.editions(tmp_path, digest="max_items = 2000")
    [fault] = caught.value.faults
    assert (fault.key, fault.text) == ("digests[0].max_items", "must be at most 500")


def test_a_partner_without_a_link_is_refused_with_its_line(tmp_path: Path) -> None:
    newsroom.editions(tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(path.read_text() + '\n[[partners]]\nslug = "friends"\nname = "Friends"\n')
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    [fault] = caught.value.faults
    assert fault.key is not None
    assert fault.key.endswith("url")
    assert fault.line is not None
