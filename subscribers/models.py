"""The tables of people and consent, and the declarative base that every table of the house stands on."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite gives its rowid only to a column of exactly this type.
Id = BigInteger().with_variant(Integer, "sqlite")

ADDRESS_CHARACTERS = 320
SLUG_CHARACTERS = 32
UID_CHARACTERS = 16


class Instant(TypeDecorator[datetime]):
    """An aware moment, always UTC: `timestamptz` on PostgreSQL, text in UTC on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone was about to be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """One metadata with one naming rule, so that migrations can name what they alter."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: dict[Any, Any] = {datetime: Instant, int: Id}


class Subscriber(Base):
    """A person with an address. State: `unconfirmed`, `confirmed` or `unsubscribed`."""

    __tablename__ = "subscriber"
    # An id must never be given twice, or an old link would act on somebody else.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(UID_CHARACTERS), unique=True)
    address: Mapped[str] = mapped_column(String(ADDRESS_CHARACTERS))
    address_hash: Mapped[str] = mapped_column(String(32), unique=True)
    state: Mapped[str] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(35))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class Subscription(Base):
    """A subscriber's wish for one digest. State: `asked`, `active` or `ended`; `since` is when it came to be so."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_digest_state_subscriber_id", "digest", "state", "subscriber_id"),)

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(SLUG_CHARACTERS), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    since: Mapped[datetime]


class ConsentEvent(Base):
    """Append-only proof: what was agreed to, when, how and in which words.

    Kinds: `asked`, `confirmed`, `imported`, `changed`, `unsubscribed`, `suppressed`. `way` says through which door
    (`form`, `command`, `one-click`, `page`, …); `network` is a truncated IP address, kept for a limited time.
    """

    __tablename__ = "consent_event"
    __table_args__ = (
        Index("ix_consent_event_subscriber_id", "subscriber_id"),
        Index("ix_consent_event_network_at", "network", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    kind: Mapped[str] = mapped_column(String(12))
    digest: Mapped[str | None] = mapped_column(String(SLUG_CHARACTERS))
    at: Mapped[datetime]
    way: Mapped[str] = mapped_column(String(16))
    words: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    network: Mapped[str | None] = mapped_column(String(43))


class Suppression(Base):
    """Never mail this address. Known by its keyed hash; the address itself is kept only while it may be."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    address: Mapped[str | None] = mapped_column(String(ADDRESS_CHARACTERS))
    reason: Mapped[str] = mapped_column(String(16))
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
