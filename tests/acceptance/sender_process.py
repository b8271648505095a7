"""Sender processes of a site, forked from this one: `python sender_process.py CONFIG TOLD`, then a line at a time.

    begin [JSON]     fork one; answers its process id. JSON: {"work": "send" or "tick", "point": name, "left": n,
                     "stop": true to stand still there, "lease": seconds}; a tick freezes recipients by ranges of 7
    wait [PID]       wait until it (else: any of them) has ended; answers "pid status", status negative for a signal;
                     "0 0" if none has after a minute
    end PID          let it stop in order, and wait

Nothing is opened before the fork: each opens the site, its lock and its lines itself, so the program is imported once
for many of them. Each appends what it decides to the file TOLD, one line of JSON each. When the input ends, all are
let go: no test can leave one behind.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

# This is run as a program: the rooms of the tests are found from their own folder.
sys.path.insert(0, str(Path(__file__).parents[1]))

from acceptance.batches import small_batches
from acceptance.points import Mine
from acceptance.taps import LedgerTap, LineTap

from syndicate.app.parts import App, open_site
from syndicate.engine.embedded import EmbeddedSender
from syndicate.sender.process import Times

PATIENCE = 60.0
RANGE = 7


def tapped(app: App, told: Path, mine: Mine) -> None:
    """Let everything this process decides be written down, and end it at its point."""
    # One write to a file opened to append is one line, whoever else writes; it outlives the process.
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def said(words: dict[str, Any]) -> None:
        os.write(file, json.dumps(words | {"at": time.monotonic(), "pid": os.getpid()}).encode() + b"\n")

    LedgerTap(app.database, listener=mine.passed, said=said)
    LineTap(mine.passed)


def send(app: App, lease: float, told: int) -> None:
    """Send until the pipe `told` is closed at its other end."""
    times = Times(lease=lease, poll=0.05, stop=5.0)
    engine = EmbeddedSender(lambda: app.sender(times), first=0.2, longest=1.0)
    engine.start()
    os.read(told, 1)
    engine.stop()


def live(config: Path, log: Path, order: dict[str, Any], told: int) -> None:
    """The whole life of one forked process."""
    with open_site(config) as app:
        tapped(app, log, Mine(order.get("point"), order.get("left", 1), order.get("stop", False)))
        if order.get("work") == "tick":
            with small_batches():
                replace(app, editions=replace(app.editions, range_size=RANGE)).tick()
        else:
            send(app, order.get("lease", 0.5), told)


class Children:
    """The processes that live, each with the pipe that it ends with."""

    def __init__(self, config: Path, log: Path) -> None:
        self._config, self._log = config, log
        self._pipes: dict[int, int] = {}

    def begin(self, order: dict[str, Any]) -> int:
        told, tell = os.pipe()
        child = os.fork()
        if child:
            os.close(told)
            self._pipes[child] = tell
            return child
        for other in (tell, *self._pipes.values()):
            os.close(other)
        try:
            live(self._config, self._log, order, told)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - it must never go on with its parent's work
            print(f"the sender failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)

    def wait(self, child: int) -> tuple[int, int]:
        """`child` -1: any."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                os.close(self._pipes.pop(ended))
                return ended, os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        return 0, 0

    def end(self, child: int) -> tuple[int, int]:
        os.close(self._pipes[child])
        self._pipes[child] = os.open(os.devnull, os.O_RDONLY)
        return self.wait(child)


def main() -> None:
    children = Children(Path(sys.argv[1]), Path(sys.argv[2]))
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        match word:
            case "begin":
                print(children.begin(json.loads(rest or "{}")), flush=True)
            case "wait":
                print(*children.wait(int(rest or -1)), flush=True)
            case "end":
                print(*children.end(int(rest)), flush=True)


if __name__ == "__main__":
    main()
