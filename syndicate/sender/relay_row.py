"""The relay's row as one sender process reads and writes it: behind its fence, as everything it writes."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.outbox import relays
from syndicate.outbox.relays import Standing, Trouble
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter


class RelayRow:
    """`writer` gives the process's ledger writer, or raises SenderEnded."""

    def __init__(self, database: Database, terms: Terms, owner: str, writer: Callable[[], LedgerWriter]) -> None:
        self._database = database
        self._terms = terms
        self._owner = owner
        self._writer = writer
        self._name = terms.relay.name

    def read(self) -> Standing:
        """How the relay stands."""
        with self._database.read() as session:
            return self._standing(session)

    def failed(self, trouble: Trouble, error: str, rest: float | None = None) -> Standing:
        """Count a failure; see `relays.failed`."""
        clock, terms, chance = self._database.clock(), self._terms, self._terms.chance()

        def work(session: Session) -> Standing:
            now = terms.clock()
            me, name = self._owner, self._name
            relays.failed(session, clock, name, me, trouble=trouble, error=error, chance=chance, now=now, rest=rest)
            return self._standing(session)

        return self._writer().do(work)

    def stopped(self, error: str) -> Standing:
        """The login was refused."""
        login = self._terms.login

        def work(session: Session) -> Standing:
            relays.stopped(session, self._name, error=error, login=login, now=self._terms.clock())
            return self._standing(session)

        return self._writer().do(work)

    def answered(self, seen: Standing) -> Standing:
        """The relay answered to a mail while it was thought to stand so."""

        def work(session: Session) -> Standing:
            relays.answered(session, self._name, seen, now=self._terms.clock())
            return self._standing(session)

        return self._writer().do(work)

    def claim_probe(self, seen: Standing) -> bool:
        """Whether this process may try the relay for all."""
        clock = self._database.clock()
        return self._writer().do(lambda s: relays.claim_probe(s, clock, self._name, self._owner, seen))

    def see_login(self) -> None:
        """A login that was changed is tried again; looks before it writes."""
        if self.read().stopped:
            login = self._terms.login
            self._writer().do(lambda s: relays.login_changed(s, self._name, login=login, now=self._terms.clock()))

    def _standing(self, session: Session) -> Standing:
        return relays.standing(session, self._database.clock(), self._name, self._owner)
