"""What one edition and one mail cost before they reach a line: planning, rendering, filling, signing.

    python bench/compose.py [--clippings 100000] [--rounds 5] [--size 60000] [--write]

Figures are medians. An edition is made out of a fresh copy of the database each time, by parts that have not compiled
a template yet. Signing takes turns with the bare RSA of the same key.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from machine import machine
from path_site import composition, lay
from sqlalchemy import text

from syndicate.config import Config
from syndicate.database import Database
from syndicate.editions.lifecycle import Editions
from syndicate.keys import load_secret
from syndicate.mail.leave import leave_mailto
from syndicate.mail.personal import (
    EditionRef,
    MailSite,
    Person,
    delivery_mail,
    delivery_message_id,
    preferences_url,
    unsubscribe_url,
)
from syndicate.mail.render import Renderer
from syndicate.mail.return_path import delivery_return
from syndicate.mail.sign import SigningKey, load_keys, sign
from syndicate.migrations import upgrade

_YEARS = 10
_CALLS = 2_000
_SIGNED_CALLS = 200

Row = tuple[str, str, str]


def _fill(database: Database, config: Config, clippings: int, now: datetime) -> None:
    """As many published clippings, evenly over ten years up to now; none of them is archival."""
    upgrade(database)
    step = timedelta(days=365 * _YEARS) / clippings
    chance = random.Random(7)
    section = config.sections[0].slug
    rows = [
        {
            "id": f"c{number:015}",
            "section": section,
            "headline": f"Headline number {number} of the week, as long as headlines are",
            "link": f"https://paper{number % 97}.test/{number}",
            "summary": "What it says, in a sentence or two. " * chance.randint(2, 8),
            "at": (now - step * (number + 1)).replace(tzinfo=None),
        }
        for number in range(clippings)
    ]
    statement = text(
        "INSERT INTO clipping (id, state, archival, never_mail, section, headline, link, summary, publication, rights,"
        " created_at, published_at, updated_at) VALUES (:id, 'published', false, false, :section, :headline, :link,"
        " :summary, 'The Valley Paper', 'summary', :at, :at, :at)"
    )
    with database.write() as session:
        session.execute(statement, rows)
    with database.write() as session:
        Editions(config, Renderer(None)).first_seen(session, now - timedelta(days=365))


def _editions(folder: Path, clippings: int, rounds: int) -> list[Row]:
    """Seconds from nothing to a frozen edition, and its part up to the stored draft."""
    config = lay(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    database = Database(f"sqlite:///{folder}/model.db")
    _fill(database, config, clippings, now)
    database.settle()
    database.close()
    planned, whole, items = [], [], 0
    for number in range(rounds):
        for file in folder.glob("model.db*"):
            shutil.copy(file, folder / file.name.replace("model", f"run{number}"))
        database = Database(f"sqlite:///{folder}/run{number}.db")
        with database.read() as session:
            session.execute(text("SELECT 1"))
        began = time.perf_counter()
        desk = Editions(config, Renderer(None))
        edition = desk.draft_now(database, config.digests[0].slug, "bench", now)
        planned.append(time.perf_counter() - began)
        desk.approve(database, edition, now)
        whole.append(time.perf_counter() - began)
        with database.read() as session:
            items = int(session.scalar(text("SELECT count(*) FROM edition_item")) or 0)
        database.close()
    title = f"an edition out of {clippings:,} clippings: planned, rendered and frozen ({items} items)"
    return [
        (title, f"{statistics.median(whole):.2f} s", "< 1 s"),
        ("of this, planned and stored", f"{statistics.median(planned):.2f} s", ""),
    ]


def _microseconds(call: Callable[[], object], calls: int = _CALLS) -> float:
    """The median of single calls."""
    took = []
    for _ in range(calls):
        began = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - began)
    return statistics.median(took) / 1000


def _mails(folder: Path, size: int) -> list[Row]:
    config = lay(folder)
    now = datetime.now(UTC)
    made, _ = composition(config, now, size)
    keys, site, signing = load_secret(config.site.secret_file), MailSite.of(config), load_keys(config.mail.dkim)
    ref = EditionRef(12, "benchbenchbench1", "weekly", now)
    count = iter(range(10**9))

    def person() -> Person:
        return Person(f"u{next(count):015}", "somebody@example.net", now)

    def links() -> None:
        uid = person().uid
        unsubscribe_url(site, keys, uid=uid, digest="weekly")
        preferences_url(site, keys, uid=uid)
        leave_mailto(keys, subscriber_id=7, uid=uid, digest="weekly", domain=site.bounce_domain)
        delivery_message_id(site, keys, edition_uid=ref.uid, subscriber_uid=uid)
        delivery_return(keys, edition_id=12, subscriber_id=7)

    def mail(with_keys: tuple[SigningKey, ...]) -> Callable[[], object]:
        return lambda: delivery_mail(
            made, person=person(), edition=ref, site=site, subscriber_id=7, keys=keys, signing=with_keys
        )

    values = dict.fromkeys(made.slots, "https://valley.test/unsubscribe/" + "x" * 60)
    leave = values["unsubscribe"]
    header, body = made.fill("somebody@example.net", "abcdefgh@valley.test", values, leave)
    parts = (header, b"\r\n", *body)
    rows = [
        (f"joining the {len(parts)} parts of {sum(map(len, parts)):,} bytes", b"".join, (parts,), "<= 10 µs"),
        ("tokens and links (5 of them)", links, (), "<= 20 µs"),
        ("filling: the header, and values encoded for their places", made.fill, ("a@b.test", "x@y", values, leave), ""),
        ("a whole mail, not signed", mail(()), (), ""),
    ]
    shown = [
        (title, f"{_microseconds(lambda f=call, w=words: f(*w)):.1f} µs", goal)  # type: ignore[misc]
        for title, call, words, goal in rows
    ]
    # Each mail has a header of its own, so that nothing is signed that was seen before.
    headers = [
        made.fill(f"reader{number}@example.net", f"m{number}@valley.test", values, f"{leave}{number}")[0]
        for number in range(_SIGNED_CALLS)
    ]
    return shown + _signing(headers, b"".join(body), signing, now, mail(signing))


def _signing(
    headers: list[bytes], body: bytes, signing: tuple[SigningKey, ...], at: datetime, mail: Callable[[], object]
) -> list[Row]:
    (key,) = signing
    both = (key, SigningKey("e1", key.domain, Ed25519PrivateKey.generate()))
    bare, signed, whole, two = [], [], [], []
    scheme, digest = padding.PKCS1v15(), SHA256()
    for header in headers:
        bare.append(_microseconds(lambda header=header: key.private_key.sign(header, scheme, digest), 1))  # type: ignore[call-arg, arg-type]
        signed.append(_microseconds(lambda header=header: sign(header, body, signing, at), 1))
        whole.append(_microseconds(mail, 1))
        two.append(_microseconds(lambda header=header: sign(header, body, both, at), 1))
    base, mine = statistics.median(bare), statistics.median(signed)
    return [
        ("bare RSA-2048", f"{base:.0f} µs", ""),
        ("signing a mail with it", f"{mine:.0f} µs: {base / mine:.2f} × the bare rate", ">= 0.80 ×"),
        ("signing with ed25519 beside it", f"{statistics.median(two):.0f} µs", ""),
        ("a whole mail, signed with RSA", f"{statistics.median(whole):.0f} µs", ""),
    ]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clippings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=60_000)
    parser.add_argument("--write", action="store_true", help="keep the table in bench/results/")
    words = parser.parse_args()
    at = machine()
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as place:
        for name in ("mail", "site"):
            (Path(place) / name).mkdir()
        rows = _mails(Path(place) / "mail", words.size)
        print("mails measured", file=sys.stderr, flush=True)
        rows = [*_editions(Path(place) / "site", words.clippings, words.rounds), *rows]
    lines = ["| What | Median | Wanted |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    report = f"{at}; {words.size:,} bytes a mail, {words.rounds} editions.\n\n" + "\n".join(lines) + "\n"
    print(report)
    if words.write:
        day = datetime.now(UTC).date().isoformat()
        (Path(__file__).parent / "results").mkdir(exist_ok=True)
        (Path(__file__).parent / "results" / f"compose-{day}.md").write_text(f"# Composing, {day}\n\n{report}")


if __name__ == "__main__":
    _main()
