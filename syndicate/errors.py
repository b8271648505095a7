"""The error family of the upper floor: each error is one clear line that says what and what to do."""


class SyndicateError(Exception):
    """Something asked for failed. `str(error)` is one line for a person; the command line exits with `status`."""

    status = 1


class NotFound(SyndicateError):
    """There is nothing of this id, slug or address."""


class Refused(SyndicateError):
    """The state of the thing forbids what was asked (sending what is sent, publishing what is retracted)."""


class UsageError(SyndicateError):
    """The request itself is malformed: an address, a date, a setting."""

    status = 2
