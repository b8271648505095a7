"""What the public site is made of, handed in from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syndicate.config import Config
from syndicate.database import Database
from syndicate.keys import SiteKeys
from syndicate.publishing.documents import Documents
from syndicate.signup import SignUp


@dataclass(frozen=True)
class PublicSite:
    """The parts behind the pages. `clock` gives aware UTC moments; `wake` tells the sender that a letter waits."""

    config: Config
    keys: SiteKeys
    database: Database
    signup: SignUp
    documents: Documents
    clock: Callable[[], datetime]
    wake: Callable[[], None]
