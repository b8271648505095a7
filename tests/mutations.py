"""`make mutations`: break one promise of the program at a time, in a copy, and see that its tests fail.

A test that passes whatever the program does proves nothing. Each mutation replaces a text that must stand exactly once
in its file, and runs the tests that should notice. It is an error if they pass, and also if they fail for another
reason than the one named.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = (".venv", ".git", "var", "dist", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis")
PATIENCE = 240


@dataclass(frozen=True)
class Mutation:
    """What is broken: in `file`, `old` becomes `new`; `test` must then fail with words that match `sign`."""

    name: str
    file: str
    old: str
    new: str
    test: str
    sign: str


KILLS = "tests/test_acceptance_kill.py"
ON_SQLITE = f"{KILLS}::test_deaths_at_every_point_on_sqlite_leave_nobody_out_and_no_duplicate_unmarked"

MUTATIONS = (
    Mutation(
        name="no fence",
        file="syndicate/outbox/leases.py",
        old="return bool(_FENCE.run(work, me=owner).rowcount == 1)",
        new="return bool(_FENCE.run(work, me=owner).rowcount < 2)",
        test="tests/test_syndicate_sender_leases.py::test_who_was_taken_for_dead_records_nothing_and_gets_no_slot",
        sign="DID NOT RAISE|IntegrityError",
    ),
    Mutation(
        name="slot after the final dot",
        file="syndicate/sender/carrier.py",
        old="""\
            grant = self._ask(result, job)
            result = None
            if grant is Grant.SEND:
                result = self._hand_over(job, mail)
""",
        new="""\
            early = self._hand_over(job, mail)
            grant = self._ask(result, job)
            result = None
            if grant is Grant.SEND:
                result = early
""",
        test=ON_SQLITE,
        sign="I3: .* in no slot",
    ),
    Mutation(
        name="result before the slot: an answer before its commit",
        file="syndicate/sender/writer.py",
        old="""\
                return slots.exchange(bare, self._owner, exchanges, self._clock())
""",
        new="""\
                early = slots.exchange(bare, self._owner, exchanges, self._clock())
                for request, answer in zip(requests, early, strict=True):
                    request.settle(answer)
                requests.clear()
                return []
""",
        test=ON_SQLITE,
        sign="I3: .* in no slot|I2: .* copies",
    ),
    Mutation(
        name="no slot at all",
        file="syndicate/outbox/slots.py",
        old="        _run(statements.FILL, bare, filled)\n",
        new="        pass\n",
        test=ON_SQLITE,
        sign="I[23]: .* copies|NothingMet",
    ),
    Mutation(
        name="no consent check in the slot commit",
        file="syndicate/outbox/slots.py",
        old="    may_go = _places(kind.wanted, bare, rows, now=moment(bare.dialect, now))\n",
        new="    may_go = _places(kind.waiting, bare, rows)\n",
        test=ON_SQLITE,
        sign="I5: .* had left",
    ),
    Mutation(
        name="synchronous = NORMAL",
        file="syndicate/database.py",
        old='cursor.execute("PRAGMA synchronous = FULL")',
        new='cursor.execute("PRAGMA synchronous = NORMAL")',
        test="tests/test_acceptance_powercut.py::test_no_cut_makes_the_ledger_forget_a_mail",
        sign="the ledger forgets the mail|a power cut made the outbox held|second copy",
    ),
    Mutation(
        name="no lease renewal",
        file="syndicate/outbox/leases.py",
        old='values = {"lease_until": clock + lease_seconds, "seen": clock, "rate": rate}',
        new='values = {"seen": clock, "rate": rate}',
        test="tests/test_syndicate_sender_leases.py::test_an_idle_sender_outlives_its_lease_many_times",
        sign="lease was taken over by another process",
    ),
    Mutation(
        name="what was on the wire waits again",
        file="syndicate/outbox/leases.py",
        old='state="uncertain" if doubt == "hold" else "queued"',
        new='state="queued"',
        test=ON_SQLITE,
        sign="I2: .* copies|I3: .* was in doubt and is accepted",
    ),
)


def broken_copy(mutation: Mutation, folder: Path) -> None:
    """A copy of everything, with this mutation in it."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    file = folder / mutation.file
    text = file.read_text(encoding="utf-8")
    number = text.count(mutation.old)
    if number != 1:
        raise SystemExit(f"{mutation.name}: the text to replace stands {number} times in {mutation.file}, not once")
    file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")


def noticed(mutation: Mutation) -> tuple[bool, str]:
    """Whether the tests failed for this mutation, and a line about it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="syndicate-mutation-") as name:
        folder = Path(name)
        broken_copy(mutation, folder)
        words = [sys.executable, "-m", "pytest", "-x", "-p", "no:xdist", mutation.test]
        # The copy goes before what is installed, also in the processes that the tests start.
        environ = {**os.environ, "PYTHONPATH": str(folder), "SYNDICATE_TEST_REQUIRE": "postgres,compiler"}
        done = subprocess.run(
            words, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    seconds = f"{time.monotonic() - began:.0f} s"
    if done.returncode == 0:
        return False, f"NOT NOTICED  {mutation.name} ({seconds}): {mutation.test} passes"
    sign = re.search(mutation.sign, done.stdout)
    if done.returncode != 1 or not sign:
        return False, f"UNCLEAR      {mutation.name} ({seconds}): failed for another reason\n{done.stdout[-3000:]}"
    return True, f"noticed      {mutation.name} ({seconds}): {sign[0][:80]}"


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("only", nargs="*", help="words in the names of those to try; all if there are none")
    words.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = words.parse_args()
    chosen = [one for one in MUTATIONS if not asked.only or any(word in one.name for word in asked.only)]
    with ThreadPoolExecutor(asked.jobs) as pool:
        good = True
        for ok, line in pool.map(noticed, chosen):
            print(line, flush=True)
            good = good and ok
    return 0 if good and chosen else 1


if __name__ == "__main__":
    sys.exit(main())
