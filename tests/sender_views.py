"""What tests of working senders look at, and senders that work while they look."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from people import states
from sqlalchemy import select

from syndicate.database import Database
from syndicate.models import Delivery, RelayRecord
from syndicate.sender.process import Sender


def rows(database: Database, edition_id: int) -> list[Delivery]:
    with database.read() as session:
        return list(session.scalars(select(Delivery).where(Delivery.edition_id == edition_id).order_by(Delivery.seq)))


def record(database: Database) -> RelayRecord:
    with database.read() as session:
        return session.scalars(select(RelayRecord)).one()


def count(database: Database, edition_id: int, state: str) -> int:
    return list(states(database, edition_id).values()).count(state)


@contextmanager
def working(*senders: Sender) -> Iterator[None]:
    """Each in a thread of its own, until the end of the block."""
    done = threading.Event()
    threads = [threading.Thread(target=lambda s=sender: s.slice(done.is_set)) for sender in senders]  # type: ignore[misc]
    with ExitStack() as stack:
        for sender in senders:
            sender.open()
            stack.callback(sender.close)
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()
