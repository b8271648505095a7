"""`syndicate outbox …` and the account by name: a person sees what is in doubt or was refused, and decides."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from console import Console, keys, new_site, use_relay
from relays import ScriptedRelay, Session, usual
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Rows

from syndicate.catcher import Catcher
from syndicate.database import Database
from syndicate.models import Delivery, Edition, Letter, Owner, RelayRecord
from syndicate.outbox import guard, ledger, letters
from syndicate.sender.lock import SenderLock

COUNTS = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
IN_DOUBT = frozenset({"edition", "letter", "address", "message_id", "since"})
DECIDED = frozenset({"edition", "letter", "address", "message_id", "state"})


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A site with two readers and one clipping."""
    site = new_site(tmp_path_factory, tmp_path / "site")
    _subscribe(site, "ann@example.net", "bob@example.net")
    site("clip", "add", "--headline", "One", "--publish").done()
    return site


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedRelay]:
    """A relay that takes each mail whole and hangs up without an answer."""

    def script(session: Session, stage: str) -> str | None:
        return None if stage == "dot" else usual(session, stage)

    with ScriptedRelay(script) as relay:
        use_relay(monkeypatch, relay.port)
        yield relay


def _subscribe(site: Console, *addresses: str) -> None:
    site("subscriber", "add", "--digest", "weekly", "--consent", "at the fair", "--", *addresses).done()


def _change(site: Console, work: Callable[[Rows], object]) -> None:
    """Do something to the site's database, as the world would have done it."""
    database = Database(f"sqlite:///{site.folder / 'syndicate.db'}")
    with database.write() as session:
        work(session)
    database.close()


def _stand(site: Console, state: str, *deliveries: str) -> None:
    """Put the mails of edition 1 into these states (`rejected/policy` names a cause), in the order in which their
    readers subscribed, and the edition into `state`."""

    def work(session: Rows) -> None:
        readers = session.scalars(select(Delivery.subscriber_id).order_by(Delivery.subscriber_id)).all()
        for reader, words in zip(readers, deliveries, strict=False):
            word, _, cause = words.partition("/")
            values = {"state": word, "cause": cause or None, "attempt": 1, "code": 550, "reply": "550 no", "at": _now()}
            session.execute(update(Delivery).where(Delivery.subscriber_id == reader).values(values))
        session.execute(update(Edition).values(state=state, finished_at=_now()))
        ledger.tally_all(session, 1)

    _change(site, work)


def _message_id(mail: Path) -> str:
    return str(message_from_bytes(mail.read_bytes())["Message-ID"]).strip("<>")


def _now() -> datetime:
    return datetime.now(UTC)


def _doubts(site: Console, losing: ScriptedRelay) -> list[dict[str, str]]:
    """Send edition 1 so that both mails are in doubt; what `outbox uncertain` says of them."""
    site("edition", "send", "--now", "weekly")
    listed: list[dict[str, str]] = site("outbox", "uncertain", "--json").done().json
    assert len(listed) == len(losing.texts) == 2
    return listed


# ---- mails in doubt ----


def test_mails_in_doubt_are_sent_again_once_the_same_byte_for_byte(
    site: Console, losing: ScriptedRelay, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_relay(monkeypatch, losing.port)
    listed = _doubts(site, losing)
    use_relay(monkeypatch, catcher.port)
    ran = site("outbox", "uncertain", "--resend", "1").done()
    assert ran.out == "1\n"
    assert "2 mails of edition 1 to be sent again" in ran.err
    assert "edition 1 is sent: 2 chosen, 2 accepted" in ran.err
    again = [mail.path.read_bytes() for mail in catcher.caught()]
    assert sorted(again) == sorted(losing.texts)
    assert {_message_id(mail.path) for mail in catcher.caught()} == {one["message_id"] for one in listed}
    once_more = site("outbox", "uncertain", "--resend").done()
    assert (once_more.out, once_more.err) == ("", "nothing is uncertain\n")
    assert len(catcher.caught()) == 2


def test_mails_in_doubt_can_be_marked_to_be_sent_by_whoever_sends_next(
    site: Console, losing: ScriptedRelay, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_relay(monkeypatch, losing.port)
    _doubts(site, losing)
    use_relay(monkeypatch, catcher.port)
    marked = site("outbox", "uncertain", "--resend", "--no-wait", "--json").done()
    assert keys(marked.json) == {DECIDED}
    assert {one["state"] for one in marked.json} == {"queued"}
    assert "run `syndicate serve`" in marked.err
    assert catcher.caught() == []
    assert site("edition", "resume", "1", "--json").done().json["accepted"] == 2


def test_mails_in_doubt_that_are_left_close_the_edition(site: Console, losing: ScriptedRelay) -> None:
    listed = _doubts(site, losing)
    left = site("outbox", "uncertain", "1", "--leave", "--json").done()
    assert keys(left.json) == {DECIDED}
    assert [(one["message_id"], one["state"]) for one in left.json] == [
        (one["message_id"], "unknown") for one in listed
    ]
    assert "edition 1 is sent: 2 chosen, 2 unknown" in left.err
    assert site("outbox", "uncertain", "1", "--leave").done().err == "nothing of edition 1 is uncertain\n"
    assert len(losing.texts) == 2


def test_in_a_paused_edition_they_wait_and_of_a_cancelled_one_they_can_only_be_left(
    site: Console, catcher: Catcher
) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    _stand(site, "paused", "uncertain", "accepted")
    ran = site("outbox", "uncertain", "--resend").done()
    assert "edition 1 is paused: they go when `syndicate edition resume 1`" in ran.err
    _stand(site, "cancelled", "uncertain", "accepted")
    assert "--leave" in site("outbox", "uncertain", "1", "--resend").refused(1)
    passed = site("outbox", "uncertain", "--resend").done()
    assert (passed.out, "edition 1 is cancelled" in passed.err) == ("", True)
    assert site("outbox", "uncertain", "--leave").done().out == "1\n"
    assert catcher.caught() == []


def test_a_letter_in_doubt_is_decided_too(site: Console, catcher: Catcher) -> None:
    _subscribe_unconfirmed(site, "cleo@example.net")
    sent = len(catcher.caught())
    _change(site, lambda session: session.execute(update(Letter).values(state="uncertain")))
    (listed,) = site("outbox", "uncertain", "--json").done().json
    assert (listed["edition"], listed["letter"]) == (None, "confirm")
    ran = site("outbox", "uncertain", "--resend", "--json").done()
    assert [(one["letter"], one["state"]) for one in ran.json] == [("confirm", "accepted")]
    assert len(catcher.caught()) == sent + 1


def _subscribe_unconfirmed(site: Console, address: str) -> None:
    site("subscriber", "add", address, "--digest", "weekly").done()


def test_a_decision_that_cannot_be_is_refused_in_one_line(site: Console) -> None:
    assert "choose one" in site("outbox", "uncertain", "--resend", "--leave").refused(2)
    assert "--resend" in site("outbox", "uncertain", "--no-wait").refused(2)
    for words in (["uncertain", "7", "--resend"], ["uncertain", "7", "--leave"], ["retry", "7"]):
        assert "no edition 7" in site("outbox", *words).refused(1)
    assert "not held" in site("outbox", "release").refused(1)


# ---- what was refused ----


def test_what_was_refused_by_accident_is_sent_again_and_nothing_else(site: Console, catcher: Catcher) -> None:
    _subscribe(site, "cleo@example.net", "dora@example.net")
    before = site("edition", "send", "--now", "weekly", "--json").done().json
    old = {mail.recipient: mail.path.read_bytes() for mail in catcher.caught()}
    _stand(site, "sent", "expired", "rejected/policy", "rejected/address", "accepted")
    ran = site("outbox", "retry", "1", "--json").done()
    assert "edition 1: 2 mails taken up again" in ran.err
    assert (ran.json["state"], ran.json["number"], ran.json["hash"]) == ("sent", before["number"], before["hash"])
    assert (ran.json["accepted"], ran.json["rejected"]) == (3, 1)
    new = catcher.caught()[4:]
    assert sorted(mail.recipient for mail in new) == ["ann@example.net", "bob@example.net"]
    assert all(old[mail.recipient] == mail.path.read_bytes() for mail in new), "the same mail"
    assert "nothing to take up" in site("outbox", "retry", "1").refused(1)
    assert len(catcher.caught()) == 6


def test_in_a_paused_edition_what_was_refused_waits(site: Console, catcher: Catcher) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    _stand(site, "paused", "expired", "accepted")
    ran = site("outbox", "retry", "1").done()
    assert (ran.out, "edition 1 is paused" in ran.err) == ("1\n", True)
    called_off = site("edition", "cancel", "1").done()
    assert "only what was taken up again is called off" in called_off.err
    assert site("edition", "show", "1", "--json").json["state"] == "sent"
    assert catcher.caught() == []


# ---- a held outbox ----


def test_a_held_outbox_says_so_and_is_released_by_a_person(site: Console, catcher: Catcher) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    _change(site, lambda session: guard.hold(session, "the database is an older copy", _now()))
    status = site("outbox", "status").done().lines
    assert "held:        yes: the database is an older copy; `syndicate outbox release` lets it go on" in status
    shape = site("outbox", "status", "--json").json
    assert (shape["held"], shape["held_reason"]) == (True, "the database is an older copy")
    _stand(site, "held", "uncertain", "queued")
    for words in (["uncertain", "--resend"], ["retry", "1"]):
        assert "an older copy" in site("outbox", *words).refused(1)
    _change(site, _a_letter)
    ran = site("outbox", "release", "--json").done()
    assert set(ran.json) == {"editions", "letters"}
    assert [(one["edition"], one["state"]) for one in ran.json["editions"]] == [(1, "sending")]
    assert ran.json["letters"] == 1
    assert "no. 1 of weekly" in ran.err
    assert "the outbox goes on: 1 edition and 1 letter; nobody sends now" in ran.err
    assert site("outbox", "status", "--json").json["held"] is False
    assert "not held" in site("outbox", "release").refused(1)


def _a_letter(session: Rows) -> None:
    who = {"address": "cleo@example.net", "address_hash": "c" * 32, "subscriber_id": None, "language": "en"}
    letters.ask(session, kind="confirm", params={}, now=_now(), **who)  # type: ignore[arg-type]


def test_an_edition_that_is_held_for_being_late_does_not_hold_the_outbox(site: Console) -> None:
    site("edition", "draft", "weekly").done()
    _change(site, lambda session: session.execute(update(Edition).values(state="held")))
    assert site("outbox", "status", "--json").done().json["held"] is False


# ---- how it goes ----


def test_status_and_show_tell_rate_time_left_and_the_last_error(site: Console) -> None:
    _subscribe(site, *(f"reader{number}@example.net" for number in range(118)))
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    assert site("edition", "show", "1", "--json").json["seconds_left"] is None, "nobody sends"

    def going(session: Rows) -> None:
        lease = _now().timestamp() + 60
        for name, rate in (("a", 1.5), ("b", 0.5)):
            session.add(
                Owner(
                    id=name, lease_until=lease, seen=lease - 60, rate=rate, beat=0, host="h", version="1", connections=2
                )
            )
        session.add(
            Owner(id="dead", lease_until=1.0, seen=1.0, rate=70.0, beat=0, host="h", version="1", connections=2)
        )
        put_off = {
            "attempt": 1,
            "reply": "450 mailbox busy",
            "at": _now(),
            "next_try_at": datetime(2100, 1, 1, tzinfo=UTC),
        }
        session.execute(update(Delivery).where(Delivery.seq < 20).values(put_off))
        session.flush()
        claimed = ledger.claim(session, "a", _now())
        assert claimed
        assert len(claimed.jobs) == 100

    _change(site, going)
    shape = site("outbox", "status", "--json").done().json
    assert (shape["queued"], shape["rate"], shape["seconds_left"]) == (120, 2.0, 50), "20 wait for a later try"
    assert shape["last_error"] == "450 mailbox busy"
    assert keys(shape["owners"]) == {frozenset({"owner", "host", "lease_until", "seen"})}
    lines = site("outbox", "status").done().lines
    assert "going:       2 mails a second, about 50 s left" in lines
    assert "last error:  450 mailbox busy" in lines
    shown = site("edition", "show", "1", "--json").done().json
    assert (shown["rate"], shown["seconds_left"], shown["last_error"]) == (2.0, 50, "450 mailbox busy")
    for command in ("show", "report"):
        assert any(
            line.endswith("2 mails a second, about 50 s left") for line in site("edition", command, "1").done().lines
        )


def test_status_tells_what_is_wrong_with_the_relay_once(site: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    use_relay(monkeypatch, 1)
    down = RelayRecord(name="127.0.0.1:1", state="down", last_error="it refuses", at=_now())
    _change(site, lambda session: session.add(down))
    assert site("outbox", "status", "--json").done().json["last_error"] == "it refuses"
    lines = site("outbox", "status").done().lines
    assert [line for line in lines if "it refuses" in line] == ["relay:       down – it refuses"]


def test_status_says_when_mail_waits_and_no_sender_lives(site: Console) -> None:
    def told() -> bool:
        return any(line.startswith("not sending:") for line in site("outbox", "status").done().lines)

    def sender(lease: float) -> Owner:
        return Owner(id=str(lease), lease_until=lease, seen=1.0, rate=0.0, beat=0, host="h", version="1", connections=2)

    assert not told(), "nothing waits"
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    _change(site, lambda session: session.add(sender(1.0)))
    assert told()
    _change(site, lambda session: session.add(sender(_now().timestamp() + 60)))
    assert not told()


def _living(session: Rows) -> None:
    lease = _now().timestamp() + 60
    session.add(Owner(id="a", lease_until=lease, seen=1.0, rate=0.0, beat=0, host="h", version="1", connections=2))


@pytest.mark.parametrize(
    ("trouble", "tells"),
    [
        (None, "no sender lives: start `syndicate serve`"),
        (
            lambda session: session.add(_relay("stopped", "535 wrong")),
            "535 wrong; mend the login in config.toml, or let",
        ),
        (lambda session: session.add(_relay("down", "it refuses")), "it refuses"),
    ],
)
def test_show_tells_what_keeps_an_edition_from_going(
    site: Console, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[Rows], object] | None, tells: str
) -> None:
    use_relay(monkeypatch, 1)
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    if trouble:
        _change(site, _living)
        _change(site, trouble)
    (line,) = [line for line in site("edition", "show", "1").done().lines if line.startswith("not going:")]
    assert tells in line
    assert site("edition", "show", "1", "--json").done().json["obstacle"] == line.removeprefix("not going:").strip()
    _stand(site, "sent", "accepted", "accepted")
    assert site("edition", "show", "1", "--json").done().json["obstacle"] is None


def _relay(state: str, error: str) -> RelayRecord:
    later = _now().timestamp() + 600
    return RelayRecord(name="127.0.0.1:1", state=state, last_error=error, at=_now(), failures=9, open_until=later)


def test_a_command_does_not_watch_an_edition_whose_relay_refuses_the_login(
    site: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a sender that lives; nobody would ever try again before a person has acted."""
    use_relay(monkeypatch, 1)
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    _change(site, lambda session: session.add(_relay("stopped", "535 wrong password")))
    lock = SenderLock(site.folder / "syndicate.db")
    try:
        ran = site("edition", "resume", "1")
    finally:
        lock.release()
    assert ran.status == 1
    assert "edition 1 is sending: 2 chosen, 2 queued; 535 wrong password" in ran.err.splitlines()[-1]
    assert "`syndicate outbox release`" in ran.err.splitlines()[-1]


def test_pause_resume_and_cancel_say_how_many_had_gone(site: Console, catcher: Catcher) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    _stand(site, "sending", "accepted", "queued")
    assert "edition 1 is paused; 1 of its 2 mails had gone" in site("edition", "pause", "1").done().err
    resumed = site("edition", "resume", "1", "--no-wait").done()
    assert "edition 1 goes on; 1 of its 2 mails had gone" in resumed.err
    _change(site, lambda session: session.execute(update(Edition).values(finished_at=None)))
    assert "edition 1 is cancelled; 1 of its 2 mails had gone" in site("edition", "cancel", "1").done().err


# ---- by name ----


def test_the_account_by_name_adds_up_to_the_report(site: Console, catcher: Catcher) -> None:
    _subscribe(site, "cleo@example.net", "=dora@example.net")
    report = site("edition", "send", "--now", "weekly", "--json").done().json
    _stand(site, "incomplete", "accepted", "rejected/policy", "uncertain", "rejected/address")
    people = site("edition", "report", "1", "--people", "--json").done().json
    report = site("edition", "report", "1", "--json").done().json
    assert {name: report[name] for name in COUNTS} == {
        name: sum(one["state"] == name for one in people) for name in COUNTS
    }
    assert keys(people) == {frozenset({"address", "state", "attempt", "code", "reply", "cause", "at", "message_id"})}
    (bob,) = (one for one in people if one["address"] == "bob@example.net")
    assert (bob["cause"], bob["code"], bob["reply"]) == ("policy", 550, "550 no")
    sent = {mail.recipient: _message_id(mail.path) for mail in catcher.caught()}
    assert {one["address"]: one["message_id"] for one in people} == sent
    refused = site("edition", "report", "1", "--people", "--json", "--state", "rejected").done().json
    assert {one["address"] for one in refused} == {"bob@example.net", "=dora@example.net"}
    assert site("edition", "report", "1", "--people", "--json", "--state", "skipped").done().json == []


def test_no_cell_of_the_account_is_a_formula(site: Console) -> None:
    _subscribe(site, "=cmd@example.net", "+one@example.net", "-two@example.net")
    site("edition", "send", "--now", "weekly", "--no-wait").done()

    def reply(session: Rows) -> None:
        rows = session.scalars(select(Delivery).order_by(Delivery.subscriber_id))
        for row, words in zip(rows, ("@now", "\ta", '550 "no", they\nsaid', "\rb", "ok"), strict=True):
            row.reply = words

    _change(site, reply)
    out = site("edition", "report", "1", "--people").done().out
    assert {row["address"]: row["reply"] for row in csv.DictReader(io.StringIO(out, newline=""))} == {
        "ann@example.net": "'@now",
        "bob@example.net": "'\ta",
        "'=cmd@example.net": '550 "no", they\nsaid',
        "'+one@example.net": "'\rb",
        "'-two@example.net": "ok",
    }


def test_the_account_is_written_to_a_file_that_only_its_owner_may_read(site: Console, tmp_path: Path) -> None:
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    file = tmp_path / "people.csv"
    ran = site("edition", "report", "1", "--people", "--out", str(file)).done()
    assert (ran.out, ran.err) == (f"{file}\n", "2 people of edition 1\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().splitlines()) == 3
    nowhere = tmp_path / "none" / "people.csv"
    assert "cannot write" in site("edition", "report", "1", "--people", "--out", str(nowhere)).refused(1)
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_an_account_that_cannot_be_given_is_refused_in_one_line(site: Console) -> None:
    assert "no edition 7" in site("edition", "report", "7", "--people").refused(1)
    assert "--people" in site("edition", "report", "7", "--state", "accepted").refused(2)
    assert "one of these states" in site("edition", "report", "7", "--people", "--state", "lost").refused(2)
