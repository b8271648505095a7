"""One campaign: an edition is sent while its senders die again and again, and then the history is judged."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Literal

from acceptance import evidence
from acceptance.deaths import Deaths
from acceptance.history import History, Violation, judge
from acceptance.life import Life
from acceptance.processes import Senders
from acceptance.sites import new_site, publish_one, readers
from acceptance.table import Row
from clocks import until
from cluster import Cluster
from sink import SinkProcess
from sqlalchemy import exists, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from syndicate.app.parts import App, open_site
from syndicate.editions.report import report
from syndicate.models import Delivery, Letter
from syndicate.outbox import ledger

CONNECTIONS = 8

_RESERVE = 80


@dataclass(frozen=True)
class Plan:
    """`url` is the address of an empty PostgreSQL database, None for SQLite; `cluster` its server if that may be
    crashed. The deaths fall in the ways of `points` in turn. With `cancel` the edition is called off at the end."""

    policy: Literal["hold", "resend"]
    points: tuple[str, ...]
    kills: int
    seed: int
    url: str | None = None
    cluster: Cluster | None = None
    processes: int = 1
    cancel: bool = False

    @property
    def database(self) -> str:
        return "PostgreSQL" if self.url else "SQLite"

    @property
    def delay(self) -> float:
        """The longest that the receiving server waits before and after it writes a mail down, in seconds."""
        return 0.15 if "stopped" in self.points else 0.03

    @property
    def people(self) -> int:
        """So many that some are left after the last death: while one stands still the others go on sending."""
        return _RESERVE + self.kills * (250 if "stopped" in self.points else 40)

    @property
    def where(self) -> str:
        """Where its deaths fall, in words."""
        places = self.points[0] if len(self.points) == 1 else "each in turn"
        return f"{places}, cancelled" if self.cancel else places


@dataclass(frozen=True)
class Verdict:
    """How a campaign ended: its row of the table, what it broke, and its history."""

    row: Row
    violations: list[Violation]
    history: History


class NothingMet(AssertionError):
    """The deaths of a campaign met nothing on the wire: it has shown nothing."""


def run(plan: Plan, folder: Path) -> Verdict:
    """Run the campaign in this empty folder. Raises NothingMet, and NoDeath if its point was never passed."""
    began = time.monotonic()
    with SinkProcess(folder / "got.jsonl", delay=plan.delay, seed=plan.seed) as sink:
        config = new_site(folder / "site", smtp_port=sink.port, connections=CONNECTIONS, database_url=_hasty(plan.url))
        _set_policy(config, plan.policy)
        file = folder / "told.jsonl"
        with open_site(config) as app, Senders(config, file) as senders:
            people, edition = _an_edition(app, plan.people)
            chance = random.Random(plan.seed)
            life = Life(app, edition, chance)
            deaths = Deaths(
                app,
                senders,
                sink,
                lambda: evidence.read(file),
                plan.processes,
                chance,
                meanwhile=life.go_on,
                cluster=plan.cluster,
            )
            points = cycle(plan.points)
            while deaths.count < plan.kills:
                deaths.one(next(points))
            deaths.fill()
            if plan.cancel:
                app.editions.cancel(app.database, edition, app.clock())
            _finish(app, edition, senders)
            told = evidence.read(file)
            found = evidence.history(
                app,
                edition,
                told,
                sink.received(),
                policy=plan.policy,
                expected=people,
                asked=life.asked,
                leaves=life.leaves,
            )
    row = Row(
        database=plan.database,
        processes=plan.processes,
        policy=plan.policy,
        point=plan.where,
        kills=deaths.count,
        met=told.met(deaths.touched),
        uncertain=len(found.doubted),
        duplicates=len(found.duplicates),
        unmarked=len(found.unmarked),
        lost=len(found.lost),
        seconds=time.monotonic() - began,
    )
    _met_something(row)
    return Verdict(row, judge(found), found)


def _met_something(row: Row) -> None:
    if not row.met:
        raise NothingMet(f"{row.kills} deaths met no occupied slot: {row}")
    if row.kills >= 10 and not row.uncertain:
        raise NothingMet(f"{row.kills} deaths left nothing in doubt: {row}")


def _hasty(url: str | None) -> str | None:
    """The same database with a tenth of the usual patience for locks and for who stands still in a transaction: a
    sender that is stopped in one keeps the others waiting for that long."""
    if url is None:
        return None
    options = {"options": "-c lock_timeout=3s -c idle_in_transaction_session_timeout=2s"}
    return make_url(url).update_query_dict(options).render_as_string(hide_password=False)


def _set_policy(config: Path, policy: str) -> None:
    before = config.read_text(encoding="utf-8")
    after = before.replace('uncertain = "hold"', f'uncertain = "{policy}"')
    assert f'uncertain = "{policy}"' in after
    config.write_text(after, encoding="utf-8")


def _an_edition(app: App, count: int) -> tuple[list[str], int]:
    """So many people, and an edition to them all that is sending; nobody sends yet."""
    people = readers(app, count)
    publish_one(app, "What a pardon takes")
    with _small_batches():
        return people, app.editions.send_now(app.database, "weekly", "k", app.clock())


@contextmanager
def _small_batches() -> Iterator[None]:
    """Recipients are frozen into batches so small that each process has some, and gives many back."""
    usual = ledger.BATCH_SIZE
    ledger.BATCH_SIZE = 20
    yield
    ledger.BATCH_SIZE = usual


def _finish(app: App, edition: int, senders: Senders) -> None:
    """Nobody dies any more: the edition comes to its end, and the senders stop in order."""
    until(lambda: _over(app, edition), 60)
    for child in list(senders.alive):
        assert senders.end(child) == 0
    _alone(app)


def _over(app: App, edition: int) -> bool:
    time.sleep(0.03)
    try:
        with app.database.read() as session:
            for kind in (Letter, Delivery):
                if session.scalar(select(exists().where(kind.state == "queued"))):
                    return False
            return report(session, edition).state in ("sent", "incomplete", "cancelled")
    except DBAPIError:  # the server has just been crashed
        return False


def _alone(app: App) -> None:
    """Wait until PostgreSQL has ended what the dead had asked of it."""
    if app.database.sqlite:
        return
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    app.database.engine.dispose()

    def alone() -> bool:
        with app.database.read() as session:
            return session.scalar(others) == 0

    until(alone)
