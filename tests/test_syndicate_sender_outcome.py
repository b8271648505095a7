"""What an answer of the relay means: for its mail, for the relay, for its edition. Every stage, code and status."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.mail.session import Stage
from syndicate.mail.smtp import Reply
from syndicate.outbox.jobs import DeliveryJob
from syndicate.sender import outcome
from syndicate.sender.outcome import Verdict

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STAGES: tuple[Stage, ...] = ("mail", "rcpt", "data", "dot")
JOB = DeliveryJob(
    edition_id=1,
    batch=0,
    seq=0,
    attempt=2,
    subscriber_id=1,
    subscriber_uid="u",
    address="ann@example.net",
    language="en",
    since=NOW,
    edition_uid="e",
    digest="weekly",
    mail_date=NOW,
    expires_at=NOW + timedelta(hours=72),
)

# The stages, what the relay says there, what that means.
TABLE = [
    ("dot", "250 2.0.0 queued", "accepted"),
    # The mail or its reader, for good; and the cause.
    ("rcpt", "550 5.1.1 no such user", "rejected address"),
    ("rcpt", "553 5.1.3 bad address", "rejected address"),
    ("rcpt", "556 5.1.10 null MX", "rejected address"),
    ("rcpt", "550 5.1.1 user blocked by policy", "rejected address"),
    ("rcpt", "550 5.2.1 disabled", "rejected mailbox"),
    ("rcpt dot", "552 5.2.2 full", "rejected mailbox"),
    ("rcpt", "552 over quota", "rejected mailbox"),
    ("mail rcpt data dot", "552 5.3.4 too big", "rejected content"),
    ("mail", "554 5.3.4 too big", "rejected content"),
    ("mail data dot", "552 message size exceeds the limit", "rejected content"),
    ("rcpt", "552 message too large", "rejected content"),
    ("dot", "554 5.6.0 malformed", "rejected content"),
    ("rcpt", "550 5.6.7 no SMTPUTF8", "rejected content"),
    ("rcpt data dot", "550 no", "rejected other"),
    ("rcpt", "550 4.7.1 a status of another class", "rejected other"),
    ("rcpt", "501 syntax", "rejected other"),
    # A rule: our fault.
    ("rcpt data dot", "550 5.7.1 not allowed", "unwanted policy"),
    ("dot", "554 looks like spam", "unwanted policy"),
    ("rcpt", "554 blocked using dnsbl.example", "unwanted policy"),
    ("rcpt", "550 relaying denied", "unwanted policy"),
    ("rcpt", "550 5.1.8 sender's domain not found", "unwanted policy"),
    ("rcpt data", "503 5.5.1 out of order", "unwanted policy"),
    ("rcpt", "530 authentication required", "unwanted policy"),
    # 5xx before it has heard for whom the mail is.
    ("mail", "550 5.7.1 blocked", "refused"),
    ("mail", "530 5.7.0 authentication required", "refused"),
    ("mail", "553 5.1.8 sender", "refused"),
    ("mail", "501 syntax", "refused"),
    # Again later.
    ("rcpt data dot", "450 4.2.0 busy mailbox", "deferred"),
    ("rcpt data dot", "451 4.3.0 local error", "deferred"),
    ("rcpt dot", "452 4.2.2 full", "deferred"),
    ("rcpt dot", "452 4.3.1 no space", "deferred"),
    ("rcpt", "450 4.7.1 try again in 300 seconds", "deferred"),
    ("rcpt", "451 4.7.0 greylisted", "deferred"),
    ("rcpt", "450 4.7.1 Greylisting by policy", "deferred"),
    ("rcpt", "450 4.2.1 daily limit of this mailbox", "deferred"),
    # Again later, by a rule.
    ("rcpt data dot", "451 4.7.0 unusual rate", "mistrusted"),
    ("rcpt dot", "450 4.7.1 bad reputation", "mistrusted"),
    ("rcpt", "451 4.7.500 server busy", "mistrusted"),
    ("rcpt", "450 4.1.8 sender's domain not found", "mistrusted"),
    # The line, not the mail.
    ("mail rcpt data dot", "421 4.3.2 shutting down", "crowded"),
    ("mail rcpt data dot", "421 4.7.0 from your address", "crowded"),
    ("mail rcpt", "451 4.7.0 too many connections from you", "crowded"),
    ("mail", "554 too many concurrent SMTP sessions", "crowded"),
    # The pace.
    ("mail rcpt data dot", "454 Throttling failure: Maximum sending rate exceeded.", "throttled"),
    ("mail", "450 4.7.1 wait", "throttled"),
    ("mail", "451 4.3.0 local error", "throttled"),
    ("mail", "452 4.3.1 no space", "throttled"),
    ("mail rcpt data dot", "454 Throttling failure: Daily message quota exceeded.", "spent"),
    ("mail data dot", "550 5.4.5 Daily user sending limit exceeded", "spent"),
    ("mail data dot", "421 4.7.0 daily quota", "spent"),
]


@pytest.mark.parametrize(("stages", "said", "meant"), TABLE)
def test_each_answer_means_one_thing(stages: str, said: str, meant: str) -> None:
    code, text = said.split(" ", 1)
    for stage in stages.split():
        reply = Reply(int(code), text, stage)  # type: ignore[arg-type]
        found = outcome.verdict(reply).value
        if found in ("rejected", "unwanted"):
            found += f" {outcome.cause(reply)}"
        assert found == meant, f"at {stage}"


STATUSES = ("", "x.1.1 ", "x.1.8 ", "x.2.2 ", "x.3.4 ", "x.4.5 ", "x.5.1 ", "x.6.0 ", "x.7.0 ", "x.7.1 ")
WORDS = ("no", "greylisted", "spam", "daily quota exceeded", "too many connections", "message too large")


def test_every_answer_means_something_and_only_those_about_a_mail_cost_it_an_attempt() -> None:
    found: set[Verdict] = set()
    for stage, code, status, words in product(STAGES, range(400, 600), STATUSES, WORDS):
        reply = Reply(code, status.replace("x", str(code // 100)) + words, stage)
        verdict = outcome.verdict(reply)
        result = outcome.of_reply(JOB, reply, NOW, 0.5)
        found.add(verdict)
        if verdict in (Verdict.REJECTED, Verdict.UNWANTED):
            assert code >= 500
            assert (result.state, result.attempt, result.next_try_at) == ("rejected", 3, None)
            assert result.cause == outcome.cause(reply)
            assert (verdict is Verdict.UNWANTED) == (result.cause == "policy")
            assert stage != "mail" or result.cause in ("content", "mailbox")
        elif verdict in (Verdict.DEFERRED, Verdict.MISTRUSTED):
            assert code < 500
            assert stage != "mail", "nobody's own fault"
            assert (result.state, result.attempt, result.cause) == ("queued", 3, None)
            assert result.next_try_at == NOW + timedelta(minutes=45)
        else:
            assert (result.state, result.attempt, result.cause) == ("queued", 2, None)
            assert outcome.at_once(result)
        assert (code == 421) <= (verdict in (Verdict.CROWDED, Verdict.SPENT))
    assert found == set(Verdict) - {Verdict.ACCEPTED}


@given(st.integers(1, 40), st.floats(0, 1))
def test_the_waits_grow_to_six_hours_and_lie_within_a_fifth_either_way(attempt: int, chance: float) -> None:
    minutes = [5, 15, 45, 120, 240, 360]
    plain = timedelta(minutes=minutes[min(attempt, 6) - 1])
    assert plain * 0.8 <= outcome.retry_delay(attempt, chance) <= plain * 1.2
    assert outcome.retry_delay(attempt, 0.5) == plain


def test_what_would_be_tried_too_late_expires() -> None:
    late = JOB.expires_at - timedelta(minutes=45)
    assert outcome.of_reply(JOB, Reply(451, "later", "rcpt"), late, 0.5).state == "expired"
    earlier = late - timedelta(seconds=1)
    assert outcome.of_reply(JOB, Reply(451, "later", "rcpt"), earlier, 0.5).state == "queued"
    assert outcome.again(JOB, JOB.expires_at, "gone").state == "expired"


def test_a_mail_in_doubt_is_never_called_expired() -> None:
    late = JOB.expires_at - timedelta(minutes=45)
    assert outcome.of_doubt(JOB, "lost", late, 0.5, "resend").state == "uncertain"
    assert outcome.of_doubt(JOB, "lost", late - timedelta(seconds=1), 0.5, "resend").state == "queued"
    assert outcome.of_doubt(JOB, "lost", late - timedelta(seconds=1), 0.5, "hold").state == "uncertain"


@pytest.mark.parametrize(
    ("stage", "said", "less"),
    [
        ("rcpt", "421 4.7.0 slow down", True),
        ("dot", "450 4.7.0 rate", True),
        ("rcpt", "451 4.7.500 busy", True),
        ("rcpt", "450 4.7.1 greylisted", False),
        ("rcpt", "450 4.2.0 busy", False),
        ("mail", "451 4.7.0 rate", False),
        ("rcpt", "452 4.7.0 space", False),
    ],
)
def test_a_domain_asks_for_less_only_by_a_rule_of_its_own(stage: Stage, said: str, less: bool) -> None:
    code, text = said.split(" ", 1)
    assert outcome.asks_for_less(Reply(int(code), text, stage)) is less
