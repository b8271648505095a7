"""Digests as they were seen, their editions, the items of each and the composed variants."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import SLUG_CHARACTERS, UID_CHARACTERS, Base


class DigestRecord(Base):
    """When a digest of the configuration was first seen, and the last slot that was decided for it."""

    __tablename__ = "digest_record"

    slug: Mapped[str] = mapped_column(String(SLUG_CHARACTERS), primary_key=True)
    first_seen_at: Mapped[datetime]
    last_slot_at: Mapped[datetime | None]


class Edition(Base):
    """One mailing of a digest. States: `draft approved sending paused sent incomplete skipped cancelled held`.

    `key` is the slot time of a scheduled edition and a fresh id of any other; (digest, kind, key) is unique, so that a
    slot is decided once however often it is asked for. `mail_date` is the Date header of all its mails. `chosen` is
    how many recipients were frozen; while that is being done, in ranges, `frozen_to` is the id of the last subscriber
    who is through (0: it was given up, and what it left is to be removed). `reason` says why it was skipped or held.

    What an editor wrote: `note` and `subject` (None: as the template has it); `lead` is the clipping pinned to the top.
    `made_by` and `approved_by` are people as they named themselves; `corrects` is the edition a correction is of.
    `withdrawn` is a draft whose approval a person took back: no tick freezes it. `set_aside` are the ids of the
    clippings that one held as late had, in its order; they are free."""

    __tablename__ = "edition"
    __table_args__ = (
        UniqueConstraint("digest", "kind", "key"),
        Index("ix_edition_state", "state"),
        Index("ux_edition_digest_number", "digest", "number", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(UID_CHARACTERS), unique=True)
    digest: Mapped[str] = mapped_column(String(SLUG_CHARACTERS))
    kind: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(40))
    slot: Mapped[str | None] = mapped_column(String(16))
    slot_at: Mapped[datetime | None]
    number: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    hash: Mapped[str | None] = mapped_column(String(64))
    mail_date: Mapped[datetime | None]
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    frozen_to: Mapped[int | None]
    chosen: Mapped[int | None]
    subject: Mapped[str | None] = mapped_column(Text)
    lead: Mapped[str | None] = mapped_column(String(UID_CHARACTERS))
    made_by: Mapped[str | None] = mapped_column(Text)
    approved_by: Mapped[str | None] = mapped_column(Text)
    corrects: Mapped[int | None]
    withdrawn: Mapped[bool] = mapped_column(Boolean, default=False)
    set_aside: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class EditionItem(Base):
    """A clipping chosen for an edition. While `claims` is true no other edition of the digest may take it."""

    __tablename__ = "edition_item"
    __table_args__ = (
        ForeignKeyConstraint(["edition_id"], ["edition.id"]),
        Index(
            "ux_edition_item_claim",
            "digest",
            "clipping_id",
            unique=True,
            sqlite_where=text("claims"),
            postgresql_where=text("claims"),
        ),
    )

    edition_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(SLUG_CHARACTERS))
    clipping_id: Mapped[str] = mapped_column(ForeignKey("clipping.id"))
    section: Mapped[str] = mapped_column(String(SLUG_CHARACTERS))
    claims: Mapped[bool] = mapped_column(Boolean)


CLAIMED: Final = text("edition_item.claims")
"""That an item is claimed, in the words of the index of claims: SQLite uses a partial index for the same words only."""


class LeftOut(Base):
    """A clipping that was thought about for an edition and is not in it, with the reason in words."""

    __tablename__ = "left_out"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    clipping_id: Mapped[str] = mapped_column(ForeignKey("clipping.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)


class Variant(Base):
    """One composition of an edition, frozen: the bytes that are sent, cut into segments with slots. `fit` says what was
    given up to keep it below the size at which mail is clipped; None if nothing was."""

    __tablename__ = "variant"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(35), primary_key=True)
    composition: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[str] = mapped_column(String(64))
    fit: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
