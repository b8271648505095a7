"""Who is sending now, what is on each of their connections, and how the relay does."""

from datetime import datetime

from sqlalchemy import Float, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import UID_CHARACTERS, Base


class Owner(Base):
    """A sender process. `lease_until` and `seen` (its last heartbeat) are in seconds since 1970 by the database's own
    clock; `rate` is how many mails a second it settled lately; `beat` goes up in each of its transactions.

    The row is the fence: who cannot update it is no owner any more and must not send another byte."""

    __tablename__ = "owner"

    id: Mapped[str] = mapped_column(String(UID_CHARACTERS), primary_key=True)
    lease_until: Mapped[float] = mapped_column(Float(53))
    seen: Mapped[float] = mapped_column(Float(53))
    rate: Mapped[float] = mapped_column(Float(53), default=0.0)
    beat: Mapped[int]
    host: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(32))
    connections: Mapped[int]


class Slot(Base):
    """What is on one open SMTP connection: a delivery (edition, batch, seq) or a letter.

    Committed before its DATA, so that a crash leaves no more unknowns than there were connections."""

    __tablename__ = "slot"

    owner: Mapped[str] = mapped_column(ForeignKey("owner.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    edition_id: Mapped[int | None]
    batch: Mapped[int | None]
    seq: Mapped[int | None]
    letter_id: Mapped[int | None]
    attempt: Mapped[int]
    since: Mapped[datetime]


class RelayRecord(Base):
    """How the relay does, for all sender processes; moments are in seconds since 1970 by the database's own clock.

    State: `ok`; `down` (its breaker is open until `open_until`, then one process may try: `probe_by`); `busy` (it asked
    us to slow down, until `open_until`); `stopped` (it refuses the login `login`, a keyed hash, until a person acts).
    `failures` counts those in a row. `tat` is the theoretical arrival time of the rate limit (GCRA), `day` and
    `day_count` are what the daily quota has given out."""

    __tablename__ = "relay"

    name: Mapped[str] = mapped_column(String(320), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    last_error: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[float] = mapped_column(Float(53), default=0.0)
    probe_by: Mapped[str | None] = mapped_column(String(UID_CHARACTERS))
    probe_until: Mapped[float] = mapped_column(Float(53), default=0.0)
    login: Mapped[str | None] = mapped_column(String(32))
    tat: Mapped[float] = mapped_column(Float(53), default=0.0)
    day: Mapped[str | None] = mapped_column(String(10))
    day_count: Mapped[int] = mapped_column(default=0)


class DomainPace(Base):
    """How fast one receiving domain takes mail from us by way of a relay: the rate limit of the domain (`tat`, GCRA)
    and the rate learned from its answers, in mails a second since `changed_at` (the database's clock)."""

    __tablename__ = "domain_pace"

    relay: Mapped[str] = mapped_column(String(320), primary_key=True)
    domain: Mapped[str] = mapped_column(String(253), primary_key=True)
    tat: Mapped[float] = mapped_column(Float(53))
    rate: Mapped[float] = mapped_column(Float(53))
    changed_at: Mapped[float] = mapped_column(Float(53))
