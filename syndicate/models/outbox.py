"""Every mail that leaves has a row here: deliveries in batches, and letters; and the one row on the outbox itself."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import ADDRESS_CHARACTERS, UID_CHARACTERS, Base


class Outbox(Base):
    """The one row (id 1) on the outbox as a whole. While `held_at` is set nothing is claimed and nothing may go.

    `commits` and the `beat` of all owners add up to a number that goes up in every transaction of a sender, and never
    down: a database that shows less than was seen before is an older copy."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    commits: Mapped[int]
    held_at: Mapped[datetime | None]
    held_reason: Mapped[str | None] = mapped_column(Text)


class Batch(Base):
    """Some 500 deliveries of an edition, claimed together by one owner. Work is found here, never in `delivery`.

    `size` is how many deliveries it holds. The seven counts say how they stood when the batch was last given back;
    they are true while nobody owns it, so that an edition's account needs no look at every delivery."""

    __tablename__ = "batch"
    __table_args__ = (
        Index(
            "ix_batch_owner",
            "owner",
            sqlite_where=text("owner IS NOT NULL"),
            postgresql_where=text("owner IS NOT NULL"),
        ),
        Index(
            "ix_batch_claimable",
            "edition_id",
            "batch",
            sqlite_where=text("owner IS NULL AND NOT done"),
            postgresql_where=text("owner IS NULL AND NOT done"),
        ),
    )

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(String(UID_CHARACTERS))
    done: Mapped[bool] = mapped_column(Boolean)
    next_try_at: Mapped[datetime]
    size: Mapped[int]
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    expired: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    uncertain: Mapped[int] = mapped_column(default=0)
    queued: Mapped[int]


class Delivery(Base):
    """One edition to one subscriber. States: `queued accepted rejected skipped expired uncertain unknown`.

    `cause` says what a rejected one was refused for: `address`, `mailbox`, `content`, `policy` or `other`."""

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
    cause: Mapped[str | None] = mapped_column(String(10))
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
    cause: Mapped[str | None] = mapped_column(String(10))
    asked_at: Mapped[datetime]
    at: Mapped[datetime | None]
