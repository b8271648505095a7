"""What runs apart from us gives a value or one clear error, within its time and memory, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from syndicate.confined import LARGEST, Confined, Confinement, Died, Failed, TooLarge, TooMuchMemory, TooSlow
from syndicate.errors import Refused

MEMORY = 64 * 1024 * 1024


def double(value: int) -> tuple[int, str]:
    return value * 2, "ä"


def whoami() -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def for_ever() -> None:
    while True:
        pass


def asleep() -> None:
    time.sleep(60)


def in_one_long_step() -> int:
    return len(str(7 ** (10**8)))


def eat() -> int:
    held = []
    while True:
        held.append("a" * 1_000_000)


def at_once() -> int:
    return len("a" * 10**10)


def large() -> bytes:
    return b"x" * (LARGEST + 1)


def fail() -> None:
    raise ValueError("no such thing")


def refuse() -> None:
    raise Refused("not today")


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def give_a_function() -> object:
    return double


def write(path: str) -> None:
    with open(path, "wb", buffering=0) as file:
        file.write(b"x")


def chatter() -> str:
    print("hello")
    os.write(1, b"hello")
    return "said"


@pytest.fixture
def alone() -> Iterator[Confinement]:
    made = Confinement(seconds=1, memory=MEMORY)
    yield made
    made.close()


def test_a_value_comes_back_from_another_process_that_is_kept(alone: Confinement) -> None:
    assert alone.run(double, 21) == (42, "ä")
    assert alone.run(whoami) == alone.run(whoami) != os.getpid()
    started = time.perf_counter()
    for number in range(50):
        assert alone.run(double, number)[0] == 2 * number
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (for_ever, TooSlow, "more than 1 seconds"),
        (asleep, TooSlow, "more than 1 seconds"),
        (in_one_long_step, TooSlow, "more than 1 seconds"),
        (eat, TooMuchMemory, "too much memory"),
        (at_once, TooMuchMemory, "too much memory"),
        (fail, Failed, "ValueError: no such thing"),
        (refuse, Failed, "not today"),
        (die, Died, "signal 11"),
        (give_a_function, Died, "plain values"),
    ],
)
def test_each_way_to_go_wrong_is_one_line_and_the_next_call_works(
    alone: Confinement, function: object, error: type[Confined], words: str
) -> None:
    started = time.perf_counter()
    with pytest.raises(error, match=words) as caught:
        alone.run(function)
    assert time.perf_counter() - started < 8
    assert "\n" not in str(caught.value)
    assert alone.run(double, 1)[0] == 2


def test_a_value_that_is_too_large_is_not_taken() -> None:
    alone = Confinement(memory=4 * LARGEST)
    with pytest.raises(TooLarge, match="32 MB"):
        alone.run(large)
    alone.close()


def test_it_sees_nothing_of_our_environment_and_writes_no_file(
    alone: Confinement, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDICATE_MAIL__SMTP__PASSWORD", "secret")
    assert "secret" not in alone.run(environment).values()
    with pytest.raises(Failed, match="File too large"):
        alone.run(write, f"{tmp_path}/file")
    assert alone.run(chatter) == "said"


def test_threads_share_one_process_and_each_gets_its_own_value(alone: Confinement) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert [found[0] for found in pool.map(lambda n: alone.run(double, n), range(40))] == list(range(0, 80, 2))


def test_a_process_that_ended_meanwhile_is_replaced(alone: Confinement) -> None:
    first = alone.run(whoami)
    assert alone._process is not None
    assert alone._process.stdin is not None
    alone._process.stdin.close()  # as after a time without work: it ends by itself, with status 0
    alone._process.wait(5)
    assert alone.run(whoami) != first


def is_running(number: int) -> bool:
    try:
        with open(f"/proc/{number}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(number: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_running(number):
        assert time.monotonic() < deadline, "it outlived its maker"
        time.sleep(0.05)


def test_it_goes_with_the_object_and_with_the_process_that_made_it() -> None:
    made = Confinement()
    number = made.run(whoami)
    assert is_running(number)
    del made
    wait_until_gone(number, 5)

    code = (
        "import os, time; from syndicate.confined import Confinement; alone = Confinement(seconds=1);"
        "print(alone.run(os.getpid), flush=True); alone.run(time.sleep, {seconds})"
    )
    for seconds in ("0); time.sleep(60", "60"):  # idle, and at work
        script = code.format(seconds=seconds)
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            number = int(parent.stdout.readline())
            time.sleep(0.2)
            parent.kill()
        wait_until_gone(number, 9)
