"""A command that sends and a whole site that serves: who sends, who only watches, and how each of them ends."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.sites import new_site, publish_one, readers
from clocks import until
from relays import ScriptedRelay, Session, usual
from sqlalchemy import select

from syndicate.app.parts import App, open_site
from syndicate.app.sending import Drive, RelayAway, drive, ensure_relay, release_outbox, somebody_sends
from syndicate.app.serving import PortTaken, Server
from syndicate.editions.report import report
from syndicate.errors import Refused
from syndicate.mail.smtp import RelayDown
from syndicate.models import Base, Delivery, Owner, Slot
from syndicate.outbox import guard, relays
from syndicate.sender.lock import SenderLock

PEOPLE = 60
SERVE = Path(__file__).parent / "acceptance" / "serve_process.py"


def slowly(session: Session, stage: str) -> str | None:
    """A relay that takes 10 ms for each mail."""
    if stage == "dot":
        time.sleep(0.01)
    return usual(session, stage)


@pytest.fixture
def relay() -> Iterator[ScriptedRelay]:
    with ScriptedRelay(slowly) as relay:
        yield relay


@pytest.fixture
def config(tmp_path: Path, relay: ScriptedRelay) -> Path:
    return new_site(tmp_path / "site", smtp_port=relay.port, connections=4)


@pytest.fixture
def app(config: Path) -> Iterator[App]:
    with open_site(config) as app:
        readers(app, PEOPLE)
        yield app


def marked(app: App, headline: str = "What a pardon takes") -> int:
    """A new edition with one clipping, sending."""
    publish_one(app, headline)
    return app.editions.send_now(app.database, "weekly", headline[:40], app.clock())


def state(app: App, edition: int) -> str:
    with app.database.read() as session:
        return report(session, edition).state


def stand(app: App, edition: int) -> Counter[str]:
    with app.database.read() as session:
        return Counter(session.scalars(select(Delivery.state).where(Delivery.edition_id == edition)))


def nothing_held(app: App) -> bool:
    with app.database.read() as session:
        return not session.scalars(select(Owner)).all() and not session.scalars(select(Slot)).all()


def content(app: App) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with app.database.read() as session:
        tables = Base.metadata.sorted_tables
        return {table.name: [tuple(row) for row in session.execute(select(table))] for table in tables}


def driven(app: App, edition: int, stop: threading.Event | None = None) -> Drive:
    return drive(app, lambda: state(app, edition) == "sent", stop or threading.Event(), progress=lambda: None)


def test_with_nobody_else_the_command_sends_to_the_end(app: App, relay: ScriptedRelay) -> None:
    edition = marked(app)
    assert driven(app, edition) == Drive("sent", stopped=False)
    assert sorted(relay.accepted) == sorted(set(relay.accepted))
    assert len(relay.accepted) == PEOPLE
    assert nothing_held(app)


def test_a_command_that_watched_takes_over_when_whoever_sent_has_gone(app: App, relay: ScriptedRelay) -> None:
    edition = marked(app)
    other = SenderLock(app.database.file)
    ended: list[Drive] = []
    watching = threading.Thread(target=lambda: ended.append(driven(app, edition)))
    watching.start()
    time.sleep(0.5)
    assert somebody_sends(app)
    assert relay.sessions == 0, "it sent beside another"
    other.release()
    watching.join(10)
    assert ended == [Drive("sent", stopped=False)]
    assert len(relay.accepted) == PEOPLE


def test_a_command_that_watches_ends_with_the_edition_and_when_it_is_told_to(app: App, relay: ScriptedRelay) -> None:
    edition = marked(app)
    other = SenderLock(app.database.file)
    stop = threading.Event()
    stop.set()
    before = content(app)
    assert driven(app, edition, stop) == Drive("watched", stopped=True)
    assert content(app) == before
    app.editions.cancel(app.database, edition, app.clock())
    ended = drive(app, lambda: state(app, edition) == "cancelled", threading.Event(), progress=lambda: None)
    assert ended == Drive("watched", stopped=False)
    assert relay.sessions == 0
    other.release()


def test_a_stop_in_the_middle_settles_what_is_on_the_wire(app: App, relay: ScriptedRelay) -> None:
    edition, stop = marked(app), threading.Event()
    ended: list[Drive] = []
    sending = threading.Thread(target=lambda: ended.append(driven(app, edition, stop)))
    sending.start()
    until(lambda: len(relay.accepted) > 5)
    stop.set()
    sending.join(5)
    assert ended == [Drive("sent", stopped=True)]
    counts = stand(app, edition)
    assert set(counts) == {"accepted", "queued"}
    assert counts["accepted"] == len(relay.accepted)
    assert nothing_held(app)
    assert driven(app, edition) == Drive("sent", stopped=False)
    assert len(relay.accepted) == len(set(relay.accepted)) == PEOPLE


def test_without_a_relay_the_check_before_a_send_changes_nothing(app: App, relay: ScriptedRelay) -> None:
    relay.away()
    before = content(app)
    with pytest.raises(RelayDown, match=rf"the relay 127\.0\.0\.1:{relay.port} cannot be reached") as raised:
        ensure_relay(app)
    assert "\n" not in str(raised.value)
    assert content(app) == before


def test_beside_a_sender_the_relay_is_not_asked(app: App, relay: ScriptedRelay) -> None:
    other = SenderLock(app.database.file)
    ensure_relay(app)
    assert relay.sessions == 0
    other.release()


def test_a_relay_that_goes_away_in_the_middle_is_one_line_and_loses_nothing(
    config: Path, app: App, relay: ScriptedRelay
) -> None:
    edition = marked(app)

    def leave(session: Session, stage: str) -> str | None:
        if len(relay.accepted) > 20:
            relay.away()
        return slowly(session, stage)

    relay.script = leave
    with pytest.raises(RelayAway, match="goes on when `syndicate serve` runs") as raised:
        driven(app, edition)
    assert "\n" not in str(raised.value)
    assert nothing_held(app)
    counts = stand(app, edition)
    assert counts.total() == PEOPLE
    assert set(counts) <= {"accepted", "queued", "uncertain"}
    assert counts["uncertain"] <= 4
    assert counts["queued"] > 0
    with ScriptedRelay(slowly) as back:
        config.write_text(
            config.read_text(encoding="utf-8").replace(f"port = {relay.port}", f"port = {back.port}"), encoding="utf-8"
        )
        with open_site(config) as again:
            server = Server(again, host="127.0.0.1", port=0, web=False)
            server.start()
            until(lambda: len(back.accepted) == counts["queued"])
            server.stop()
    assert not set(back.accepted) & set(relay.accepted)


def test_a_port_in_use_is_said_before_anything_runs(app: App) -> None:
    first = Server(app, host="127.0.0.1", port=0, tick=False, sender=False)
    first.start()
    port = int(first.address.rsplit(":", 1)[1].rstrip("/"))
    second = Server(app, host="127.0.0.1", port=port)
    with pytest.raises(PortTaken, match=f"port {port}"):
        second.start()
    assert not somebody_sends(app)
    first.stop()


def test_a_site_that_is_told_to_end_in_the_middle_of_a_send_settles_and_exits_0(
    config: Path, app: App, relay: ScriptedRelay
) -> None:
    edition = marked(app)
    with subprocess.Popen([sys.executable, str(SERVE), str(config)], stdout=subprocess.PIPE) as process:
        until(lambda: len(relay.accepted) > 5, 20)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 5
    counts = stand(app, edition)
    assert set(counts) == {"accepted", "queued"}
    assert counts["accepted"] == len(relay.accepted) == len(set(relay.accepted))
    assert nothing_held(app)


def test_a_site_goes_on_where_one_was_killed_and_a_watching_command_sees_the_end(
    config: Path, app: App, relay: ScriptedRelay
) -> None:
    edition = marked(app)
    with subprocess.Popen([sys.executable, str(SERVE), str(config)], stdout=subprocess.PIPE) as process:
        until(lambda: len(relay.accepted) > 5, 20)
        watched: list[Drive] = []
        over = ("sent", "incomplete")
        watching = threading.Thread(
            target=lambda: watched.append(
                drive(app, lambda: state(app, edition) in over, threading.Event(), progress=lambda: None)
            )
        )
        watching.start()
        process.kill()
    watching.join(15)
    assert watched == [Drive("sent", stopped=False)]
    counts = stand(app, edition)
    assert counts["accepted"] + counts["uncertain"] == PEOPLE
    assert counts["uncertain"] <= 4
    twice = {address for address, times in Counter(relay.dots).items() if times > 1}
    assert not twice


def test_a_command_that_gets_through_to_the_relay_lets_a_stopped_one_be_used_again(
    app: App, relay: ScriptedRelay
) -> None:
    name, now = f"127.0.0.1:{relay.port}", app.clock()
    with app.database.write() as session:
        relays.stopped(session, name, error="it refuses the login", login=None, now=now)
    edition = marked(app)
    with pytest.raises(RelayAway, match="it refuses the login"):
        driven(app, edition)
    assert relay.sessions == 0
    ensure_relay(app)
    assert driven(app, edition) == Drive("sent", stopped=False)


def test_a_release_lets_a_stopped_relay_be_tried_again_held_or_not(app: App, relay: ScriptedRelay) -> None:
    def standing() -> str:
        with app.database.read() as session:
            return relays.standing(session, app.database.clock(), app.relay().name, "").state

    for held in (False, True):
        with app.database.write() as session:
            relays.stopped(session, app.relay().name, error="it refuses the login", login=None, now=app.clock())
            if held:
                guard.hold(session, "a person must look", app.clock())
        assert release_outbox(app) == []
        assert standing() == "unknown"
    with pytest.raises(Refused, match="not held"):
        release_outbox(app)


def test_the_relay_s_login_is_known_again_by_a_hash_of_all_that_belongs_to_it(config: Path) -> None:
    def login(**smtp: str) -> str | None:
        with open_site(config, environ={f"SYNDICATE_MAIL__SMTP__{key}": value for key, value in smtp.items()}) as site:
            return site.sender()._terms.login

    assert login() is None
    plain = {"USERNAME": "us", "PASSWORD": "secret"}
    first = login(**plain)
    assert first == login(**plain)
    assert len(first or "") == 32
    changed = [{"USERNAME": "them"}, {"PASSWORD": "other"}, {"SECURITY": "starttls"}]
    assert len({first, *(login(**(plain | change)) for change in changed)}) == 4
