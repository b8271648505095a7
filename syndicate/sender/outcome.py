"""What an attempt's end means (pure): for the row of its mail, and for the relay it went to."""

import re
from datetime import datetime, timedelta
from enum import Enum

from syndicate.mail.smtp import CROWDED, Reply
from syndicate.outbox.jobs import Cause, Job, LetterJob, Result
from syndicate.outbox.leases import Doubt

_STEPS = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=45),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=6),
)
_SPREAD = 0.2


class Verdict(Enum):
    """Whom a reply concerns, and what is to be done. Only the first five count as an attempt of this mail."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """For good, and for a reason that lies with this mail or its reader."""
    UNWANTED = "unwanted"
    """For good, by a rule of the relay or of the receiver: our fault, not this reader's."""
    DEFERRED = "deferred"
    """This mail again later: a full disk over there, greylisting."""
    MISTRUSTED = "mistrusted"
    """This mail again later, by a rule (4.7.x): one says little, many in a row say that they doubt us."""
    REFUSED = "refused"
    """The relay takes nothing from us, whoever it is for."""
    CROWDED = "crowded"
    """421, or too many connections: this line is over, and fewer of them are wanted."""
    THROTTLED = "throttled"
    """Too fast: everybody waits."""
    SPENT = "spent"
    """What we may send in a day is sent: everybody waits for long."""


_COUNTED = {Verdict.ACCEPTED, Verdict.REJECTED, Verdict.UNWANTED, Verdict.DEFERRED, Verdict.MISTRUSTED}

_DAILY = re.compile(r"\bdaily\b.*\b(quota|limit|allowance)\b|\b(quota|limit) for (the|this) day\b", re.IGNORECASE)
_GREYLIST = re.compile(r"gr[ea]y[- ]?list", re.IGNORECASE)
_RULE = re.compile(
    r"\b(spam\w*|policy|policies|blocked|block ?list\w*|blacklist\w*|denied|reputation|dnsbl|rbl|spf|dkim|dmarc"
    r"|relaying|relay not permitted|authentication|unsolicited|bulk mail)\b",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"\b(size|large|big|long)\b", re.IGNORECASE)
# RFC 3463 §3.2: 1.7 and 1.8 say that the *sender's* address is bad.
_SENDER_ADDRESS = ("1.7", "1.8")
# Commands that the relay does not know, or wants a login before: nothing that a reader has done.
_OUT_OF_STEP = (500, 502, 503, 504, 530, 535, 538)


def verdict(reply: Reply) -> Verdict:
    """What this answer means, by its code, the stage and the status of RFC 3463 (where it has none: by its words)."""
    if reply.accepted:
        return Verdict.ACCEPTED
    if _speaks_of_a_day(reply):
        return Verdict.SPENT
    if reply.code == 421 or CROWDED.search(reply.text):
        return Verdict.CROWDED
    if reply.code >= 500:
        return _final(reply)
    if reply.code == 454 or reply.stage == "mail":  # at MAIL it has not heard yet for whom the mail is
        return Verdict.THROTTLED
    return Verdict.MISTRUSTED if _by_rule(reply) and not _greylisted(reply) else Verdict.DEFERRED


def _final(reply: Reply) -> Verdict:
    found = cause(reply)
    # A mail that is too large is refused at MAIL for itself (552, RFC 1870 §6.1).
    of_this_mail = found == "content" or (found == "mailbox" and reply.code == 552)
    if reply.stage == "mail" and not of_this_mail:
        return Verdict.REFUSED
    return Verdict.UNWANTED if found == "policy" else Verdict.REJECTED


def _speaks_of_a_day(reply: Reply) -> bool:
    """At RCPT such words are about the reader's mailbox, unless the code is never about one."""
    about_us = reply.code in (421, 454) or (reply.stage != "rcpt" and not _detail(reply).startswith("2."))
    return about_us and _DAILY.search(reply.text) is not None


def _by_rule(reply: Reply) -> bool:
    detail = _detail(reply)
    return detail.startswith("7.") or detail in _SENDER_ADDRESS


def _greylisted(reply: Reply) -> bool:
    """4.7.1 is what greylisting mostly says, with or without its name; other words beside it mean a rule."""
    if _GREYLIST.search(reply.text):
        return True
    return _detail(reply) == "7.1" and not _RULE.search(reply.text)


def asks_for_less(reply: Reply) -> bool:
    """Whether the receiving domain is given too much: 421, 450 or 451 with a 4.7.x that is not greylisting, once it is
    known who is to receive it."""
    told = reply.code in (421, 450, 451) and reply.stage != "mail"
    return told and _detail(reply).startswith("7.") and not _greylisted(reply)


def cause(reply: Reply) -> Cause:
    """What a final refusal was for. Only `address` says that there is no such reader."""
    detail = _detail(reply)
    if _by_rule(reply):
        return "policy"
    if detail.startswith("1."):
        return "address"
    if detail.startswith("2."):
        return "mailbox"
    if detail == "3.4" or detail.startswith("6."):
        return "content"
    if _RULE.search(reply.text) or reply.code in _OUT_OF_STEP:
        return "policy"
    if reply.code == 552 and not detail:
        return "content" if reply.stage != "rcpt" or _TOO_LARGE.search(reply.text) else "mailbox"
    return "other"


def _detail(reply: Reply) -> str:
    """Subject and detail of the status: "7.1" of "5.7.1", "" where there is none or its class is another's."""
    status = reply.enhanced or ""
    return status[2:] if status[:2] == f"{reply.code // 100}." else ""


def retry_delay(attempt: int, chance: float) -> timedelta:
    """How long to wait after the `attempt`-th attempt (1 is the first): 5 min, 15 min, 45 min, 2 h, 4 h, then 6 h,
    within 20 % either way as `chance` (0 to 1) says, so that what was refused together does not return together."""
    return _STEPS[min(attempt, len(_STEPS)) - 1] * (1 + _SPREAD * (2 * chance - 1))


def of_reply(job: Job, reply: Reply, now: datetime, chance: float) -> Result:
    """What becomes of the row. A reply that is not about this mail costs it no attempt: it goes again at once."""
    found, words = verdict(reply), f"{reply.code} {reply.text} (at {reply.stage.upper()})"
    if found not in _COUNTED:
        return again(job, now, words, code=reply.code)
    if found is Verdict.ACCEPTED:
        return Result(job, "accepted", job.attempt + 1, now, reply.code, words)
    if found in (Verdict.REJECTED, Verdict.UNWANTED):
        return Result(job, "rejected", job.attempt + 1, now, reply.code, words, cause=cause(reply))
    return later(job, job.attempt + 1, now, chance, code=reply.code, words=words)


def later(job: Job, made: int, now: datetime, chance: float, *, code: int | None, words: str) -> Result:
    """Again after the delay for `made` attempts, or `expired` if the mail would then be too old."""
    return put_off(job, made, now, retry_delay(max(made, 1), chance), code=code, words=words)


def put_off(job: Job, made: int, now: datetime, delay: timedelta, *, code: int | None, words: str) -> Result:
    """Again after this delay, or `expired` if the mail would then be too old."""
    at = now + delay
    if at >= job.expires_at:
        return Result(job, "expired", made, now, code, words)
    return Result(job, "queued", made, now, code, words, at)


def again(job: Job, now: datetime, words: str, *, code: int | None = None) -> Result:
    """Not this mail's fault: again as soon as it may be, at no cost, unless its time is over."""
    return put_off(job, job.attempt, now, timedelta(), code=code, words=words)


def at_once(result: Result) -> bool:
    """Whether its mail may be tried again without any delay."""
    return result.state == "queued" and result.next_try_at == result.at


def of_doubt(job: Job, words: str, now: datetime, chance: float, doubt: Doubt) -> Result:
    """The line was lost after the final dot: accepted or not, nobody knows (RFC 1047).

    A newsletter is held as uncertain for a person to decide, unless the site says `resend`; a letter goes again,
    because a lost confirmation is worse than a second one. What is too old to go again stays uncertain: to call it
    expired would be a guess."""
    if isinstance(job, LetterJob) or doubt == "resend":
        again_at = later(job, job.attempt + 1, now, chance, code=None, words=words)
        if again_at.state != "expired":
            return again_at
    return Result(job, "uncertain", job.attempt + 1, now, None, words)
