"""What was before this sender: whether the database is an older copy, and what dead senders have left."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from syndicate.database import Database, in_words
from syndicate.outbox import guard, leases, ledger
from syndicate.sender.countfile import CountFile
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter

log = logging.getLogger(__name__)


class Recovery:
    """For the sender `me`, whose ledger is written by `writer()`. `alone` says that an operating system lock proves
    every other owner dead (SQLite); else their leases tell."""

    def __init__(
        self, database: Database, terms: Terms, me: str, *, count_file: CountFile, writer: Callable[[], LedgerWriter]
    ) -> None:
        self._database = database
        self._terms = terms
        self._me = me
        self._count_file = count_file
        self._writer = writer

    def suspect(self, *, alone: bool) -> None:
        """Hold the outbox if the database is an older copy; to be done before anything is recovered or sent."""
        self._count_file.clear()
        reason = self._count_file.suspicion(self._database, self._me, alone=alone)
        if reason:
            now = self._terms.clock()
            self._writer().do(lambda session: guard.hold(session, reason, now))
        with self._database.read() as session:
            _tell_held(guard.held(session))
        self.note_count(at_once=True)

    def note_count(self, *, at_once: bool = False) -> None:
        """Keep the outbox's counter outside the database, too; see `CountFile.note`."""
        try:
            self._count_file.note(self._database, at_once=at_once)
        except SQLAlchemyError as error:
            log.warning("the outbox's counter was not read: %s", in_words(error))

    def recover(self, *, alone: bool) -> None:
        """Take over from the dead; end editions that are through and that nobody has ended. Raises SenderEnded."""
        writer, clock, me = self._writer(), self._database.clock(), self._me
        doubt, now = self._terms.doubt, self._terms.clock()
        with self._database.read() as session:
            needed = leases.any_other(session, me) if alone else leases.any_dead(session, clock, me)
            orphans = leases.any_orphans(session)
            unclosed = ledger.unclosed(session)
        if orphans:
            freed = writer.do(lambda s: leases.free_orphans(s, now))
            log.warning("freed the work of a sender that is not in the ledger: %d batches", freed)
        if unclosed:
            writer.do(lambda s: ledger.close_finished(s, now))
        if not needed:
            return
        found = writer.do(lambda s: leases.recover_dead(s, clock, me, alone=alone, doubt=doubt, now=now))
        for dead in found:
            log.warning(
                "recovered a sender that died: %d batches freed, %d mails uncertain", dead.batches, dead.uncertain
            )
            _tell_held(dead.held)


def _tell_held(reason: str | None) -> None:
    if reason:
        log.error("the outbox is held: %s; `syndicate outbox release` lets it go on", reason)
