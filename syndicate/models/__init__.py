"""The tables of the upper floor, one file per noun. Importing this package makes them all known to `Base.metadata`."""

from subscribers.models import Base
from syndicate.models.appeal import Appeal
from syndicate.models.clipping import Clipping
from syndicate.models.edition import CLAIMED, DigestRecord, Edition, EditionItem, LeftOut, Variant
from syndicate.models.notice import Notice
from syndicate.models.outbox import Batch, Delivery, Letter, Outbox
from syndicate.models.owner import DomainPace, Owner, RelayRecord, Slot
from syndicate.models.site import Site

__all__ = [
    "CLAIMED",
    "Appeal",
    "Base",
    "Batch",
    "Clipping",
    "Delivery",
    "DigestRecord",
    "DomainPace",
    "Edition",
    "EditionItem",
    "LeftOut",
    "Letter",
    "Notice",
    "Outbox",
    "Owner",
    "RelayRecord",
    "Site",
    "Slot",
    "Variant",
]
