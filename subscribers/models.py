"""The tables of people and consent, and the declarative base that every table of the house stands on."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
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
    """A person with an address. State: `unconfirmed`, `confirmed` or `unsubscribed`. The address of one who was erased,
    or of whom only the stop list knows, is "". Until `paused_until` no newsletter comes."""

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
    paused_until: Mapped[datetime | None]


class Subscription(Base):
    """A subscriber's wish for one digest. State: `asked`, `active` or `ended`; `since` is when it came to be so. One
    that was asked whether they still want it has until `answer_by`; then it ends."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_digest_state_subscriber_id", "digest", "state", "subscriber_id"),)

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(SLUG_CHARACTERS), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    since: Mapped[datetime]
    answer_by: Mapped[datetime | None]


class ConsentEvent(Base):
    """Append-only proof: what was agreed to, when, how and in which words.

    Kinds: `asked`, `confirmed`, `imported`, `changed`, `unsubscribed`, `bounced`, `complained`, `suppressed`, `erased`.
    `way` says through which door (`form`, `command`, `one-click`, `page`, …) and `form` which form it was; `network` is
    a truncated IP address, kept for a limited time.
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
    form: Mapped[str | None] = mapped_column(String(32))
    network: Mapped[str | None] = mapped_column(String(43))


class Suppression(Base):
    """Never mail this address. Known by its keyed hash; the address itself is kept only while it may be."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    address: Mapped[str | None] = mapped_column(String(ADDRESS_CHARACTERS))
    reason: Mapped[str] = mapped_column(String(16))
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class StopMark(Base):
    """How far (`bytes`) this database has taken in the stop list of this id."""

    __tablename__ = "stop_mark"

    list_uid: Mapped[str] = mapped_column(String(UID_CHARACTERS), primary_key=True)
    bytes: Mapped[int]


class Confirmation(Base):
    """One confirmation mail that was asked for: what the budgets count. The domain and the network are kept for a
    limited time; the keyed hash stays, for there is a limit of mails without a click."""

    __tablename__ = "confirmation"
    __table_args__ = (
        Index("ix_confirmation_address_hash_at", "address_hash", "at"),
        Index("ix_confirmation_domain_at", "domain", "at"),
        Index("ix_confirmation_network_at", "network", "at"),
        Index("ix_confirmation_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(32))
    domain: Mapped[str | None] = mapped_column(String(253))
    network: Mapped[str | None] = mapped_column(String(43))
    at: Mapped[datetime]


class SignUpGate(Base):
    """The one row (id 1) of the sign-up form's door: closed until this moment, for this reason."""

    __tablename__ = "sign_up_gate"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    closed_at: Mapped[datetime | None]
    closed_until: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)


class AddressChange(Base):
    """A subscriber's wish for another address: done once both ends have agreed."""

    __tablename__ = "address_change"
    __table_args__ = (
        Index("ix_address_change_subscriber_id", "subscriber_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(UID_CHARACTERS), unique=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    address: Mapped[str] = mapped_column(String(ADDRESS_CHARACTERS))
    address_hash: Mapped[str] = mapped_column(String(32))
    asked_at: Mapped[datetime]
    old_agreed_at: Mapped[datetime | None]
    new_agreed_at: Mapped[datetime | None]


class BounceScore(Base):
    """How often mail to this address was refused lately: `score` as it was `at`; it decays."""

    __tablename__ = "bounce_score"

    address_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    score: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime]


class ImportRun(Base):
    """One file that is or was imported, by the hash of its bytes and of what was asked of it: rows up to `position` are
    done, so that it goes on there."""

    __tablename__ = "import_run"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    position: Mapped[int]
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
