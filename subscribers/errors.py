"""The error family of this package: each error is one clear line that says what and what to do."""


class SubscriberError(Exception):
    """Something asked for failed. `str(error)` is one line for a person; a command exits with `status`."""

    status = 1


class InvalidAddress(SubscriberError):
    """The text is no address that we can mail. `text` is what was given."""

    status = 2

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        super().__init__(f"{shown!r} is no address we can mail: {' '.join(reason.split())}")


class UnknownSubscriber(SubscriberError):
    """There is no subscriber of this id or address."""


class NotConfirmed(SubscriberError):
    """Only a confirmed subscriber may do this; `state` is what the subscriber is."""

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(f"this subscriber is {state}: subscribe and confirm first")


class Suppressed(SubscriberError):
    """The address must not be mailed; `reason` is why."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"{address} is suppressed ({reason}): it is not added; lift the suppression first")


class HasLeft(SubscriberError):
    """A person who left comes back by asking and confirming only. `digests` are what they left, or () for all."""

    def __init__(self, address: str, digests: tuple[str, ...] = ()) -> None:
        self.address, self.digests = address, digests
        left = f"has left {', '.join(digests)}" if digests else "is unsubscribed"
        super().__init__(f"{address} {left}: not added, for only they can come back; send them a confirmation instead")
