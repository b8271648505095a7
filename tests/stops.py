"""A stop list in memory, for tests that are about something else, or that look at what would be written."""

from subscribers.stoplist import Stop


class Kept(list[Stop]):
    """Keeps what it is given, in order."""

    def add(self, *stops: Stop) -> None:
        self.extend(stops)
