"""Senders that a power cut may meet: `python cut_process.py CONFIG`, then a line of JSON a sender on its input.

Each line forks a sender and says its process id; {"wait": true} says how that one ended, negative for a signal, and
{"end": true} lets it stop in order and says the same. Beside these a line may hold: `synchronous`, a durability that
SQLite is told to give in place of the program's own; `checkpoint`, after how many pages it copies its log into the
database; `point`, the operation at which the library kills it, as `powercut_arm` takes it.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL

from syndicate import database
from syndicate.app.parts import open_site
from syndicate.engine.embedded import EmbeddedSender
from syndicate.sender.process import Times

TIMES = Times(lease=5.0, poll=0.02, stop=5.0)


def tell_sqlite(pragmas: dict[str, Any]) -> None:
    """Set these after all that the program itself sets; one that is None stays as it is."""
    original = database._sqlite

    def changed(url: URL) -> Engine:
        engine = original(url)

        @event.listens_for(engine, "connect")
        def _change(connection: Any, _entry: object) -> None:
            for pragma, value in pragmas.items():
                if value is not None:
                    connection.execute(f"PRAGMA {pragma} = {value}")

        return engine

    database._sqlite = changed


def send(config: Path, told: int, wish: dict[str, Any]) -> None:
    """Send until the pipe `told` is closed at its other end."""
    tell_sqlite({"synchronous": wish.get("synchronous"), "wal_autocheckpoint": wish.get("checkpoint")})
    if wish.get("point"):
        operation, suffix, count, after = wish["point"]
        ctypes.CDLL(None).powercut_arm(operation.encode(), suffix.encode(), ctypes.c_long(count), int(after))
    with open_site(config) as app:
        engine = EmbeddedSender(lambda: app.sender(TIMES), first=0.2)
        engine.start()
        os.read(told, 1)
        engine.stop()


def begin(config: Path, wish: dict[str, Any]) -> tuple[int, int]:
    """A new sender: its process id, and the pipe that it ends with."""
    told, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(told)
        return child, tell
    os.close(tell)
    try:
        send(config, told, wish)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - it must never go on with its parent's work
        print(f"the sender failed: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def main() -> None:
    child, tell = 0, -1
    for line in sys.stdin:
        wish = json.loads(line)
        if wish.get("wait") or wish.get("end"):
            if wish.get("end"):
                os.close(tell)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            if wish.get("wait"):
                os.close(tell)
        else:
            child, tell = begin(Path(sys.argv[1]), wish)
            print(child, flush=True)


main()
