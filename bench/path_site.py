"""A site to send from: people, and one edition of some 60 KB that is frozen and sending. Built once, copied per run."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import ColumnElement, insert, literal, select
from sqlalchemy.orm import Session

from subscribers.models import Subscriber, Subscription
from syndicate.config import Config, load
from syndicate.database import Database
from syndicate.editions.freezing import hash_of
from syndicate.editions.starting import start
from syndicate.keys import create_secret
from syndicate.mail.compose import Composition, Headers, compose
from syndicate.mail.pages import DigestItem, DigestLines, DigestPage, SiteLines
from syndicate.mail.render import Renderer
from syndicate.mail.sign import make_key
from syndicate.migrations import upgrade
from syndicate.models import Edition, Variant

SELECTOR = "s1"
EDITION_UID = "benchedition0001"

_CONFIG = """\
[site]
name = "Valley Review"
url = "https://valley.test"
postal_address = "7 Mill Lane, Ashford"

[mail]
from = "Valley Review <review@valley.test>"

[mail.smtp]
host = "127.0.0.1"

[mail.dkim]
sign = true
domain = "valley.test"

[[mail.dkim.keys]]
selector = "s1"
key_file = "dkim-s1.pem"

[[sections]]
slug = "news"
name = "News"

[[digests]]
slug = "weekly"
name = "Weekly"
schedule = "thursday 09:00"
sections = ["news"]
"""
_SENTENCE = "The council heard both sides, put the vote off until the spring, and asked for figures nobody had. "
_ROWS_AT_ONCE = 5_000


def page(config: Config, items: int) -> DigestPage:
    """A digest of `items` clippings with a summary each."""
    clippings = tuple(
        DigestItem(
            number=number,
            headline=f"Headline number {number} of the week, as long as headlines are",
            url=f"https://valley.test/clippings/{number}",
            page_url=f"https://valley.test/clippings/{number}",
            link=f"https://paper{number}.test/article",
            dateline="24 November 2026",
            publication="The Valley Paper",
            place="Ashford",
            summary=_SENTENCE * 8,
        )
        for number in range(1, items + 1)
    )
    return DigestPage(
        site=SiteLines.of(config.site),
        digest=DigestLines("weekly", "Weekly"),
        number=7,
        date=date(2026, 11, 26),
        note=None,
        sections=(("News", clippings),),
        partners=(),
        view_url="https://valley.test/editions/weekly/7",
        subscribe_url="https://valley.test/subscribe",
        total=items,
    )


def composition(config: Config, at: datetime, size: int) -> tuple[Composition, DigestPage]:
    """A composed digest of about `size` bytes on the wire, and the page it was made from."""
    headers = Headers(
        sender="Valley Review <review@valley.test>",
        reply_to=None,
        subject="",
        date=at,
        list_id="Weekly <weekly.valley.test>",
        list_unsubscribe_mailto=None,
        archive="https://valley.test/editions/weekly",
        feedback_id=f"{EDITION_UID}:weekly:manual:valley",
        kind="digest",
        message_domain="valley.test",
        language="en",
    )
    renderer = Renderer(None)
    for items in range(2, 200):
        shown = page(config, items)
        made = compose(renderer.render("digest", shown), headers, EDITION_UID)
        if sum(len(piece.data) for piece in made.pieces) >= size:
            return made, shown
    raise ValueError(f"a mail of {size} bytes is more than this page can fill")


def lay(folder: Path) -> Config:
    """Write the configuration, the secret and a DKIM key of a site into `folder`."""
    (folder / "config.toml").write_text(_CONFIG)
    create_secret(folder / "secret.key")
    make_key(folder / "dkim-s1.pem")
    return load(folder / "config.toml", environ={})


def approved(session: Session, made: Composition, now: datetime, *, uid: str, key: str) -> int:
    """An edition with this frozen composition that can be started. Returns its id."""
    edition = Edition(
        uid=uid,
        digest="weekly",
        kind="manual",
        key=key,
        state="approved",
        created_at=now,
        approved_at=now,
        mail_date=now,
    )
    session.add(edition)
    session.flush()
    session.add(Variant(edition_id=edition.id, language="en", composition=made.to_bytes(), hash=made.hash))
    session.flush()
    edition.hash = hash_of(session, edition.id)
    return edition.id


def fill(database: Database, config: Config, recipients: int, size: int) -> int:
    """Make the tables, `recipients` subscribers and an edition that is sending to them all. Returns its id."""
    upgrade(database)
    now = datetime.now(UTC)
    with database.write() as session:
        rows = iter(range(recipients))
        while numbers := list(islice(rows, _ROWS_AT_ONCE)):
            session.execute(insert(Subscriber), list(_people(numbers, now)))
        chosen = select(Subscriber.id, *_constants(now))
        columns = ["subscriber_id", "digest", "state", "since"]
        session.execute(insert(Subscription).from_select(columns, chosen, include_defaults=False))
        made, _ = composition(config, now, size)
        edition_id = approved(session, made, now, uid=EDITION_UID, key="bench")
    start(database, config, edition_id, now=now + timedelta(seconds=1))
    database.settle()
    return edition_id


def _people(numbers: list[int], now: datetime) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "uid": f"uid{number:013}",
            "address": f"reader{number}@example{number % 50}.net",
            "address_hash": f"hash{number:028}",
            "state": "confirmed",
            "language": "en",
            "created_at": now,
            "confirmed_at": now,
        }


def _constants(now: datetime) -> tuple[ColumnElement[object], ...]:
    return (
        literal("weekly").label("digest"),
        literal("active").label("state"),
        literal(now, Subscription.since.type).label("since"),
    )
