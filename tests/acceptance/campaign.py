"""One campaign: an edition is sent while its senders die again and again, and then the history is judged."""

import random
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Literal

from acceptance import evidence
from acceptance.batches import small_batches
from acceptance.deaths import Deaths
from acceptance.history import History, Violation, judge
from acceptance.life import Life
from acceptance.points import FREEZING, SENDING
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

CONNECTIONS = 8

_RESERVE = 80
_EXAMPLES = 20


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
    def slow(self) -> bool:
        """Whether a death takes so long that most of the mails would have gone meanwhile: none is a kill."""
        return not {"random", *SENDING, *FREEZING}.issuperset(self.points)

    @property
    def delay(self) -> float:
        """The longest that the receiving server waits before and after it writes a mail down, in seconds."""
        return 0.15 if self.slow else 0.03

    @property
    def people(self) -> int:
        """So many that some are left after the last death: while one stands still the others go on sending."""
        return _RESERVE + self.kills * (250 if self.slow else 40)

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

    @property
    def broken(self) -> list[str]:
        """What it broke, in words: some examples of each invariant."""
        by_name: dict[str, list[str]] = {}
        for violation in self.violations:
            by_name.setdefault(violation.invariant, []).append(str(violation))
        return [words for found in by_name.values() for words in found[:_EXAMPLES]]


class NothingMet(AssertionError):
    """The deaths of a campaign met nothing on the wire: it has shown nothing."""


@dataclass(frozen=True)
class Stage:
    """A new site with its receiving server, and processes to be begun; `told` is what those write down."""

    plan: Plan
    app: App
    senders: Senders
    sink: SinkProcess
    told: Path
    began: float


@contextmanager
def stage(plan: Plan, folder: Path) -> Iterator[Stage]:
    """A stage in this empty folder, for the time of a `with` block."""
    began = time.monotonic()
    with SinkProcess(folder / "got.jsonl", delay=plan.delay, seed=plan.seed) as sink:
        config = new_site(folder / "site", smtp_port=sink.port, connections=CONNECTIONS, database_url=_hasty(plan.url))
        _set_policy(config, plan.policy)
        told = folder / "told.jsonl"
        with open_site(config) as app, Senders(config, told) as senders:
            yield Stage(plan, app, senders, sink, told, began)


def run(plan: Plan, folder: Path) -> Verdict:
    """Run the campaign in this empty folder. Raises NothingMet, and NoDeath if its point was never passed."""
    with stage(plan, folder) as on:
        people, edition = _an_edition(on.app, plan.people)
        chance = random.Random(plan.seed)
        life = Life(on.app, edition, chance)
        deaths = Deaths(
            on.app,
            on.senders,
            on.sink,
            lambda: evidence.read(on.told),
            plan.processes,
            chance,
            meanwhile=life.go_on,
            cluster=plan.cluster,
        )
        points = cycle(plan.points)
        while deaths.count < plan.kills:
            deaths.one(next(points))
        deaths.calm()
        if plan.cancel:
            on.app.editions.cancel(on.app.database, edition, on.app.clock())
        finish(on, edition)
        found = verdict(on, edition, people, life, kills=deaths.count, touched=deaths.touched)
    _met_something(found.row)
    return found


def verdict(
    on: Stage, edition: int, people: Iterable[str], life: Life, *, kills: int, touched: Collection[int]
) -> Verdict:
    """The judgement on what has been played; `people` are those to whom the edition should go."""
    plan, told = on.plan, evidence.read(on.told)
    history = evidence.history(
        on.app,
        edition,
        told,
        on.sink.received(),
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
        kills=kills,
        met=told.met(touched),
        uncertain=len(history.doubted),
        duplicates=len(history.duplicates),
        unmarked=len(history.unmarked),
        lost=len(history.lost),
        seconds=time.monotonic() - on.began,
    )
    return Verdict(row, judge(history), history)


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
    with small_batches():
        return people, app.editions.send_now(app.database, "weekly", "k", app.clock())


def finish(on: Stage, edition: int) -> None:
    """Nobody dies any more: the edition comes to its end, and the senders stop in order."""
    until(lambda: _over(on.app, edition), 60)
    for child in list(on.senders.alive):
        assert on.senders.end(child) == 0
    _alone(on.app)


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
