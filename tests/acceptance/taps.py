"""Taps on what a sender process does: its ledger transactions and the bytes on its lines, seen from outside.

Nothing in the program knows of them: they wrap its functions, its database connections and its sockets, in a process
that a test has forked. Who listens may end the process at any call.
"""

import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from syndicate.database import Database
from syndicate.models import Delivery, Letter, Slot
from syndicate.outbox import leases, slot_statements, slots
from syndicate.outbox.jobs import Grant

Words = dict[str, Any]
Said = Callable[[Words], None]
Listener = Callable[[str], None]

_FREEZES = re.compile(r"\s*INSERT INTO delivery\b")


class LedgerTap:
    """Tells `listener` of moments in this process's transactions, and `said` what each of them decided.

    Moments: `results written` (of a slot commit, not yet committed), `committing X` and `committed X` where X is
    `slots`, `results`, `recovery` or `freezing`; a transaction may be several at once."""

    def __init__(self, database: Database, *, listener: Listener, said: Said) -> None:
        self._listener, self._said = listener, said
        self._here = threading.local()
        self._tap_engine(database)
        self._tap_exchange()
        self._tap_leases()

    @property
    def _kinds(self) -> set[str]:
        """What this thread's transaction has done so far."""
        return self._here.__dict__.setdefault("kinds", set())

    @property
    def _words(self) -> list[Words]:
        """What is to be said of it once it is committed."""
        return self._here.__dict__.setdefault("words", [])

    def _tap_engine(self, database: Database) -> None:
        dialect: Any = database.engine.dialect
        commit, rollback = dialect.do_commit, dialect.do_rollback

        def do_commit(connection: Any) -> None:
            kinds, words = sorted(self._kinds), list(self._words)
            for kind in kinds:
                self._listener(f"committing {kind}")
            commit(connection)
            self._forget()
            for one in words:
                self._said(one)
            for kind in kinds:
                self._listener(f"committed {kind}")

        def do_rollback(connection: Any) -> None:
            self._forget()
            rollback(connection)

        dialect.do_commit, dialect.do_rollback = do_commit, do_rollback

        @event.listens_for(database.engine, "after_cursor_execute")
        def _executed(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if _FREEZES.match(statement):
                self._kinds.add("freezing")

    def _forget(self) -> None:
        self._kinds.clear()
        self._words.clear()

    def _tap_exchange(self) -> None:
        exchange: Any = slots.exchange

        def tapped(session: Session, owner: str, requests: Any, now: Any) -> Any:
            asked = time.monotonic()
            results = [request.result for request in requests if request.result is not None]
            if results:
                self._kinds.add("results")
            grants = exchange(session, owner, requests, now)
            for request, grant in zip(requests, grants, strict=True):
                if grant is Grant.SEND:
                    self._kinds.add("slots")
                    self._words.append({"kind": "granted", "owner": owner, "to": request.job.address, "asked": asked})
            for result in results:
                words = {"owner": owner, "to": result.job.address, "state": result.state}
                self._words.append({"kind": "settled"} | words)
            return grants

        slots.exchange = tapped
        run: Any = slot_statements.DELIVERY_RESULTS.run

        def tapped_run(*given: Any, **more: Any) -> Any:
            done = run(*given, **more)
            if "results" in self._kinds:
                self._listener("results written")
            return done

        slot_statements.DELIVERY_RESULTS.run = tapped_run  # type: ignore[method-assign]

    def _tap_leases(self) -> None:
        register, retire = leases.register, leases.retire

        def tapped_register(session: Session, clock: Any, owner: str, **more: Any) -> None:
            self._said({"kind": "born", "owner": owner, "connections": more["connections"]})
            register(session, clock, owner, **more)

        def tapped_retire(session: Session, owner: str, **more: Any) -> Any:
            # Said before the commit: who dies in it cannot say it later, and what a dead one's slots name stays so.
            self._said({"kind": "retiring", "owner": owner, "names": named(session, owner)})
            self._kinds.add("recovery")
            self._words.append({"kind": "retired", "owner": owner})
            return retire(session, owner, **more)

        leases.register, leases.retire = tapped_register, tapped_retire


def named(session: Session, owner: str) -> list[str]:
    """The addresses that the slots of this owner name."""
    here = (Slot.edition_id == Delivery.edition_id) & (Slot.batch == Delivery.batch) & (Slot.seq == Delivery.seq)
    deliveries = select(Delivery.address).join(Slot, here).where(Slot.owner == owner)
    letters = select(Letter.address).join(Slot, Slot.letter_id == Letter.id).where(Slot.owner == owner)
    return [*session.scalars(deliveries).all(), *session.scalars(letters).all()]


class LineTap:
    """Tells `listener` of moments on the lines to the relay: `data answered` (the 354 was read, nothing of the mail
    is out), `dot out` (the system has the mail whole), `dot answered` (the reply to it was read)."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stages: WeakKeyDictionary[socket.socket, str] = WeakKeyDictionary()
        self._tails: WeakKeyDictionary[socket.socket, bytes] = WeakKeyDictionary()
        self._tap()

    def _sending(self, line: socket.socket) -> None:
        if self._stages.get(line) == "data":
            self._stages[line] = "body"
            self._listener("data answered")

    def _sent(self, line: socket.socket, data: bytes) -> None:
        if data.upper() == b"DATA\r\n":
            self._stages[line], self._tails[line] = "data", b""
            return
        if self._stages.get(line) == "body":
            self._tails[line] = (self._tails[line] + data)[-5:]
            if self._tails[line] == b"\r\n.\r\n":
                self._stages[line] = "dot"
                self._listener("dot out")

    def _received(self, line: socket.socket) -> None:
        if self._stages.get(line) == "dot":
            self._stages[line] = ""
            self._listener("dot answered")

    def _tap(self) -> None:
        kind: Any = socket.socket
        send, sendall, sendmsg = kind.send, kind.sendall, kind.sendmsg
        recv, recv_into = kind.recv, kind.recv_into

        def tapped_send(line: socket.socket, data: Any, *flags: int) -> int:
            self._sending(line)
            number = int(send(line, data, *flags))
            self._sent(line, bytes(data)[:number])
            return number

        def tapped_sendall(line: socket.socket, data: Any, *flags: int) -> None:
            self._sending(line)
            sendall(line, data, *flags)
            self._sent(line, bytes(data))

        def tapped_recv(line: socket.socket, *more: Any) -> bytes:
            data: bytes = recv(line, *more)
            self._received(line)
            return data

        def tapped_recv_into(line: socket.socket, *more: Any) -> int:
            number = int(recv_into(line, *more))
            self._received(line)
            return number

        def tapped_sendmsg(line: socket.socket, parts: Any, *more: Any) -> int:
            self._sending(line)
            number = int(sendmsg(line, parts, *more))
            self._sent(line, b"".join(parts)[:number])
            return number

        kind.send, kind.sendall, kind.sendmsg = tapped_send, tapped_sendall, tapped_sendmsg
        kind.recv, kind.recv_into = tapped_recv, tapped_recv_into
