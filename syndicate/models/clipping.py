"""A news item kept by us."""

from datetime import datetime

from sqlalchemy import Boolean, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import SLUG_CHARACTERS, UID_CHARACTERS, Base


class Clipping(Base):
    """State: `draft`, `published` or `retracted`. `dateline` is "2009", "2009-03" or "2009-03-14": its length is its
    precision. `rights`: `summary` (the body is for search only), `full` (with the reason) or `link`.
    `published_at` is the moment of publishing (of import, if archival); `updated_at` has whole seconds and is distinct
    among clippings that are not archival, as feeds want it. `correction` says in words what was corrected last, and
    `corrected_at` when. `fingerprint` makes the same saved page one clipping."""

    __tablename__ = "clipping"
    __table_args__ = (
        Index("ix_clipping_section_state_published_at", "section", "state", "published_at"),
        Index("ix_clipping_state_archival_published_at", "state", "archival", "published_at"),
        Index("ix_clipping_state_dateline", "state", "dateline"),
        Index("ix_clipping_updated_at", "updated_at"),
    )

    id: Mapped[str] = mapped_column(String(UID_CHARACTERS), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    archival: Mapped[bool] = mapped_column(Boolean)
    never_mail: Mapped[bool] = mapped_column(Boolean)
    section: Mapped[str] = mapped_column(String(SLUG_CHARACTERS))
    headline: Mapped[str] = mapped_column(Text)
    deck: Mapped[str | None] = mapped_column(Text)
    byline: Mapped[str | None] = mapped_column(Text)
    publication: Mapped[str | None] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(Text)
    dateline: Mapped[str | None] = mapped_column(String(10))
    link: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    rights: Mapped[str] = mapped_column(String(8))
    rights_reason: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    retracted_at: Mapped[datetime | None]
    corrected_at: Mapped[datetime | None]
    correction: Mapped[str | None] = mapped_column(Text)
