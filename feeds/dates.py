"""Moments as feeds write them: in UTC, whole seconds, without asking the process for its language."""

from datetime import UTC, datetime
from email.utils import format_datetime


def rfc822(moment: datetime) -> str:
    """`moment` as RSS wants it (RFC 822 with a four-digit year): "Thu, 26 Nov 2026 09:00:00 GMT".

    Raises ValueError for a datetime without a zone.
    """
    return format_datetime(_whole_utc(moment), usegmt=True)


def rfc3339(moment: datetime) -> str:
    """`moment` as Atom and JSON Feed want it (RFC 3339): "2026-11-26T09:00:00Z".

    Raises ValueError for a datetime without a zone.
    """
    return _whole_utc(moment).replace(tzinfo=None).isoformat() + "Z"


def is_aware(moment: datetime) -> bool:
    """Whether `moment` names an instant: a zone that gives no offset does not count."""
    return moment.utcoffset() is not None


def _whole_utc(moment: datetime) -> datetime:
    if not is_aware(moment):
        raise ValueError(f"{moment!r} has no time zone: pass an aware datetime")
    return moment.astimezone(UTC).replace(microsecond=0)
