"""The limits of one sender process: what it draws from those that all processes share."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.outbox import limits, relays
from syndicate.outbox.limits import Drawn
from syndicate.sender.allowance import Allowance, Paces
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter


class Limits:
    """`allowance` is None where the relay has neither rate nor quota, `paces` where domains have no rate."""

    def __init__(self, database: Database, terms: Terms, writer: Callable[[], LedgerWriter]) -> None:
        self._clock = database.clock()
        self._terms = terms
        self._writer = writer
        self._name = terms.relay.name
        limited = terms.limit.rate or terms.limit.quota
        self.allowance = Allowance(self._draw) if limited else None
        self.paces = Paces(self._draw_for_domain, self._slow_down) if terms.domain_rate else None

    def enrol(self) -> None:
        """Make the relay's row, which keeps the limits."""
        if self.allowance:
            self._writer().do(lambda session: relays.enrol(session, self._name, self._terms.clock()))

    def give_back(self) -> None:
        """Return what is left, at the end."""
        unused = self.allowance.rest() if self.allowance else 0
        if unused:
            self._writer().do(lambda session: limits.give_back(session, self._name, unused, self._terms.limit))

    def _draw(self, want: int) -> Drawn:
        return self._writer().do(lambda session: limits.draw(session, self._clock, self._name, want, self._terms.limit))

    def _draw_for_domain(self, domain: str, want: int) -> Drawn:
        def work(session: Session) -> Drawn:
            most = self._terms.domain_rate
            return limits.draw_for_domain(session, self._clock, self._name, domain, want=want, most=most)

        return self._writer().do(work)

    def _slow_down(self, domain: str) -> float:
        def work(session: Session) -> float:
            return limits.slow_down(session, self._clock, self._name, domain, self._terms.domain_rate)

        return self._writer().do(work)
