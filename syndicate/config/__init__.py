"""The configuration of a site: config.toml read once, typed, checked whole, passed down; never written.

`load(path)` gives a frozen Config or raises ConfigError with every fault; `warnings(config)` says what is still an
example.

Rooms, in the order in which a file passes them: `reading` (the way through all of them), `environment` (what variables
set), `defaults` (what follows from other settings), `settings` and `tables` (the typed values; a new setting goes into
`tables`), `kinds` and `texts` (what one value may be), `checks` (rules between values), `wording` (pydantic's errors in
our words), `faults` (what is wrong, and on which line).
"""

from syndicate.config.checks import warnings
from syndicate.config.faults import ConfigError, Fault
from syndicate.config.reading import example_path, load
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
from syndicate.config.texts import split_sender

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
