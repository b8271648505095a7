"""The one ledger writer of a sender process: all exchanges that wait become one transaction, the fence first."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from syndicate.database import Database, in_words
from syndicate.outbox import leases, slots
from syndicate.outbox.jobs import Exchange, Grant
from syndicate.sender.errors import Fenced, SenderEnded
from syndicate.sender.tray import Tray

T = TypeVar("T")

_MOST = 0.9
"""Of the connections: when so many ask, a commit need not wait for more."""

_PASSING = {"40001", "40P01", "55P03"}  # PostgreSQL: serialization failure, deadlock detected, lock timeout


class _Request:
    """What one thread asks of the writer, and waits for. A bare lock: a Future costs more than all the rest of it."""

    __slots__ = ("_answer", "_error", "_settled", "ask")

    def __init__(self, ask: Exchange | Callable[[Session], Any]) -> None:
        self.ask = ask
        self._answer: Any = None
        self._error: Exception | None = None
        self._settled = threading.Lock()
        self._settled.acquire()

    def result(self) -> Any:
        """Wait for the answer; raises what `refuse` was given."""
        self._settled.acquire()
        if self._error:
            raise self._error
        return self._answer

    def settle(self, answer: Any) -> None:
        self._answer = answer
        self._settled.release()

    def refuse(self, error: Exception) -> None:
        self._error = error
        self._settled.release()


class LedgerWriter:
    """Runs in a thread of its own. Busy and serialisation errors are tried again within the lease; any other failure
    ends the sender: every waiting and later request gets SenderEnded, and `failed` is called once. `connections` is how
    many may ask at a time: a commit is for most of them, or comes `gap` seconds after the one before."""

    def __init__(
        self,
        database: Database,
        owner: str,
        *,
        clock: Callable[[], datetime],
        patience: float,
        failed: Callable[[Exception], None],
        connections: int = 1,
        gap: float = 0.003,
    ) -> None:
        self._database = database
        self._owner = owner
        self._clock = clock
        self._patience = patience
        self._on_failure = failed
        self.failed = False
        self._requests: Tray[_Request | None] = Tray(enough=max(1, int(connections * _MOST)), gap=gap)
        self._gate = threading.Lock()
        self._ended: SenderEnded | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def exchange(self, request: Exchange) -> Grant:
        """Commit one connection's result and its next slot; returns when the commit is done."""
        return cast(Grant, self._submit(request))

    def do(self, work: Callable[[Session], T]) -> T:
        """Run `work` behind the fence in a transaction of its own. It may be run again if the database was busy."""
        return cast(T, self._submit(work))

    def stop(self) -> None:
        """Finish what was asked for, then take no more."""
        self._end(SenderEnded("the sender stops"))
        self._requests.put(None, at_once=True)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _submit(self, ask: Exchange | Callable[[Session], Any]) -> Any:
        request = _Request(ask)
        with self._gate:
            if self._ended:
                raise self._ended
            self._requests.put(request, at_once=not isinstance(ask, Exchange))
        return request.result()

    def fail(self, error: Exception) -> SenderEnded:
        """End the sender because of `error`: what waits and every later request is refused. Safe from any thread,
        again too."""
        why = error if isinstance(error, SenderEnded) else SenderEnded(in_words(error))
        self._end(why)
        with self._gate:
            first, self.failed = not self.failed, True
        if first:
            self._requests.put(None, at_once=True)
            self._on_failure(error)
        return why

    def _end(self, why: SenderEnded) -> None:
        with self._gate:
            self._ended = self._ended or why

    def _run(self) -> None:
        last = False
        while not last:
            requests = self._requests.take()
            last = None in requests  # nothing is asked after the end
            for together in _transactions([request for request in requests if request]):
                try:
                    if self.failed:
                        raise self._ended or SenderEnded("the sender ended")
                    answers = self._commit(together)
                except Exception as error:  # noqa: BLE001 - the outermost loop here: whoever waits must hear of it
                    why = self.fail(error)
                    for request in together:
                        request.refuse(why)
                else:
                    for request, answer in zip(together, answers, strict=True):
                        request.settle(answer)

    def _commit(self, requests: list[_Request]) -> list[Any]:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._once(requests)
            except (DBAPIError, NoConnectionFree) as error:
                if not _passing(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _once(self, requests: list[_Request]) -> list[Any]:
        exchanges = [request.ask for request in requests if isinstance(request.ask, Exchange)]
        if exchanges:
            with self._database.write_bare() as bare:
                if not leases.fence(bare, self._owner):
                    raise Fenced
                return slots.exchange(bare, self._owner, exchanges, self._clock())
        with self._database.write() as session:
            if not leases.fence(session, self._owner):
                raise Fenced
            return [request.ask(session) for request in requests if not isinstance(request.ask, Exchange)]


def _transactions(requests: list[_Request]) -> list[list[_Request]]:
    """What is committed together: all exchanges, and each other work for itself.

    Work locks editions and batches for writing; mixed with exchanges, which lock editions for reading, two processes
    on PostgreSQL could wait for each other."""
    exchanges = [request for request in requests if isinstance(request.ask, Exchange)]
    others = [[request] for request in requests if not isinstance(request.ask, Exchange)]
    return [exchanges, *others] if exchanges else others


def _passing(error: DBAPIError | NoConnectionFree) -> bool:
    """Whether the same transaction may succeed if it is tried again (locked, busy, serialisation, no connection)."""
    if isinstance(error, NoConnectionFree):
        return True
    if getattr(error.orig, "sqlstate", None) in _PASSING:
        return True
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
