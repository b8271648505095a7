"""The session that one connection of a sender has with the relay, made anew when it is worn out or went stale."""

import time

from syndicate.mail.personal import Outgoing
from syndicate.mail.smtp import CROWDED, Connection, ConnectionLost, Reply
from syndicate.sender.terms import Terms


class Line:
    """Used by one thread; only `abort` may come from another."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._connection: Connection | None = None
        self._proven = False
        self.aborted = False

    @property
    def opened(self) -> float:
        """The monotonic second at which the session began."""
        return self._connection.opened if self._connection else time.monotonic()

    @property
    def proven(self) -> bool:
        """Whether there is a session in which the relay has answered to a mail."""
        connection = self._connection
        return self._proven and connection is not None and connection.usable

    def fit(self) -> bool:
        """Whether there is a session fit for one more mail; one that has served its time is ended."""
        connection, terms = self._connection, self._terms
        if connection is None:
            return False
        young = time.monotonic() - connection.opened < terms.seconds_per_connection
        if connection.usable and connection.sent < terms.messages_per_connection and young:
            return True
        self.close()
        return False

    def open(self) -> Connection:
        """Begin a session. Raises RelayDown."""
        connection = self._terms.relay.connect()
        self._connection, self._proven = connection, False
        if self.aborted:  # meanwhile: nothing may go over it
            connection.abort()
        return connection

    def deliver(self, mail: Outgoing) -> Reply:
        """Hand the mail over. A session that was used before and is found ended is replaced once.

        Raises ConnectionLost, and RelayDown where no other session could be had."""
        connection = self._connection
        if connection is None:
            raise ConnectionLost("no session", stage="mail", after_dot=False)
        used = connection.sent > 0
        try:
            reply = connection.deliver(mail.envelope_from, mail.to, *mail.parts, clean=mail.clean)
        except ConnectionLost as lost:
            if lost.after_dot or not used or self.aborted:
                raise
        else:
            ended = reply.code == 421 and reply.stage == "mail" and not CROWDED.search(reply.text)
            if not (used and ended) or self.aborted:
                self._proven = True
                return reply
        reply = self.open().deliver(mail.envelope_from, mail.to, *mail.parts, clean=mail.clean)
        self._proven = True
        return reply

    def close(self) -> None:
        """End the session politely, if there is one."""
        connection, self._connection, self._proven = self._connection, None, False
        if connection:
            connection.close()

    def drop(self) -> None:
        """End the session without another byte."""
        connection = self._connection
        if connection:
            connection.abort()

    def abort(self) -> None:
        """End it without another byte, whatever is on it, and let none begin. Safe from any thread."""
        self.aborted = True
        self.drop()
