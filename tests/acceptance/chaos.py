"""`make chaos`: every campaign of the proof kit, in its long form. SHORT=1 for the short one, SEED=n for other choices.

A program rather than tests: it runs for long, shows each row when it is there, keeps both cores busy without a runner
of tests in between, and ends with one table. It stops at nothing and exits 1 if an invariant broke.
"""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

# This is run as a program: the rooms of the tests are found from their own folder.
sys.path.insert(0, str(Path(__file__).parents[1]))

from acceptance.parts import Outcome, Part, parts
from acceptance.table import markdown
from cluster import Cluster

SEED = 20261124
OUT = Path("var/chaos")


def one(part: Part) -> Outcome:
    """Run a part in a folder that stays if something is wrong."""
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="syndicate-chaos-"))
    try:
        outcome = part(folder)
    except Exception as error:
        (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        raise RuntimeError(f"{part}: {error!r}; see {folder}") from error
    if not outcome[1]:
        shutil.rmtree(folder)
    return outcome


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--short", action="store_true", help="a few minutes at most")
    words.add_argument("--seed", type=int, default=SEED, help="other choices of chance; the same again for the same")
    words.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = words.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the cluster must not be left behind
    print(f"seed {asked.seed}: SEED={asked.seed} makes the same choices again", flush=True)
    cluster = Cluster.start()
    try:
        outcomes, failed = _run(parts(cluster, asked.seed, short=asked.short), asked.jobs)
    finally:
        cluster.stop()
    _write(outcomes, asked.seed, time.monotonic() - began)
    broken = [f"{row.database}, {row.policy}, {row.point}: {words}" for row, found in outcomes for words in found]
    for line in [*broken, *failed]:
        print(f"BROKEN: {line}", file=sys.stderr)
    return 1 if broken or failed else 0


def _run(todo: list[Part], jobs: int) -> tuple[list[Outcome], list[str]]:
    """All of them, so many at once, in the order given; and what could not be brought to its end."""
    outcomes: dict[int, Outcome] = {}
    failed: list[str] = []
    # Spawned afresh: a campaign forks processes of its own, and must begin with one thread.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1)
    try:
        places = {pool.submit(one, part): place for place, part in enumerate(todo)}
        for done in as_completed(places):
            try:
                outcomes[places[done]] = done.result()
            except Exception as error:  # noqa: BLE001 - the others go on; it is told at the end
                failed.append(str(error))
                print(f"FAILED: {error}", flush=True)
            else:
                print(f"{len(outcomes)}/{len(todo)} {done.result()[0]}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)  # who stops this waits for no more than what has begun
    return [outcomes[place] for place in sorted(outcomes)], failed


def _write(outcomes: list[Outcome], seed: int, seconds: float) -> None:
    table = markdown([row for row, _ in outcomes])
    OUT.mkdir(parents=True, exist_ok=True)
    text = f"Seed {seed}, {seconds:.0f} s.\n\n{table}"
    (OUT / "table.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {OUT / 'table.md'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
