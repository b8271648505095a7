"""The one row that belongs to the site as a whole."""

from datetime import date, datetime

from sqlalchemy import Date, String
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.models import UID_CHARACTERS, Base


class Site(Base):
    """Written when the site is created. The tag authority and date make feed ids that outlive names and hosts
    (RFC 4151). `revision` goes up in every transaction that changes what the public sees."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(UID_CHARACTERS))
    tag_authority: Mapped[str] = mapped_column(String(253))
    tag_date: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime]
    revision: Mapped[int]
