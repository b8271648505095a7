"""Lists from elsewhere on both databases: nobody comes back by one, and what was done stays done."""

import hashlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lists import LISTS
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, exporter, importer, suppression
from subscribers.addresses import parse
from subscribers.importer import Answer, Totals
from subscribers.imports.columns import UnknownColumns, Wanted
from subscribers.imports.entries import Terms
from subscribers.imports.formats import normal
from subscribers.listing import Listed, find, history, listing
from subscribers.models import ConsentEvent, ImportRun, Subscriber
from syndicate.database import Database

TERMS = Terms(("weekly",), frozenset({"weekly", "monthly"}), "en", "moved from the old list")
AS_FOUND = Wanted()
FILE_SAYS = Terms((), TERMS.known, "en", TERMS.consent)


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def other_hash_of(key: str) -> str:
    return hashlib.sha256(f"other {key}".encode()).hexdigest()[:32]


def take(
    database: Database,
    text: str | bytes,
    now: datetime,
    *,
    terms: Terms = TERMS,
    wanted: Wanted = AS_FOUND,
    dry: bool = False,
    stops: Kept | None = None,
    hashed: object = hash_of,
) -> tuple[list[Answer], Totals]:
    """Import this text, or rehearse it; what was said of every row, and the totals."""
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    told: list[Answer] = []
    if dry:
        totals = importer.rehearse(
            file, terms, wanted, read=database.read, hash_of=hash_of, report=told.append, progress=lambda _: None
        )
    else:
        totals = importer.run(
            file,
            terms,
            wanted,
            write=database.write_much,
            hash_of=hashed,  # type: ignore[arg-type]
            stops=Kept() if stops is None else stops,
            clock=lambda: now,
            report=told.append,
            progress=lambda _: None,
        )
    return told, totals


def outcomes(told: list[Answer]) -> list[tuple[int, str]]:
    return [(one.row, one.outcome) for one in told]


def person(database: Database, address: str) -> Listed | None:
    with database.read() as session:
        return find(session, hash_of(parse(address).key))


def settled(session: Session, address: str, now: datetime) -> int:
    """Somebody who confirmed the weekly digest here themselves."""
    asked = consent.ask(
        session, parse(address), ["weekly"], hash_of=hash_of, language="en", way="form", words="Yes", now=now
    )
    consent.confirm(session, asked.subscriber.id, ["weekly"], way="page", stops=Kept(), now=now)
    return asked.subscriber.id


EXPECTED = {"in": "added", "in2": "added", "left": "recorded", "pending": "pending"}


@pytest.mark.parametrize("name", LISTS)
def test_each_export_is_understood_without_being_told(sqlite_database: Database, now: datetime, name: str) -> None:
    file, text = LISTS[name]
    rehearsed, _ = take(sqlite_database, text, now, wanted=Wanted(name=file), dry=True)
    with sqlite_database.read() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 0
    told, totals = take(sqlite_database, text, now, wanted=Wanted(name=file))
    assert told == rehearsed
    assert totals.counts.get("invalid") is None
    for one in told:
        kind = one.address.partition("@")[0]
        assert one.outcome == EXPECTED.get(kind, "recorded"), one
        found = person(sqlite_database, one.address)
        with sqlite_database.read() as session:
            barred = suppression.reason_for(session, hash_of(one.address))
        if one.outcome == "added":
            assert found
            assert (found.state, found.digests, barred) == ("confirmed", ("weekly",), None)
        elif kind == "left":
            assert found
            assert (found.state, found.digests) == ("unsubscribed", ())
        else:
            assert (found, barred) == (None, None if kind == "pending" else kind)


def test_what_the_file_says_of_the_consent_stands_in_its_source(sqlite_database: Database, now: datetime) -> None:
    take(sqlite_database, LISTS["mailchimp"][1], now)
    with sqlite_database.read() as session:
        found = find(session, hash_of("in@example.org"))
        assert found
        (step,) = history(session, found.id)
    assert (step.kind, step.way, step.digest) == ("imported", "import", "weekly")
    assert step.source == "moved from the old list (CONFIRM_TIME 2018-02-05 19:30:00)"


def test_nobody_comes_back_by_an_import(database: Database, now: datetime) -> None:
    with database.write() as session:
        left, erased = settled(session, "left@example.org", now), settled(session, "erased@example.org", now)
        consent.unsubscribe(session, left, None, way="page", stops=Kept(), now=now)
        for reason, address in (("hard-bounce", "bounced@example.org"), ("complaint", "complained@example.org")):
            settled(session, address, now)
            suppression.suppress(
                session,
                hash_of(address),
                address=address,
                reason=reason,
                stops=Kept(),
                now=now,  # type: ignore[arg-type]
            )
        suppression.suppress(
            session, hash_of("erased@example.org"), address=None, reason="erased", stops=Kept(), now=now
        )
        before = session.scalar(select(func.count(ConsentEvent.id)))
        assert erased
    text = "email\nleft@example.org\nbounced@example.org\ncomplained@example.org\nerased@example.org\nnew@example.org\n"
    rehearsed, _ = take(database, text, now, dry=True)
    told, _ = take(database, text, now)
    assert told == rehearsed
    assert [(one.outcome, one.detail) for one in told] == [
        ("has-left", "is unsubscribed"),
        ("suppressed", "hard-bounce"),
        ("suppressed", "complaint"),
        ("suppressed", "erased"),
        ("added", ""),
    ]
    with database.read() as session:
        assert session.scalar(select(func.count(ConsentEvent.id))) == (before or 0) + 1
    again, totals = take(database, text, now)
    assert [one.outcome for one in again][-1] == "already"
    assert totals.counts == {"has-left": 1, "suppressed": 3, "already": 1}


def test_who_left_elsewhere_stays_away_and_stands_in_the_stop_list(database: Database, now: datetime) -> None:
    stops = Kept()
    take(database, "email,status\nann@example.org,unsubscribed\nbob@example.org,bounced\n", now, stops=stops)
    assert [(stop.word, stop.about) for stop in stops] == [("left", "weekly"), ("suppressed", "hard-bounce")]
    told, totals = take(database, "email\nann@example.org\nbob@example.org\n", now)
    assert [one.outcome for one in told] == ["has-left", "suppressed"]
    assert totals.taken == 0


def test_an_older_list_does_not_send_away_who_confirmed_here_since(database: Database, now: datetime) -> None:
    with database.write() as session:
        for name in ("early", "late", "never"):
            settled(session, f"{name}@example.org", now)
    take(database, "email\nimported@example.org\n", now)
    told, _ = take(
        database,
        "email,unsubscribed at\nearly@example.org,2020-05-13 10:18:25\nlate@example.org,2027-01-01\n"
        "imported@example.org,2020-05-13\n",
        now,
    )
    assert [one.outcome for one in told] == ["kept", "recorded", "recorded"]
    told, _ = take(database, "email,status\nnever@example.org,left\n", now)
    assert [one.outcome for one in told] == ["kept"]
    states = {
        one: getattr(person(database, f"{one}@example.org"), "state", None) for one in ("early", "late", "imported")
    }
    assert states == {"early": "confirmed", "late": "unsubscribed", "imported": "unsubscribed"}


def test_rows_of_one_address_are_compared_and_the_one_that_leaves_counts(database: Database, now: datetime) -> None:
    text = (
        "email,status,digest\nann@example.org,active,weekly\nANN@example.org,active,weekly\n"
        "ann@example.org,active,monthly\nbob@example.org,active,weekly\nbob@example.org,left,weekly\n"
        "cyd@example.org,left,weekly\ncyd@example.org,active,weekly\n"
    )
    rehearsed, _ = take(database, text, now, terms=FILE_SAYS, dry=True)
    told, _ = take(database, text, now, terms=FILE_SAYS)
    assert told == rehearsed
    assert [(one.outcome, one.detail) for one in told] == [
        ("added", ""),
        ("duplicate", "of row 2"),
        ("added", ""),
        ("added", ""),
        ("conflict", "with row 5: leaving counts"),
        ("recorded", "has left"),
        ("conflict", "with row 7: leaving counts"),
    ]
    with database.read() as session:
        stand = {one.address: (one.state, one.digests) for one in listing(session)}
    assert stand == {
        "ann@example.org": ("confirmed", ("monthly", "weekly")),
        "bob@example.org": ("unsubscribed", ()),
        "cyd@example.org": ("unsubscribed", ()),
    }


ODD = (
    b"\xef\xbb\xbfName;Email\n"
    b"Zo\xe9;zoe@example.org\n"
    b"\n"
    b"NUL;nul\x00@example.org\n"
    b"long;" + b"a" * 65 + b"@example.org\n"
    b'two;"a@b@example.org"\n'
    b'quoted;"""a b""@example.org"\n'
    b"comment;(c)ann@example.org\n"
    b"many;cells;here\n"
    b"Name;Email\n"
    b"short\n"
    b'"over\ntwo lines";ok@example.org\n'
    b'"never closed;bad@example.org\n'
    b"formula;'=cmd@example.org\n"
    b"idn;ann@b\xc3\xbccher.example\n"
    b"eai;zo\xc3\xab@example.org\n"
)


def test_each_odd_row_has_its_own_answer(sqlite_database: Database, now: datetime) -> None:
    told, totals = take(sqlite_database, ODD, now)
    said = {one.row: (one.address or one.detail, one.outcome) for one in told}
    assert {row: outcome for row, (_, outcome) in said.items()} == {
        2: "added",
        3: "ignored",
        **dict.fromkeys(range(4, 10), "invalid"),
        10: "ignored",
        11: "invalid",
        12: "added",
        13: "invalid",
        14: "added",
        15: "added",
        16: "invalid",
    }
    assert "cannot be seen" in said[4][0]
    assert "it has 3 cells, and the header has 2" in said[9][0]
    assert "quotation mark" in said[13][0]
    assert said[14][0] == "=cmd@example.org"
    assert said[15][0] == "ann@xn--bcher-kva.example"
    assert (totals.foreign, totals.first_foreign) == (1, 2)


def test_a_file_that_cannot_be_told_changes_nothing(sqlite_database: Database, now: datetime) -> None:
    for text in ("Name,Town\nAnn,Ashford\n", "Ann,ann@example.org\n"):
        with pytest.raises(UnknownColumns, match="holds addresses"):
            take(sqlite_database, text, now)
    with pytest.raises(UnknownColumns, match="no column 'town'"):
        take(sqlite_database, "email\na@example.org\n", now, wanted=Wanted(columns={"town": "language"}))
    with sqlite_database.read() as session:
        assert session.scalar(select(func.count(ImportRun.id))) == 0


def test_columns_can_be_named_by_name_or_number(sqlite_database: Database, now: datetime) -> None:
    wanted = Wanted(columns={normal("Wer"): "address", normal("Status"): "ignore"})
    told, _ = take(sqlite_database, "Wer,Status\nann@example.org,gold\n", now, wanted=wanted)
    assert outcomes(told) == [(2, "added")]
    told, _ = take(sqlite_database, "Bob\tbob@example.org\n", now, wanted=Wanted(columns={"2": "address"}))
    assert outcomes(told) == [(1, "added")]


@pytest.mark.parametrize("json", [False, True])
def test_an_export_makes_an_equal_list_under_another_secret(
    sqlite_database: Database, postgres_url: str, now: datetime, json: bool
) -> None:
    long_ago = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    with sqlite_database.write() as session:
        for number in range(3):
            settled(session, f"reader{number}@example.org", long_ago)
        gone = settled(session, "+tag@example.org", long_ago)
        consent.unsubscribe(session, gone, None, way="page", stops=Kept(), now=now)
        consent.ask(
            session,
            parse("wait@example.org"),
            ["weekly"],
            hash_of=hash_of,
            language="es",
            way="form",
            words="",
            now=now,
        )
        for address, reason in (("reader1@example.org", "complaint"), ("alone@example.org", "by-hand")):
            suppression.suppress(
                session,
                hash_of(address),
                address=address,
                reason=reason,
                stops=Kept(),
                now=now,  # type: ignore[arg-type]
            )
    with sqlite_database.read() as session:
        text = "".join((exporter.array if json else exporter.table)(exporter.everybody(session)))
        here = [
            (one.address, one.state, one.language, one.digests, one.asked, one.since, one.suppressed)
            for one in listing(session)
        ]
    assert json or '"\'+tag@example.org"' in text
    other = Database(postgres_url)
    try:
        _, totals = take(other, text, now, terms=FILE_SAYS, hashed=other_hash_of)
        assert totals.counts == {"added": 2, "recorded": 4}
        with other.read() as session:
            there = [
                (one.address, one.state, one.language, one.digests, one.asked, one.since, one.suppressed)
                for one in listing(session)
            ]
            assert "".join((exporter.array if json else exporter.table)(exporter.everybody(session))) == text
        assert there == here
    finally:
        other.close()


KILLED = """
import io, os, signal, sys
from contextlib import contextmanager
from datetime import UTC, datetime
sys.path.insert(0, {tests!r})
from test_subscribers_importer import TERMS, hash_of
from stops import Kept
from subscribers import importer
from subscribers.imports.columns import Wanted
from syndicate.database import Database
database, count = Database({url!r}), 0

@contextmanager
def write():
    global count
    count += 1
    with database.write_much() as session:
        yield session
        if count == 3 and {before}:
            session.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)

importer.BATCH = 5
importer.run(open({file!r}, "rb"), TERMS, Wanted(), write=write, hash_of=hash_of, stops=Kept(),
    clock=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC), report=lambda _: None, progress=lambda _: None)
"""


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
def test_killed_in_the_middle_it_goes_on_and_says_nothing_twice(
    database: Database, database_url: str, tmp_path: Path, now: datetime, before: bool
) -> None:
    text = "email\n" + "".join(f"reader{number}@example.org\n" for number in range(23))
    file = tmp_path / "list.csv"
    file.write_text(text)
    url = database.engine.url.render_as_string(hide_password=False)
    code = KILLED.format(tests=str(Path(__file__).parent), url=url, before=before, file=str(file))
    ended = subprocess.run([sys.executable, "-c", code], env=os.environ.copy(), check=False)
    assert ended.returncode == -signal.SIGKILL
    told, totals = take(database, text, now)
    assert totals.after == (6 if before else 11)
    assert totals.counts == {"added": 23}
    assert told[0].row == totals.after + 1
    with database.read() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 23
        assert session.scalar(select(func.count(ConsentEvent.id))) == 23


def test_two_that_import_one_file_at_once_do_not_both(sqlite_database: Database, now: datetime) -> None:
    text = "email\nann@example.org\n"
    entered = 0

    @contextmanager
    def write() -> Iterator[Session]:
        nonlocal entered
        entered += 1
        if entered == 2:
            take(sqlite_database, text, now)
        with sqlite_database.write() as session:
            yield session

    with pytest.raises(importer.ImportedElsewhere):
        importer.run(
            io.BytesIO(text.encode()),
            TERMS,
            Wanted(),
            write=write,
            hash_of=hash_of,
            stops=Kept(),
            clock=lambda: now,
            report=lambda _: None,
            progress=lambda _: None,
        )
    with sqlite_database.read() as session:
        assert session.scalar(select(func.count(ConsentEvent.id))) == 1
