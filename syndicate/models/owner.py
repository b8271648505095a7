"""Who is sending now, and what is on each of their connections."""

from datetime import datetime

from sqlalchemy import Float, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import UID_CHARACTERS, Base


class Owner(Base):
    """A sender process. `lease_until` is in seconds since 1970 by the database's own clock.

    The row is the fence: who cannot update it is no owner any more and must not send another byte."""

    __tablename__ = "owner"

    id: Mapped[str] = mapped_column(String(UID_CHARACTERS), primary_key=True)
    lease_until: Mapped[float] = mapped_column(Float(53))
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
    """How the relay last behaved: `ok` or `down`, with the error in words."""

    __tablename__ = "relay"

    name: Mapped[str] = mapped_column(String(320), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    last_error: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
