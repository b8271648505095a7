"""What the public site is made of, handed in from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from subscribers.stoplist import Stops
from syndicate.config import Config
from syndicate.database import Database
from syndicate.keys import SiteKeys
from syndicate.publishing.documents import Documents
from syndicate.signup import SignUp


@dataclass(frozen=True)
class PublicSite:
    """The parts behind the pages. `clock` gives aware UTC moments; `wake` tells the sender that a letter waits;
    `sender_fault` says why no mail can go, None while it can or is not this process's to send."""

    config: Config
    keys: SiteKeys
    database: Database
    signup: SignUp
    stops: Stops
    documents: Documents
    clock: Callable[[], datetime]
    wake: Callable[[], None]
    sender_fault: Callable[[], str | None]
