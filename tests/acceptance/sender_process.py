"""Senders of a site, each a process of its own: `python sender_process.py CONFIG`, then a word a line on its input.

`begin` forks a sender and says its process id (nothing was opened before: it opens the site, its lock and its lines
itself); `wait` says how that one ended, negative for a signal; `end` lets it stop in order and says the same. So the
program is imported once for many senders. When the input ends, all do: no test can leave one behind.
"""

import os
import sys
from pathlib import Path

from syndicate.app.parts import open_site
from syndicate.engine.embedded import EmbeddedSender
from syndicate.sender.process import Times

TIMES = Times(lease=0.5, poll=0.05, stop=5.0)


def send(config: Path, told: int) -> None:
    """Send until the pipe `told` is closed at its other end."""
    with open_site(config) as app:
        engine = EmbeddedSender(lambda: app.sender(TIMES), first=0.2)
        engine.start()
        os.read(told, 1)
        engine.stop()


def begin(config: Path) -> tuple[int, int]:
    """A new sender: its process id, and the pipe that it ends with."""
    told, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(told)
        return child, tell
    os.close(tell)
    try:
        send(config, told)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - it must never go on with its parent's work
        print(f"the sender failed: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def main() -> None:
    child, tell = 0, -1
    for line in sys.stdin:
        match line.strip():
            case "begin":
                child, tell = begin(Path(sys.argv[1]))
                print(child, flush=True)
            case "end" | "wait" as word:
                if word == "end":
                    os.close(tell)
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
                if word == "wait":
                    os.close(tell)


main()
