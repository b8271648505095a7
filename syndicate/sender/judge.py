"""What the end of an attempt means for everybody: the mail's row, the way to the relay, its domain, its edition."""

import threading
from collections.abc import Callable
from datetime import timedelta

from syndicate.mail.smtp import ConnectionLost, RelayDown, Reply
from syndicate.outbox.jobs import DeliveryJob, Job, Result
from syndicate.sender import outcome
from syndicate.sender.allowance import Paces
from syndicate.sender.gate import RelayGate
from syndicate.sender.outcome import Verdict
from syndicate.sender.streaks import Streaks
from syndicate.sender.terms import Terms

_PUT_OFF = timedelta(minutes=5)


class Judge:
    """Shared by the connections of one process. `pause(edition_id, reason)` pauses an edition; `paces` is None where
    domains have no pace of their own."""

    def __init__(self, terms: Terms, gate: RelayGate, paces: Paces | None, pause: Callable[[int, str], None]) -> None:
        self._terms = terms
        self._gate = gate
        self._paces = paces
        self._pause = pause
        self._streaks = Streaks()
        self._lock = threading.Lock()
        self._tried_again: set[tuple[int, ...]] = set()

    def replied(self, n: int, job: Job, reply: Reply, *, began: float, opened: float) -> Result:
        """The relay answered to a mail on connection `n`; both times are monotonic seconds."""
        found, terms, gate = outcome.verdict(reply), self._terms, self._gate
        words = f"the relay {terms.relay.name} answered {reply.code} {reply.text} (at {reply.stage.upper()})"
        match found:
            case Verdict.CROWDED:
                gate.crowded(n, words, began=opened)
            case Verdict.THROTTLED:
                gate.down(n, f"{words}: it asks us to slow down", began=began, trouble="busy")
            case Verdict.SPENT:
                gate.down(n, f"{words}: no more mail for now", began=began, trouble="spent")
            case Verdict.REFUSED:
                self._refused(n, job, reply, began)
            case Verdict.MISTRUSTED if self._streaks.doubted(job.address):
                # Busy rather than down: what has a session may not go on either.
                remedy = "ask its keeper what it holds against us"
                gate.down(n, f"{words}, as many before it: {remedy}", began=began, trouble="busy")
            case _:
                gate.up(n, began=began)
        edition_id = job.edition_id if isinstance(job, DeliveryJob) else None
        if found is Verdict.ACCEPTED:
            self._streaks.accepted(edition_id)
        if found in (Verdict.UNWANTED, Verdict.REFUSED) and edition_id is not None:
            self._count(edition_id, reply)
        if self._paces and outcome.asks_for_less(reply):
            self._paces.slow_down(job.domain)
        result = outcome.of_reply(job, reply, terms.clock(), terms.chance())
        words = result.reply or ""
        waits = outcome.put_off(job, job.attempt, result.at, _PUT_OFF, code=reply.code, words=words)
        return self._bounded(result, waits)

    def lost(self, n: int, job: Job, lost: ConnectionLost, *, began: float, aborted: bool) -> Result:
        """The line broke inside a mail; `aborted` if we broke it."""
        terms, words = self._terms, str(lost)
        now, chance = terms.clock(), terms.chance()
        if not aborted:
            self._gate.down(n, words, began=began)
        if lost.after_dot:
            return outcome.of_doubt(job, words, now, chance, terms.doubt)
        if aborted:
            return outcome.again(job, now, words)
        again = outcome.again(job, now, words)
        return self._bounded(again, outcome.later(job, job.attempt + 1, now, chance, code=None, words=words))

    def no_session(self, n: int, down: RelayDown, *, began: float) -> None:
        """No session could be had on connection `n`."""
        if down.authentication:
            self._gate.stop(n, f"{down}; until the login is another one nothing is sent")
        elif down.busy:
            self._gate.crowded(n, str(down), began=began)
        else:
            self._gate.down(n, str(down), began=began)

    def unsent(self, job: Job, words: str) -> Result:
        """A mail that was in its slot found no session after all."""
        return outcome.again(job, self._terms.clock(), words)

    def _refused(self, n: int, job: Job, reply: Reply, began: float) -> None:
        if isinstance(job, DeliveryJob):  # its edition will be paused if it goes on
            self._gate.leave(n)
            return
        words = f"the relay {self._terms.relay.name} takes no mail from us ({reply.code} {reply.text})"
        remedy = "check mail.from, mail.bounce_domain and the login, or ask its keeper"
        self._gate.down(n, f"{words}: {remedy}", began=began)

    def _count(self, edition_id: int, reply: Reply) -> None:
        if not self._streaks.refused(edition_id):
            return
        words = f"the relay {self._terms.relay.name} refused several mails in a row by a rule, not for their readers"
        remedy = (
            f"mend the cause (mail.from, mail.bounce_domain, the login, or ask its keeper), then"
            f" `syndicate edition resume {edition_id}`, and `syndicate outbox retry {edition_id}` for those rejected"
        )
        self._pause(edition_id, f"{words} ({reply.code} {reply.text}): {remedy}")

    def _bounded(self, result: Result, otherwise: Result) -> Result:
        """A mail that costs no attempt goes again at once, but only once in a row; then it ends `otherwise`: if it is
        this mail after all that the relay ends its lines for, it must not be the only one that is ever tried."""
        job = result.job
        key = (job.edition_id, job.batch, job.seq) if isinstance(job, DeliveryJob) else (job.letter_id,)
        with self._lock:
            if outcome.at_once(result) and key not in self._tried_again:
                self._tried_again.add(key)
                return result
            self._tried_again.discard(key)
        return otherwise if outcome.at_once(result) else result
