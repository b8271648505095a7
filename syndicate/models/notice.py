"""Notices to the operator that were given."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import Base


class Notice(Base):
    """What was told, by a key that names the occasion ("edition 7 waits"): each occasion is told once."""

    __tablename__ = "notice"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]
