"""Every mail that leaves has a row here: deliveries in batches, and letters."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import ADDRESS_CHARACTERS, UID_CHARACTERS, Base


class Batch(Base):
    """Some 500 deliveries of an edition, claimed together by one owner. Work is found here, never in `delivery`."""

    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_owner", "owner"),
        Index("ix_batch_done_next_try_at", "done", "next_try_at"),
    )

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(String(UID_CHARACTERS))
    done: Mapped[bool] = mapped_column(Boolean)
    next_try_at: Mapped[datetime]


class Delivery(Base):
    """One edition to one subscriber. States: `queued accepted rejected skipped expired uncertain unknown`."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("edition_id", "subscriber_id"),
        Index("ix_delivery_subscriber_id", "subscriber_id"),
    )

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    address: Mapped[str] = mapped_column(String(ADDRESS_CHARACTERS))
    language: Mapped[str] = mapped_column(String(35))
    state: Mapped[str] = mapped_column(String(10))
    attempt: Mapped[int]
    next_try_at: Mapped[datetime | None]
    code: Mapped[int | None]
    reply: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime | None]


class Letter(Base):
    """One mail outside any edition: confirm, notice, … States as of a delivery. `params` holds no secret.

    `at` is the moment of the last outcome, `asked_at` when it was asked for: the Date of every attempt."""

    __tablename__ = "letter"
    __table_args__ = (
        Index("ix_letter_state_next_try_at", "state", "next_try_at"),
        Index("ix_letter_address_hash_asked_at", "address_hash", "asked_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(UID_CHARACTERS), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(String(ADDRESS_CHARACTERS))
    address_hash: Mapped[str] = mapped_column(String(32))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"))
    language: Mapped[str] = mapped_column(String(35))
    params: Mapped[dict[str, object]] = mapped_column(JSON)
    owner: Mapped[str | None] = mapped_column(String(UID_CHARACTERS))
    state: Mapped[str] = mapped_column(String(10))
    attempt: Mapped[int]
    next_try_at: Mapped[datetime | None]
    code: Mapped[int | None]
    reply: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
    at: Mapped[datetime | None]
