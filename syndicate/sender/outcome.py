"""What an attempt's end means for the row (pure): which replies are final, and when to try again."""

from datetime import datetime, timedelta

from syndicate.mail.smtp import Reply
from syndicate.outbox.jobs import Job, LetterJob, Result
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


def retry_delay(attempt: int, chance: float) -> timedelta:
    """How long to wait after the `attempt`-th attempt (1 is the first): 5 min, 15 min, 45 min, 2 h, 4 h, then 6 h,
    within 20 % either way as `chance` (0 to 1) says, so that what was refused together does not return together."""
    return _STEPS[min(attempt, len(_STEPS)) - 1] * (1 + _SPREAD * (2 * chance - 1))


def of_reply(job: Job, reply: Reply, now: datetime, chance: float) -> Result:
    """2xx: accepted. 5xx: rejected for good. 4xx: again later, or expired if that would be too late.

    421 (RFC 5321 §3.8: the relay closes the line) says nothing of this mail, so it costs no attempt."""
    words = f"{reply.code} {reply.text} (at {reply.stage.upper()})"
    if reply.accepted:
        return Result(job, "accepted", job.attempt + 1, now, reply.code, words)
    if reply.code >= 500:
        return Result(job, "rejected", job.attempt + 1, now, reply.code, words)
    made = job.attempt if reply.code == 421 else job.attempt + 1
    return later(job, made, now, chance, code=reply.code, words=words)


def concerns_the_sender(reply: Reply) -> bool:
    """Whether the relay refuses us, not this reader: 5xx to MAIL, before it has heard for whom the mail is (no login,
    a sender it does not take, a block). A mail that is too large (552, RFC 1870 §6.1) is refused for itself."""
    return reply.stage == "mail" and reply.code >= 500 and reply.code != 552


def later(job: Job, made: int, now: datetime, chance: float, *, code: int | None, words: str) -> Result:
    """Again after the delay for `made` attempts, or `expired` if the mail would then be too old."""
    at = now + retry_delay(max(made, 1), chance)
    if at >= job.expires_at:
        return Result(job, "expired", made, now, code, words)
    return Result(job, "queued", made, now, code, words, at)


def again(job: Job, now: datetime, words: str) -> Result:
    """Not tried at all: again as soon as it may be, at no cost, unless its time is over."""
    if now >= job.expires_at:
        return Result(job, "expired", job.attempt, now, None, words)
    return Result(job, "queued", job.attempt, now, None, words, now)


def of_doubt(job: Job, words: str, now: datetime, chance: float, doubt: Doubt) -> Result:
    """The line was lost after the final dot: accepted or not, nobody knows (RFC 1047).

    A newsletter is held as uncertain for a person to decide, unless the site says `resend`; a letter goes again,
    because a lost confirmation is worse than a second one."""
    if isinstance(job, LetterJob) or doubt == "resend":
        return later(job, job.attempt + 1, now, chance, code=None, words=words)
    return Result(job, "uncertain", job.attempt + 1, now, None, words)
