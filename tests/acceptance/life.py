"""What goes on in a site while its senders die: people leave and ask, an edition is paused and goes on."""

import random
import time
from dataclasses import dataclass, field

from acceptance.history import Leave
from sqlalchemy import select
from stops import Kept

from subscribers import consent, suppression
from subscribers.models import Subscriber
from syndicate.app.parts import App
from syndicate.models import Delivery


@dataclass
class Life:
    """`leaves` are those who may not be mailed any more, `asked` those who asked for a letter."""

    app: App
    edition: int
    chance: random.Random
    leaves: list[Leave] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go_on(self) -> None:
        """One asks for a letter, one leaves and one is suppressed, both about to get their mail; at times a pause."""
        self._ask()
        for who, way in zip(self._next_ones(2), ("leave", "suppress"), strict=False):
            self._away(who, way)
        if self.chance.random() < 0.3:
            self._pause()

    def _ask(self) -> None:
        address = f"newcomer{len(self.asked):04}@example.net"
        with self.app.database.write() as session:
            self.app.signup.ask(session, address, ["weekly"], way="form", words="yes", now=self.app.clock())
        self.asked.append(address)

    def _next_ones(self, number: int) -> list[str]:
        gone = {leave.who for leave in self.leaves}
        with self.app.database.read() as session:
            waiting = session.scalars(
                select(Delivery.address)
                .where(Delivery.edition_id == self.edition, Delivery.state == "queued")
                .order_by(Delivery.batch, Delivery.seq)
                .limit(30 + len(gone))
            ).all()
        ready = [address for address in waiting if address not in gone]
        return self.chance.sample(ready, min(number, len(ready)))

    def _away(self, who: str, way: str) -> None:
        now = self.app.clock()
        with self.app.database.write() as session:
            person = session.scalars(select(Subscriber).where(Subscriber.address == who)).one()
            if way == "leave":
                consent.unsubscribe(session, person.id, "weekly", way="link", stops=Kept(), now=now)
            else:
                suppression.suppress(session, person.address_hash, address=who, reason="by-hand", stops=Kept(), now=now)
        self.leaves.append(Leave(who, time.monotonic()))

    def _pause(self) -> None:
        app = self.app
        app.editions.pause(app.database, self.edition, app.clock())
        time.sleep(self.chance.uniform(0, 0.05))
        app.editions.resume(app.database, self.edition, app.clock())
