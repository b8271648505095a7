"""`syndicate edition …` and `outbox …`: planned, previewed, sent over real SMTP, accounted for."""

import signal
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import lxml.html
import pytest
from clocks import until
from console import Console, keys, new_site, use_relay
from slow_relay import SlowRelay

from syndicate.catcher import Catcher

COUNTS = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
EDITION = frozenset(
    {"edition", "digest", "number", "kind", "slot", "state", "items", "chosen", "hash", "started_at", "finished_at"}
).union(COUNTS)

WAITING = frozenset({"not_before", "off_schedule"})
EDITED = frozenset({"subject", "note", "lead", "made_by", "approved_by", "set_aside", "left_out"})


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def publish(site: Console, headline: str) -> str:
    return site("clip", "add", "--headline", headline, "--publish").done().lines[0]


def people(site: Console, count: int) -> None:
    addresses = [f"reader{number}@example.net" for number in range(count)]
    site("subscriber", "add", *addresses, "--digest", "weekly", "--consent", "at the fair").done()


def test_a_plan_says_what_goes_in_and_why_the_rest_stays_out(site: Console) -> None:
    one = publish(site, "One")
    shape = site("edition", "plan", "weekly", "--json").done().json
    assert shape == {"digest": "weekly", "items": [one], "left_out": [], "reason": None, "fit": {"en": None}}
    site("edition", "draft", "weekly").done()
    shape = site("edition", "plan", "weekly", "--json").done().json
    assert (shape["items"], shape["left_out"]) == ([], [{"clipping": one, "reason": "is in edition 1"}])
    assert shape["reason"].startswith("nothing new since")
    assert site("edition", "plan", "weekly").done().lines == [f"{one}\tlatest\tOne\tis in edition 1"]
    assert "no digest 'gone'" in site("edition", "plan", "gone").refused(1)


def test_a_draft_can_be_looked_at_and_called_off(site: Console) -> None:
    one = publish(site, "One")
    assert site("edition", "draft", "weekly").done().lines == ["1"]
    shape = site("edition", "show", "1", "--json").done().json
    assert frozenset(shape) == EDITION | EDITED | WAITING | {"rate", "seconds_left", "last_error", "obstacle", "fit"}
    assert (shape["state"], shape["items"], shape["chosen"]) == ("draft", [one], 0)
    assert f"{one}  One" in site("edition", "show", "1").done().lines
    assert site("edition", "cancel", "1").done().lines == ["1"]
    assert site("edition", "plan", "weekly", "--json").json["items"] == [one]
    assert "nothing left to cancel" in site("edition", "cancel", "1").refused(1)


@pytest.mark.parametrize("action", ["show", "preview", "approve", "send", "pause", "resume", "cancel", "report"])
def test_an_unknown_edition_is_exit_1(site: Console, action: str) -> None:
    for unknown in ("7", "9" * 30):
        assert f"there is no edition {unknown}" in site("edition", action, unknown).refused(1)


def test_a_preview_is_the_mail_that_goes_out(site: Console, catcher: Catcher) -> None:
    people(site, 1)
    publish(site, "Fish [bold] é")
    site("edition", "draft", "weekly").done()
    assert "Fish [bold] é" in site("edition", "preview", "1").done().out
    site("edition", "approve", "1").done()
    text = site("edition", "preview", "1", "--text").done().out
    html = site("edition", "preview", "1", "--html").done().out
    eml = message_from_bytes(site("edition", "preview", "1", "--eml").done().raw, policy=policy.default)
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert eml["DKIM-Signature"]
    assert eml.get_body(("plain",)).get_content() == text  # type: ignore[attr-defined]
    site("edition", "send", "1").done()
    (mail,) = catcher.caught()
    sent = message_from_bytes(mail.path.read_bytes(), policy=policy.default)
    assert (sent["Subject"], sent["Date"]) == (eml["Subject"], eml["Date"])
    personal = ("/unsubscribe/", "/preferences/")
    body = sent.get_body(("plain",)).get_content()  # type: ignore[attr-defined]

    def same_for_all(words: str) -> list[str]:
        return [line for line in words.splitlines() if not any(part in line for part in personal)]

    assert same_for_all(body) == same_for_all(text)
    assert body != text
    assert "choose one" in site("edition", "preview", "1", "--html", "--eml").refused(2)


def test_a_preview_page_holds_the_mail_byte_for_byte_four_times_and_runs_nothing_of_it(site: Console) -> None:
    publish(site, 'A <script>alert(1)</script> "quoted" headline & more')
    site("edition", "draft", "weekly").done()
    page = lxml.html.document_fromstring(site("edition", "preview", "1", "--page").done().out)
    frames = page.xpath("//iframe")
    html = site("edition", "preview", "1", "--html").done().out.replace("\r\n", "\n")  # as HTML reads line ends
    assert [(frame.get("width"), frame.getparent().get("class")) for frame in frames] == [
        ("360", "light"),
        ("360", "dark"),
        ("800", "light"),
        ("800", "dark"),
    ]
    assert {frame.get("srcdoc") for frame in frames} == {html}
    assert {frame.get("sandbox") for frame in frames} == {""}
    assert page.xpath("//script") == []
    text, headers, source = (pre.text for pre in page.xpath("//pre"))
    assert text == site("edition", "preview", "1", "--text").done().out.replace("\r\n", "\n")
    assert headers == site("edition", "preview", "1", "--headers").done().out.replace("\r\n", "\n")
    assert source == site("edition", "preview", "1", "--eml").done().out.replace("\r\n", "\n")
    assert "not approved yet" in page.text_content()
    site("edition", "approve", "1").done()
    assert "approved and frozen" in site("edition", "preview", "1", "--page").done().out


def test_send_now_sends_what_is_new_and_the_next_one_has_nothing(site: Console, catcher: Catcher) -> None:
    people(site, 3)
    one = publish(site, "One")
    shape = site("edition", "send", "--now", "weekly", "--json").done().json
    assert frozenset(shape) == EDITION
    assert (shape["state"], shape["items"], shape["chosen"], shape["accepted"]) == ("sent", [one], 3, 3)
    assert shape["chosen"] == sum(shape[name] for name in COUNTS)
    assert shape["finished_at"].endswith("Z")
    assert len(catcher.caught()) == 3
    again = site("edition", "send", "--now", "weekly").done()
    assert (again.out, again.err.startswith("nothing new to send: nothing new since")) == ("2\n", True)
    skipped = site("edition", "send", "--now", "weekly", "--json").done().json
    assert (skipped["edition"], skipped["state"]) == (3, "skipped")
    listed = site("edition", "list", "--json").done().json
    assert keys(listed) == {EDITION}
    assert [(one["edition"], one["state"]) for one in listed] == [(3, "skipped"), (2, "skipped"), (1, "sent")]
    assert site("edition", "report", "1", "--json").done().json == shape
    assert "sent already" in site("edition", "send", "1").refused(1)
    assert "is sent" in site("edition", "resume", "1").refused(1)
    assert len(catcher.caught()) == 3


def test_sending_tells_id_and_counts(site: Console, catcher: Catcher) -> None:
    people(site, 2)
    publish(site, "One")
    ran = site("edition", "send", "--now", "weekly").done()
    assert (ran.out, ran.err) == ("1\n", "edition 1 is sent: 2 chosen, 2 accepted\n")


def test_nobody_to_send_to_is_sent_at_once(site: Console, catcher: Catcher) -> None:
    publish(site, "One")
    words = site("edition", "send", "--now", "weekly").done().err
    assert words.startswith("edition 1 is sent: 0 chosen; nobody gets this digest yet")


@pytest.mark.parametrize("words", [[], ["1", "--now", "weekly"]])
def test_send_wants_one_of_two(site: Console, words: list[str]) -> None:
    assert "--now DIGEST" in site("edition", "send", *words).refused(2)


def test_without_a_relay_nothing_is_changed(site: Console, dead_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_relay(monkeypatch, dead_port)
    people(site, 1)
    publish(site, "One")
    assert "relay" in site("edition", "send", "--now", "weekly").refused(1)
    assert site("edition", "list", "--json").done().json == []
    site("edition", "draft", "weekly").done()
    assert "relay" in site("edition", "send", "1").refused(1)
    assert site("edition", "show", "1", "--json").json["state"] == "draft"


def test_no_wait_only_marks_and_resume_takes_it_up(site: Console, catcher: Catcher) -> None:
    people(site, 2)
    publish(site, "One")
    marked = site("edition", "send", "--now", "weekly", "--no-wait").done()
    assert marked.out == "1\n"
    assert "run `syndicate serve`" in marked.err
    assert catcher.caught() == []
    assert site("outbox", "status", "--json").done().json["queued"] == 2
    assert "edition resume 1" in site("edition", "send", "1").refused(1)
    assert site("edition", "pause", "1", "--json").done().json["state"] == "paused"
    assert site("edition", "resume", "1", "--no-wait", "--json").done().json["state"] == "sending"
    assert site("edition", "resume", "1", "--json").done().json["state"] == "sent"
    assert len(catcher.caught()) == 2


def test_the_hold_period_is_waited_for(site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDICATE_SENDING__HOLD_PERIOD", "1s")
    people(site, 1)
    publish(site, "One")
    assert site("edition", "send", "--now", "weekly", "--no-wait", "--json").done().json["state"] == "approved"
    assert site("edition", "send", "1", "--json").done().json["state"] == "sent"
    assert len(catcher.caught()) == 1


def test_an_idle_outbox_has_the_promised_shape(site: Console) -> None:
    assert site("outbox", "status", "--json").done().json == {
        "queued": 0,
        "uncertain": 0,
        "held": False,
        "held_reason": None,
        "blind": None,
        "rate": 0.0,
        "seconds_left": 0,
        "last_error": None,
        "owners": [],
        "slots": [],
        "relay": {"state": "unknown", "last_error": None},
    }
    assert site("outbox", "uncertain", "--json").done().json == []
    assert "no edition 5" in site("outbox", "uncertain", "5").refused(1)


def test_a_killed_send_is_shown_recovered_and_what_was_on_the_wire_is_named(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow relay holds two mails on the wire when the process dies."""
    people(site, 4)
    publish(site, "One")
    site("edition", "send", "--now", "weekly", "--no-wait").done()
    slow = SlowRelay(delay=600)
    use_relay(monkeypatch, slow.port)
    with site.start("worker") as process:
        until(lambda: len(site("outbox", "status", "--json").json["slots"]) == 2)
        process.kill()
    status = site("outbox", "status", "--json").done().json
    assert keys(status["owners"]) == {frozenset({"owner", "host", "lease_until", "seen"})}
    assert keys(status["slots"]) == {frozenset({"owner", "n", "edition", "address", "since"})}
    wire = {slot["address"] for slot in status["slots"]}
    assert "on the wire: 2" in site("outbox", "status").done().lines
    slow.stop()
    use_relay(monkeypatch, catcher.port)
    ran = site("edition", "resume", "1")
    assert ran.status == 1
    assert "edition 1 is incomplete: 4 chosen, 2 accepted, 2 uncertain" in ran.err
    unknown = site("outbox", "uncertain", "1", "--json").done().json
    assert keys(unknown) == {frozenset({"edition", "letter", "address", "message_id", "since"})}
    assert {one["address"] for one in unknown} == wire
    assert site("outbox", "uncertain", "--json").done().json == unknown
    assert "<" not in unknown[0]["message_id"]
    assert site("outbox", "status", "--json").json["uncertain"] == 2


def test_ctrl_c_settles_what_is_on_the_wire_and_says_how_to_go_on(
    site: Console, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(site, 40)
    publish(site, "One")
    slow = SlowRelay(delay=0.1)
    use_relay(monkeypatch, slow.port)
    with site.start("edition", "send", "--now", "weekly") as process:
        until(lambda: len(slow.recipients) >= 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    slow.stop()
    assert (process.returncode, out) == (130, "1\n")
    assert "`syndicate edition resume 1` goes on" in err
    assert len(err.splitlines()) == 1
    stand = site("edition", "report", "1", "--json").done().json
    assert (stand["uncertain"], stand["accepted"]) == (0, len(slow.recipients))
    assert stand["queued"] > 0
    use_relay(monkeypatch, catcher.port)
    assert site("edition", "resume", "1", "--json").done().json["accepted"] == 40
    everybody = [*slow.recipients, *(mail.recipient for mail in catcher.caught())]
    assert len(set(everybody)) == len(everybody) == 40
