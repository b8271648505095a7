"""The error family of the package: what makes a document impossible, said in one line."""


class FeedError(Exception):
    """A feed or an entry cannot be published as it is. `str(error)` is one line that says what to change."""
