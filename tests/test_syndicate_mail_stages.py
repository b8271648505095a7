"""A relay that answers each stage of a session in each way it can: what comes of the mail, of the session, and when."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import pytest
from relays import ScriptedRelay, Session, usual

from syndicate.mail.smtp import ConnectionLost, Relay, RelayDown

MAIL = b"Subject: x\r\n\r\nHello.\r\n"
STAGES = ("greet", "ehlo", "mail", "rcpt", "data", "dot", "rset", "quit")
CODES = (421, 450, 451, 452, 454, 500, 503, 535, 550, 552, 554)
PATIENCE = 1.0
TOGETHER = pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
"""Whether the relay takes the commands of a mail in one breath (RFC 2920)."""


@dataclass(frozen=True)
class End:
    """What came of one mail: the reply or error in words, whether the session took another mail afterwards."""

    what: str
    usable: bool


def expected(stage: str, code: int | None) -> End:
    """By the table of the protocol; `code` None is an answer that is none."""
    final = code is not None and code >= 500
    match stage:
        case "greet" | "ehlo":
            if stage == "ehlo" and final:
                return End("250 at dot", True)  # the relay knows HELO only
            return End(f"down {code}{' busy' if code == 421 else ''}", False)
        case "rset":
            return End("550 at rcpt", False)
        case "quit":
            return End("250 at dot", True)
        case "dot" if code is None:
            return End("lost after the dot", False)
        case _ if code is None:
            return End(f"lost at {stage}", False)
    return End(f"{code} at {stage}", code != 421)


def played(relay: ScriptedRelay, *, timeout: float) -> End:
    """Hand over a mail, and another one if the session takes it; then end it."""
    try:
        connection = Relay("127.0.0.1", relay.port, "none", helo="us", timeout=timeout, dot_timeout=timeout).connect()
    except RelayDown as down:
        return End(f"down {down.code}{' busy' if down.busy else ''}", False)
    try:
        reply = connection.deliver("b@example.org", "ann@example.net", MAIL)
        what = f"{reply.code} at {reply.stage}"
    except ConnectionLost as lost:
        what = "lost after the dot" if lost.after_dot else f"lost at {lost.stage}"
    usable = connection.usable
    with nullcontext() if usable else pytest.raises(ConnectionLost, match="at MAIL"):
        assert connection.deliver("b@example.org", "bob@example.net", MAIL).accepted
    connection.close()
    return End(what, usable)


def once(stage: str, answer: object, *, together: bool = False) -> ScriptedRelay:
    """A relay that gives `answer` the first time it comes to this stage. At rset it refuses ann to get there.

    With `together` it takes commands in one breath, and none that has lost its ground."""
    given, refused = threading.Event(), threading.Event()

    def script(session: Session, now: str) -> str | Iterator[bytes] | None:
        if now == "mail":
            refused.clear()
        if now in ("rcpt", "data") and refused.is_set():
            return "503 5.5.1 not without what comes first"
        if stage == "rset" and now == "rcpt" and not given.is_set():
            refused.set()
            return "550 no"
        if now != stage or given.is_set():
            return "250-us\r\n250 PIPELINING" if together and now == "ehlo" else usual(session, now)
        given.set()
        if now in ("mail", "rcpt") and str(answer)[:1] in "45":
            refused.set()
        return answer() if callable(answer) else answer  # type: ignore[return-value]

    return ScriptedRelay(script)


@TOGETHER
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", CODES)
def test_each_code_at_each_stage(stage: str, code: int, together: bool) -> None:
    with once(stage, f"{code} 4.0.0 so it is", together=together) as relay:
        assert played(relay, timeout=5) == expected(stage, code)
        assert relay.sessions == 1


@TOGETHER
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "answer",
    [None, "what?", "2", "\0\0\0", "250-a\r\n550 b", "HTTP/1.1 400 Bad Request"],
    ids=["close", "garbage", "short", "nul", "two codes", "http"],
)
def test_each_answer_that_is_none_at_each_stage(stage: str, answer: str | None, together: bool) -> None:
    with once(stage, answer, together=together) as relay:
        assert played(relay, timeout=5) == expected(stage, None)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("line", [b"250-x\r\n", b"2", b"250-" + b"y" * 9000], ids=["lines", "one line", "long lines"])
def test_a_hundred_megabytes_at_each_stage_are_cut_off_at_once(stage: str, line: bytes) -> None:
    block = line * (65536 // len(line) + 1)
    written: list[int] = []

    def flood() -> Iterator[bytes]:
        for _ in range(100_000_000 // len(block)):
            written.append(len(block))
            yield block

    with once(stage, flood) as relay:
        assert played(relay, timeout=5) == expected(stage, None)
        relay.away()
    assert sum(written) < 20_000_000, "what the kernel holds, and no more"


@TOGETHER
def test_silence_and_one_byte_at_a_time_hold_no_stage_longer_than_its_time(together: bool) -> None:
    over = threading.Event()

    def silence() -> Iterator[bytes]:
        over.wait(PATIENCE * 4)
        yield from ()

    def drip() -> Iterator[bytes]:
        yield b"250-"
        for _ in range(80):
            if over.wait(PATIENCE / 20):
                return
            yield b"x"

    def timed(relay: ScriptedRelay) -> tuple[End, float]:
        began = time.monotonic()
        return played(relay, timeout=PATIENCE), time.monotonic() - began

    cases = [(stage, answer) for stage in STAGES for answer in (silence, drip)]
    with ExitStack() as stack:
        relays = [stack.enter_context(once(*case, together=together)) for case in cases]
        stack.callback(over.set)
        with ThreadPoolExecutor(len(cases)) as pool:
            ends = list(pool.map(timed, relays))
    for (stage, _), (end, took) in zip(cases, ends, strict=True):
        assert end == expected(stage, None), stage
        assert PATIENCE * 0.9 < took < PATIENCE * 2, (stage, took)


@TOGETHER
@pytest.mark.parametrize("stage", ["greet", "ehlo", "mail", "rcpt", "data", "dot", "rset"])
def test_a_second_reply_behind_the_first_ends_the_session_and_is_no_answer_to_the_dot(
    stage: str, together: bool
) -> None:
    first = {"greet": "220", "data": "354"}.get(stage, "250")
    with once(stage, f"{first} yes\r\n250 and this", together=together) as relay:
        end = played(relay, timeout=5)
    ends = {
        "greet": "down None",
        "ehlo": "lost at mail",
        "mail": "lost at data" if together else "lost at rcpt",
        "rcpt": "lost at data",
        "data": "lost at data",
        "dot": "250 at dot",
        "rset": "550 at rcpt",
    }
    assert end == End(ends[stage], False)
    assert relay.dots == (["ann@example.net"] if stage == "dot" else [])


def test_a_relay_that_offers_it_hears_all_commands_of_a_mail_before_it_answers_the_first() -> None:
    def patient(_session: Session, now: str) -> str | Iterator[bytes] | None:
        if now == "ehlo":
            return "250-us\r\n250 PIPELINING"
        if now == "mail":
            return iter(())
        return "250 ok\r\n250 ok" if now == "rcpt" else usual(_session, now)

    with ScriptedRelay(patient) as relay:
        assert played(relay, timeout=5) == End("250 at dot", True)
        assert relay.accepted == ["ann@example.net", "bob@example.net"]


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_a_relay_that_says_go_on_after_its_refusal_gets_nothing_more(stage: str) -> None:
    def confused(session: Session, now: str) -> str | None:
        if now == "ehlo":
            return "250-us\r\n250 PIPELINING"
        return "550 5.7.1 no" if now == stage else usual(session, now)

    with ScriptedRelay(confused) as relay:
        assert played(relay, timeout=5) == End(f"550 at {stage}", False)
        assert relay.dots == []
