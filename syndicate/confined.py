"""Runs a function in a process of its own, with limits on time and memory: for what we did not write ourselves.

The process is started at the first call and kept for the next ones. It is a new interpreter, not a copy of this one
(which has threads and secrets), and it gets nothing of our environment. It can open no more files than it needs, write
none, and sends back plain values only, so that even code that broke out of its sandbox could not reach us.
"""

import contextlib
import io
import json
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import IO, Any, Final

from syndicate.errors import SyndicateError

SECONDS: Final = 10.0
MEMORY: Final = 512 * 1024 * 1024
LARGEST: Final = 32 * 1024 * 1024

_IDLE_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 2.0
_START_SECONDS: Final = 30.0  # until it runs on a busy machine: importing is not the fault of what is called
_HEAD: Final = struct.Struct(">BQ")
_VALUE, _FAILED, _NO_MEMORY, _TOO_LARGE = range(4)
_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from syndicate import confined; confined.serve()"
)


class Confined(SyndicateError):
    """What was run alone gave no value; the text is half a sentence, for whoever knows what it was: "it …"."""


class TooSlow(Confined):
    """It used up its time."""


class TooMuchMemory(Confined):
    """It wanted more memory than it may have."""


class TooLarge(Confined):
    """Its value is larger than we take."""


class Died(Confined):
    """Its process ended in the middle of it."""


class Failed(Confined):
    """It raised an error; the text is that error's own."""


class Confinement:
    """One process that runs functions for us, one at a time, from any thread; started when it is first wanted.

    `seconds` is what a call may take, by the clock and of the processor; `memory` is in bytes, beyond what the process
    has before the call. After 60 s without a call it ends, and with this object or this process it ends at once.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = _nothing

    def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What `function` returns for `arguments`: a function of a module, arguments that can be pickled, and a value
        of texts, bytes, numbers, None, tuples, lists and mappings. Raises one of the Confined errors."""
        call = pickle.dumps((self._seconds, self._memory, function, arguments))
        with self._lock:
            for _ in range(2):
                process = self._started()
                answer = self._asked(process, call)
                if answer is not None:
                    return _understood(answer)
                self.close()  # it had just gone, for want of work, and never saw this call
        raise Died("it could not be started")

    def close(self) -> None:
        """End the process; the next call starts another."""
        self._end()
        self._end, self._process = _nothing, None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = (sys.executable, "-B", "-c", _START, json.dumps(sys.path))
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"LC_ALL": "C.UTF-8"},
                start_new_session=True,  # a Ctrl-C in our terminal is ours to handle
            )
            self._end = weakref.finalize(self, _ended, self._process)
        return self._process

    def _asked(self, process: subprocess.Popen[bytes], call: bytes) -> tuple[int, bytes] | None:
        """The kind of answer and its bytes; None where the process ended by itself without having begun."""
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = time.monotonic() + self._seconds + _START_SECONDS
        try:
            # It reads all of a call before it answers, so that neither waits for the other.
            process.stdin.write(struct.pack(">Q", len(call)) + call)
            process.stdin.flush()
            kind, size = _HEAD.unpack(_read(process.stdout, _HEAD.size, deadline))
            data = _read(process.stdout, min(size, LARGEST), deadline)
        except TimeoutError:
            self.close()
            raise TooSlow(f"it took more than {self._seconds:g} seconds") from None
        except (EOFError, OSError, ValueError):
            self._gone(process)
            return None
        if kind != _VALUE:
            self.close()
        return kind, data

    def _gone(self, process: subprocess.Popen[bytes]) -> None:
        """Say what ended it, unless it ended by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
        status = process.returncode
        self.close()
        if status in (-signal.SIGXCPU, -signal.SIGALRM):
            raise TooSlow(f"it took more than {self._seconds:g} seconds")
        if status is None or status != 0:
            how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
            raise Died(f"it broke the process it ran in ({how})")


def serve() -> None:
    """The other side: runs what it is told until its input ends. Called in the process that Confinement starts."""
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a print must not pass as an answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for number in (signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    while select.select([calls], [], [], _IDLE_SECONDS)[0]:
        head = calls.read(8)
        if len(head) < 8:
            return
        seconds, memory, function, arguments = pickle.loads(calls.read(struct.unpack(">Q", head)[0]))  # noqa: S301 - ours
        kind, data = _run(seconds, memory, function, arguments)
        answers.write(_HEAD.pack(kind, len(data)) + data)
        answers.flush()


def _run(seconds: float, memory: int, function: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[int, bytes]:
    # Soft limits, so that the next call can have its own; what runs here has no way to lift them.
    used = time.process_time()
    _limit(resource.RLIMIT_CPU, int(used + seconds) + 1)
    _limit(resource.RLIMIT_AS, _held() + memory)
    # From here and not from outside: so neither a loop nor a wait outlives its time, should nobody be left to end us.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        data = pickle.dumps(function(*arguments))
    except MemoryError:
        return _NO_MEMORY, b""
    except SyndicateError as error:
        return _FAILED, str(error).encode("utf-8", "replace")[:LARGEST]
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
        return _FAILED, f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:10_000]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
    return (_VALUE, data) if len(data) <= LARGEST else (_TOO_LARGE, b"")


def _limit(what: int, soft: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY or soft < hard else hard, hard))


def _held() -> int:
    """The bytes of address space that this process has; a guess where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1024 * 1024 * 1024


def _understood(answer: tuple[int, bytes]) -> Any:
    kind, data = answer
    if kind == _NO_MEMORY:
        raise TooMuchMemory("it wanted too much memory")
    if kind == _TOO_LARGE:
        raise TooLarge(f"it made more than {LARGEST // (1024 * 1024)} MB")
    if kind == _FAILED:
        raise Failed(data.decode("utf-8", "replace"))
    try:
        return _Plain(io.BytesIO(data)).load()
    except Exception as error:
        raise Died("it answered with something else than plain values") from error


class _Plain(pickle.Unpickler):
    """Reads plain values only: nothing that names a class or a function."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no plain value")


def _read(file: IO[bytes], size: int, deadline: float) -> bytes:
    """`size` bytes. TimeoutError after the deadline (monotonic), EOFError where there are no more."""
    found = bytearray()
    while len(found) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([file], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(file.fileno(), min(size - len(found), 1 << 20))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for file in (process.stdin, process.stdout):
        if file is not None:
            with contextlib.suppress(OSError):  # what was not written need not be any more
                file.close()


def _nothing() -> None:
    """There is no process to end."""
