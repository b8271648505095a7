"""Why a sender stops."""

from syndicate.errors import SyndicateError


class SenderEnded(SyndicateError):
    """This sender may not send any more: it was told to stop, lost its lease, or could not write its ledger."""


class Fenced(SenderEnded):
    """Another process has taken this sender for dead and has settled its slots."""

    def __init__(self) -> None:
        super().__init__("this sender's lease was taken over by another process: it sends nothing more")


class AnotherSender(SyndicateError):
    """On SQLite one process sends, and it is not this one."""
