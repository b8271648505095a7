"""Sender processes as a test holds them: begun, killed, stopped for a while, ended in order."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

SCRIPT = Path(__file__).with_name("sender_process.py")


class NoDeath(AssertionError):
    """A process should have died at its point, and did not."""


class Senders:
    """Any number of sender processes of one site, for the time of a `with` block. `alive` are their process ids. They
    write what they decide to the file `told`, and their log beside it."""

    def __init__(self, config: Path, told: Path) -> None:
        words = [sys.executable, str(SCRIPT), str(config), str(told)]
        with told.with_name("senders.log").open("ab") as log:
            self._parent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.alive: list[int] = []

    def __enter__(self) -> "Senders":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error:
            for child in self.alive:
                os.kill(child, signal.SIGKILL)  # one that is stopped would never hear of the end
        self._parent.communicate(timeout=30)

    def begin(self, **order: object) -> int:
        """A new process; see `sender_process` for what an order may hold. Returns its id."""
        child = int(self._ask(f"begin {json.dumps(order)}")[0])
        self.alive.append(child)
        return child

    def kill(self, child: int) -> None:
        """SIGKILL; returns when the process is gone."""
        os.kill(child, signal.SIGKILL)
        assert self.wait(child) == -signal.SIGKILL

    def stop_for_a_while(self, child: int) -> None:
        """SIGSTOP: the process stands still until `go_on`."""
        os.kill(child, signal.SIGSTOP)

    def go_on(self, child: int) -> None:
        os.kill(child, signal.SIGCONT)

    def end(self, child: int) -> int:
        """Let it stop in order; its exit status."""
        return self._gone(self._ask(f"end {child}"))

    def wait(self, child: int) -> int:
        """Its exit status once it has ended by itself, negative for a signal."""
        return self._gone(self._ask(f"wait {child}"))

    def next_death(self) -> int:
        """Which of them died first of SIGKILL, by its own hand."""
        ended, status = self._ask("wait")
        if int(ended) not in self.alive or int(status) != -signal.SIGKILL:
            raise NoDeath(f"no process died at its point: {ended} {status}")
        self.alive.remove(int(ended))
        return int(ended)

    def _gone(self, answer: list[str]) -> int:
        ended, status = map(int, answer)
        if not ended:
            raise NoDeath("a process that should end did not")
        self.alive.remove(ended)
        return status

    def _ask(self, line: str) -> list[str]:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(f"{line}\n")
        self._parent.stdin.flush()
        return self._parent.stdout.readline().split()
