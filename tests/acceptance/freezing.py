"""Deaths of a process that freezes the recipients of an edition, range by range; the next one goes on."""

import random
import time
from pathlib import Path

from acceptance.campaign import NothingMet, Plan, Stage, Verdict, finish, stage, verdict
from acceptance.history import Leave
from acceptance.life import Life
from acceptance.sender_process import RANGE
from acceptance.sites import publish_one, readers
from sqlalchemy import select
from stops import Kept

from subscribers import consent
from subscribers.models import Subscriber
from syndicate.models import Delivery, Edition

_RANGES_A_DEATH = 3


def run(plan: Plan, folder: Path) -> Verdict:
    """Let the freezing of one edition die as often as planned, then send it. Raises NothingMet if no death fell between
    the first range and the last. Meanwhile one person leaves after each death: they must not be mailed."""
    with stage(plan, folder) as on:
        people = readers(on.app, RANGE * _RANGES_A_DEATH * (plan.kills + 1))
        publish_one(on.app, "What a pardon takes")
        edition = on.app.editions.draft_now(on.app.database, "weekly", "k", on.app.clock(), send=True)
        chance = random.Random(plan.seed)
        life = Life(on.app, edition, chance)
        halfway = sum(_die(on, edition, life, people, chance) for _ in range(plan.kills))
        if not halfway:
            raise NothingMet(f"no death left a part of the recipients: {plan}")
        assert on.senders.wait(on.senders.begin(work="tick")) == 0
        on.senders.begin()
        finish(on, edition)
        gone = {leave.who for leave in life.leaves} - _rows(on, edition)
        return verdict(on, edition, set(people) - gone, life, kills=plan.kills, touched=())


def _die(on: Stage, edition: int, life: Life, people: list[str], chance: random.Random) -> bool:
    """One death, after which somebody leaves; whether it fell in the middle."""
    (point,) = on.plan.points
    on.senders.begin(work="tick", point=point, left=chance.randint(2, _RANGES_A_DEATH))
    on.senders.next_death()
    there = _rows(on, edition)
    with on.app.database.read() as session:
        state, chosen = session.execute(select(Edition.state, Edition.chosen).where(Edition.id == edition)).one()
    assert (state, chosen) == ("approved", None), f"{state} with {len(there)} of {len(people)} recipients"
    _leave(on, life, chance.choice(people))
    return 0 < len(there) < len(people)


def _rows(on: Stage, edition: int) -> set[str]:
    with on.app.database.read() as session:
        return set(session.scalars(select(Delivery.address).where(Delivery.edition_id == edition)).all())


def _leave(on: Stage, life: Life, who: str) -> None:
    with on.app.database.write() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.address == who)).one()
        consent.unsubscribe(session, person.id, "weekly", way="link", stops=Kept(), now=on.app.clock())
    life.leaves.append(Leave(who, time.monotonic()))
