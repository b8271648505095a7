"""Calls for support, shown on pages and in digests while they run."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import Base


class Appeal(Base):
    """One appeal: what it says and where it leads. It runs from `starts_at` until `ends_at`, or until it is ended."""

    __tablename__ = "appeal"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
