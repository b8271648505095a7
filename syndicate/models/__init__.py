"""The tables of the upper floor, one file per noun. Importing this package makes them all known to `Base.metadata`."""

from subscribers.models import Base
from syndicate.models.clipping import Clipping
from syndicate.models.edition import DigestRecord, Edition, EditionItem, Variant
from syndicate.models.outbox import Batch, Delivery, Letter, Outbox
from syndicate.models.owner import DomainPace, Owner, RelayRecord, Slot
from syndicate.models.site import Site

__all__ = [
    "Base",
    "Batch",
    "Clipping",
    "Delivery",
    "DigestRecord",
    "DomainPace",
    "Edition",
    "EditionItem",
    "Letter",
    "Outbox",
    "Owner",
    "RelayRecord",
    "Site",
    "Slot",
    "Variant",
]
