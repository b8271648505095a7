"""Whole senders through a line that breaks: who is uncertain, who was taken, by name; nobody twice, nobody lost."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from clocks import until
from fault_proxy import Fault, PostgresProxy, SmtpProxy, Strike
from people import edition, edition_state, states, subscribe
from senders import CLOCK, make, run
from sink import SinkProcess
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from syndicate.database import Database
from syndicate.mail.smtp import Relay
from syndicate.models import Delivery, Owner, Slot
from syndicate.sender.errors import Fenced, SenderEnded
from syndicate.sender.process import Sender, Times

PEOPLE = 24
EVERY = 6
SHORT = Times(lease=0.6, poll=0.02, stop=1.0, slice=20.0)


def copies(sink: SinkProcess) -> Counter[str]:
    return Counter(row["to"] for row in sink.received())


def over(database: Database, made: int) -> bool:
    return edition_state(database, made) in ("sent", "incomplete")


def those(database: Database, made: int, state: str) -> set[str]:
    return {address for address, found in states(database, made).items() if found == state}


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.RESET, Fault.STALL, Fault.TRICKLE])
def test_whose_answer_to_the_dot_is_lost_is_uncertain_and_nobody_else(
    fault: Fault, database: Database, now: datetime, tmp_path: Path
) -> None:
    subscribe(database, PEOPLE, now)
    made = edition(database, now)
    with SinkProcess(tmp_path / "got.jsonl") as sink, SmtpProxy(sink.port, fault, every=EVERY) as proxy:
        relay = Relay("127.0.0.1", proxy.port, "none", timeout=10, dot_timeout=1.0)
        run(make(database, proxy.port, relay=relay), lambda: over(database, made))
        got = copies(sink)
    assert len(proxy.struck) == PEOPLE // EVERY
    assert those(database, made, "uncertain") == set(proxy.struck)
    assert those(database, made, "accepted") == set(states(database, made)) - set(proxy.struck)
    assert got == Counter(states(database, made).keys()), "the relay had each mail once"
    assert edition_state(database, made) == "incomplete"


@pytest.mark.parametrize("fault", [Fault.NO_GO, Fault.CUT_BODY, Fault.HALF_CLOSE])
def test_a_line_that_breaks_before_the_relay_has_the_mail_costs_nobody_theirs_and_gives_nobody_two(
    fault: Fault, database: Database, now: datetime, tmp_path: Path
) -> None:
    subscribe(database, PEOPLE, now)
    made = edition(database, now)
    with SinkProcess(tmp_path / "got.jsonl") as sink, SmtpProxy(sink.port, fault, every=EVERY) as proxy:
        run(make(database, proxy.port), lambda: _all_tried(database, made))
        got, uncertain, waiting = copies(sink), those(database, made, "uncertain"), those(database, made, "queued")
        assert uncertain | waiting <= set(proxy.struck)
        assert not waiting & set(got), "called not handed over, and the relay has it"
        # A short mail was out with its dot before either end could know: that is a doubt, and nothing else.
        assert not uncertain or fault is not Fault.NO_GO
        proxy.fault = None
        run(make(database, proxy.port, clock=lambda: CLOCK() + timedelta(hours=1)), lambda: over(database, made))
        got = copies(sink)
    assert len(proxy.struck) >= PEOPLE // EVERY
    assert those(database, made, "accepted") == set(states(database, made)) - uncertain
    assert set(got.values()) == {1}
    assert set(states(database, made)) - set(got) <= uncertain


def _all_tried(database: Database, made: int) -> bool:
    """Whether nobody waits for a first try; who was lost before the dot waits for a second one."""
    fresh = select(Delivery.seq).where(Delivery.edition_id == made, Delivery.state == "queued", Delivery.attempt == 0)
    with database.read() as session:
        return not session.scalars(fresh).all()


@pytest.fixture
def behind(postgres_url: str) -> Iterator[tuple[PostgresProxy, Database, Database]]:
    """A proxy before PostgreSQL, the database through it, and the same database without."""
    url = make_url(postgres_url)
    folder, port = str(url.query.get("host", url.host)), int(str(url.query.get("port", url.port or 5432)))

    def dial() -> socket.socket:
        if not folder.startswith("/"):
            return socket.create_connection((folder, port))
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{folder}/.s.PGSQL.{port}")
        return line

    plain = Database(postgres_url)
    with PostgresProxy(dial) as proxy:
        # A transaction whose client is out of reach holds its locks for the time that the program allows (60 s).
        bound = "-c idle_in_transaction_session_timeout=3000"
        query = {"sslmode": "disable", "gssencmode": "disable", "options": bound}
        through = Database(
            url.set(host="127.0.0.1", port=proxy.port, query=query).render_as_string(hide_password=False)
        )
        yield proxy, through, plain
        proxy.hole.clear()
        through.close()
    plain.close()


def _struck_once(sender: Sender, proxy: PostgresProxy, arm: Callable[[], bool]) -> bool:
    """Let the sender work until a commit was struck and it has had time to feel it; whether it ended by that. `arm`
    is asked again and again until it says that it has told the proxy."""
    met = proxy.struck
    armed, felt = arm(), 0.0

    def enough() -> bool:
        nonlocal armed, felt
        armed = armed or arm()
        if proxy.struck > met and not felt:
            felt = time.monotonic()
        return bool(felt) and time.monotonic() - felt > 0.3

    try:
        sender.open()
        sender.slice(enough)
    except (SQLAlchemyError, SenderEnded):
        return True
    finally:
        sender.close()
    return sender.failure is not None


@pytest.mark.parametrize("how", [Strike.ANSWER, Strike.COMMIT])
def test_a_commit_of_which_nobody_knows_is_never_guessed_at(
    how: Strike, behind: tuple[PostgresProxy, Database, Database], now: datetime, tmp_path: Path
) -> None:
    proxy, through, plain = behind
    subscribe(plain, 150, now)
    made = edition(plain, now)
    deaths, on_the_wire = 0, 0
    named: set[str] = set()
    with SinkProcess(tmp_path / "got.jsonl", delay=0.02) as sink:
        # The first commits of a sender (its owner row, its first claim), then those amid its mails: nearly all of
        # slots.
        for nth, mails in ((1, 0), (2, 0), (1, 6), (1, 9), (2, 6), (3, 8)):
            floor = len(sink.received()) + mails

            def arm(nth: int = nth, floor: int = floor) -> bool:
                ready = len(sink.received()) >= floor
                if ready:
                    proxy.strike(nth, how)
                return ready

            deaths += _struck_once(make(through, sink.port, times=SHORT), proxy, arm)
            named |= (found := _in_slots(plain))
            on_the_wire += bool(found)
        assert proxy.struck == 6
        last = make(plain, sink.port, times=SHORT)
        run(last, lambda: over(plain, made) and _owners(plain) <= {last.owner})
        got = copies(sink)
    uncertain = those(plain, made, "uncertain")
    assert uncertain == named, "what the slots of the dead named, and nothing else"
    assert those(plain, made, "accepted") == set(states(plain, made)) - uncertain
    assert set(got.values()) == {1}, "nobody twice"
    assert set(states(plain, made)) - set(got) <= uncertain, "nobody lost unseen"
    assert deaths >= 3
    assert on_the_wire >= 2, "this has met too few mails on the wire: it has shown nothing"


def _in_slots(database: Database) -> set[str]:
    """The addresses of the mails that slots name."""
    here = (Slot.edition_id == Delivery.edition_id) & (Slot.batch == Delivery.batch) & (Slot.seq == Delivery.seq)
    with database.read() as session:
        return set(session.scalars(select(Delivery.address).join(Slot, here)).all())


def _owners(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Owner.id)).all())


def test_a_sender_cut_off_from_the_database_sends_nothing_more_and_another_takes_over(
    behind: tuple[PostgresProxy, Database, Database], now: datetime, tmp_path: Path
) -> None:
    proxy, through, plain = behind
    subscribe(plain, 80, now)
    made = edition(plain, now)
    with SinkProcess(tmp_path / "got.jsonl", delay=0.01) as sink:
        lost = make(through, sink.port, times=SHORT)
        lost.open()
        working = threading.Thread(target=_work, args=(lost,))
        working.start()
        until(lambda: len(sink.received()) > 10)
        proxy.strike(2, Strike.HOLE)
        until(proxy.hole.is_set)
        heir = make(plain, sink.port, times=SHORT)
        run(heir, lambda: over(plain, made))
        before, named = copies(sink), those(plain, made, "uncertain")
        assert 1 <= len(named) <= 4
        proxy.hole.clear()
        until(lambda: lost.failure is not None)
        working.join(10)
        lost.close()
        got = copies(sink)
    assert isinstance(lost.failure, Fenced | SQLAlchemyError)
    assert set(got) - set(before) <= named, "what it had been granted before, and nothing more"
    assert set(got.values()) == {1}
    assert those(plain, made, "uncertain") == named
    assert set(states(plain, made)) - set(got) <= named
    assert those(plain, made, "accepted") == set(states(plain, made)) - named


def _work(sender: Sender) -> None:
    with contextlib.suppress(SenderEnded, SQLAlchemyError):
        sender.slice(lambda: False)
