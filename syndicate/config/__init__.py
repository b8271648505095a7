"""The configuration of a site: config.toml read once, typed, checked whole, passed down; never written.

`load(path)` gives a frozen Config or raises ConfigError with every fault; `warnings(config)` says what is still an
example.
"""

from syndicate.config.cautions import warnings
from syndicate.config.example import example_path
from syndicate.config.faults import ConfigError, Fault
from syndicate.config.names import split_sender
from syndicate.config.reading import load
from syndicate.config.settings import Config
from syndicate.config.tables import (
    Bounces,
    Budgets,
    Database,
    Desk,
    Digest,
    Dkim,
    DkimKey,
    FeedSettings,
    Mail,
    Operator,
    Partner,
    PartnerLink,
    Privacy,
    Section,
    Sending,
    Site,
    Smtp,
    Web,
)

__all__ = [
    "Bounces",
    "Budgets",
    "Config",
    "ConfigError",
    "Database",
    "Desk",
    "Digest",
    "Dkim",
    "DkimKey",
    "Fault",
    "FeedSettings",
    "Mail",
    "Operator",
    "Partner",
    "PartnerLink",
    "Privacy",
    "Section",
    "Sending",
    "Site",
    "Smtp",
    "Web",
    "example_path",
    "load",
    "split_sender",
    "warnings",
]
