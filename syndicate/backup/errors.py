"""What can be wrong with a backup, or in the way of one."""

from syndicate.errors import SyndicateError


class BackupFault(SyndicateError):
    """The backup cannot be made, read or put back; the database is as it was."""
