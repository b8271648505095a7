"""The senders of `cut_process.py`, as a test holds them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

SCRIPT = Path(__file__).with_name("cut_process.py")


class Victims:
    """Sender processes, one after another, for the time of a `with` block; under the library by their `environment`."""

    def __init__(self, config: Path, environment: dict[str, str], log: Path) -> None:
        words = [sys.executable, str(SCRIPT), str(config)]
        with log.open("ab") as stderr:
            self._parent = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, **environment},
            )
        self._pid = 0

    def __enter__(self) -> "Victims":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._parent.communicate(timeout=20)

    def begin(self, **wish: Any) -> None:
        self._pid = self._ask(wish)

    def cut(self) -> None:
        """SIGKILL, if it has not met its point already; returns when it is gone."""
        os.kill(self._pid, signal.SIGKILL)
        assert self._ask({"wait": True}) == -signal.SIGKILL

    @property
    def gone(self) -> bool:
        """Whether it has died; its parent has not asked yet."""
        return Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"

    def end(self) -> int:
        """Let it stop in order; its exit status."""
        return self._ask({"end": True})

    def _ask(self, words: dict[str, Any]) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps(words) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())
