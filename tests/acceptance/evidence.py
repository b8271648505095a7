"""Gathers the history of a run: what the senders wrote down, what the receiving server has, and the ledger's end."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from acceptance.history import Account, Copy, Doubt, Grant, History, Leave, Rate
from sqlalchemy import select

from syndicate.app.parts import App
from syndicate.editions.report import report
from syndicate.models import Delivery, Letter


@dataclass(frozen=True)
class Told:
    """What the sender processes wrote down. `pids` gives the process of each owner."""

    grants: tuple[Grant, ...]
    doubts: tuple[Doubt, ...]
    owners: dict[str, int]
    pids: dict[str, int]
    retired: dict[str, float]

    def met(self, killed: Iterable[int]) -> int:
        """How many occupied slots the deaths of these processes left behind."""
        dead = set(killed)
        return sum(len(doubt.names) for doubt in self.doubts if doubt.slots and self.pids.get(doubt.owner) in dead)


def read(file: Path) -> Told:
    """The file that `sender_process` appends to."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    born = [line for line in lines if line["kind"] == "born"]
    named: dict[str, set[str]] = {}
    for line in lines:
        if line["kind"] == "retiring":
            # Said before its commit, perhaps by several who died in it: the slots of a dead owner stay the same.
            named.setdefault(line["owner"], set()).update(line["names"])
    left = [Doubt(owner, frozenset(names)) for owner, names in named.items() if names]
    settled = [line for line in lines if line["kind"] == "settled" and line["state"] == "uncertain"]
    return Told(
        grants=tuple(_grant(line) for line in lines if line["kind"] == "granted"),
        doubts=(*left, *(Doubt(line["owner"], frozenset({line["to"]}), slots=False) for line in settled)),
        owners={line["owner"]: line["connections"] for line in born},
        pids={line["owner"]: line["pid"] for line in born},
        retired={line["owner"]: line["at"] for line in lines if line["kind"] == "retired"},
    )


def _grant(line: dict[str, Any]) -> Grant:
    return Grant(line["owner"], line["to"], line["asked"], line["at"])


def history(
    app: App,
    edition: int,
    told: Told,
    received: Iterable[dict[str, Any]],
    *,
    policy: Literal["hold", "resend"],
    expected: Iterable[str],
    asked: Iterable[str] = (),
    leaves: Iterable[Leave] = (),
    limit: Rate | None = None,
) -> History:
    """Everything joined, with the ledger as it stands now."""
    with app.database.read() as session:
        states = session.execute(select(Delivery.address, Delivery.state).where(Delivery.edition_id == edition))
        letters = session.execute(select(Letter.address, Letter.state))
        account = report(session, edition)
        counts = account.counts
        return History(
            policy=policy,
            expected=frozenset(expected),
            states=dict(states.tuples().all()),
            account=Account(account.state, counts.chosen, {state: getattr(counts, state) for state in _STATES}),
            copies=tuple(Copy(row["to"], row["message_id"], row["at"]) for row in received),
            grants=told.grants,
            doubts=told.doubts,
            leaves=tuple(leaves),
            owners=told.owners,
            retired=told.retired,
            asked=frozenset(asked),
            letters=dict(letters.tuples().all()),
            limit=limit,
        )


_STATES = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
