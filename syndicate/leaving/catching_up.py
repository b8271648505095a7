"""Bringing a database up to the stop lists: whenever a sender starts, and after a restore."""

import logging
from collections.abc import Sequence
from datetime import datetime

from subscribers.replay import Replayed, replay, unread
from subscribers.stoplist import StopList, StopListFault
from syndicate.database import Database
from syndicate.errors import SyndicateError
from syndicate.leaving.erasing import erase

log = logging.getLogger(__name__)


class NobodyKnowsWhoLeft(SyndicateError):
    """A stop list cannot be read: nothing may be sent before it can."""


def catch_up(database: Database, lists: Sequence[StopList], *, now: datetime) -> Replayed:
    """End and erase in the database what these lists say and it does not know; writes nothing where there is no news.

    Raises NobodyKnowsWhoLeft."""
    try:
        with database.read() as session:
            if not unread(session, lists):
                return Replayed()
        with database.write() as session:
            done = replay(session, lists, erase=erase, now=now)
    except StopListFault as fault:
        raise NobodyKnowsWhoLeft(str(fault)) from None
    if done.changed:
        log.warning("the stop list knew more than the database: %d people left or were suppressed", done.changed)
    if done.broken:
        log.warning("%d lines of the stop list cannot be read: see whether its disk is well", done.broken)
    return done
