"""What a sender takes from the ledger to send, and what it gives back."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.outbox import ledger, letters
from syndicate.outbox.refusals import count_refusals
from syndicate.sender.feed import Feed
from syndicate.sender.terms import Terms
from syndicate.sender.writer import LedgerWriter


class Claims:
    """Work of the owner `owner`: at most `letters_at_once` letters at a time, and batches as the feed wants them."""

    def __init__(
        self,
        database: Database,
        terms: Terms,
        owner: str,
        *,
        feed: Feed,
        writer: Callable[[], LedgerWriter],
        letters_at_once: int,
    ) -> None:
        self._database = database
        self._terms = terms
        self._owner = owner
        self._feed = feed
        self._writer = writer
        self._letters_at_once = letters_at_once

    def give_back(self) -> bool:
        """Give back the batches that are through; whether there were any."""
        now, through = self._terms.clock(), self._feed.through()
        for edition_id, batch in through:
            self._writer().do(lambda s, e=edition_id, b=batch: self._release(s, e, b, now))  # type: ignore[misc]
        return bool(through)

    def _release(self, session: Session, edition_id: int, batch: int, now: datetime) -> None:
        count_refusals(session, edition_id, batch, stops=self._terms.stops)
        ledger.release(session, self._owner, edition_id, batch, now)

    def claim(self) -> bool:
        """Claim what is wanted and due; whether anything was. Reads before it writes."""
        writer, now, did = self._writer(), self._terms.clock(), False
        with self._database.read() as session:
            letters_due = self._feed.wants_letters and letters.has_due(session, now)
            batch_due = self._feed.wants_batch and ledger.has_claimable(session, now)
        if letters_due:
            found = writer.do(lambda s: letters.claim(s, self._owner, self._letters_at_once, now))
            self._feed.add_letters(found)
            did = bool(found)
        if batch_due:
            claimed = writer.do(lambda s: ledger.claim(s, self._owner, now))
            if claimed:
                self._feed.add_batch(claimed)
                did = True
        return did
