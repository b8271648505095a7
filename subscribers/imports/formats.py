"""What the exports of other programs look like: one entry each, with the page where its columns are described.

A column's name is compared without case, and with spaces for `_`, `-` and dots. Whatever is not named here is not taken
over: names, tags, notes, ratings, places, opens and clicks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Field = Literal[
    "address",
    "state",
    "digests",
    "language",
    "consented_at",
    "left_at",
    "asked",
    "left",
    "since",
    "suppressed",
    "paused_until",
    "answer_by",
]

Said = Literal["active", "left", "hard-bounce", "complaint", "by-hand", "pending"]
"""What a file says of a person: a subscriber; somebody who left; an address that must not be mailed, with the reason;
somebody who never confirmed."""


@dataclass(frozen=True)
class Format:
    """One export. `signs` are columns that together only it has; `fields` say what the others mean, the better one
    first where two mean the same; `states` what the values of the column of states mean. A header with a column of
    `whole` says so of every row, and so does a file whose name begins like one of `names`. `left_by_time`: a moment of
    leaving means that they left, whatever the state says."""

    name: str
    title: str
    described: str
    signs: frozenset[str]
    fields: Mapping[str, Field]
    states: Mapping[str, Said] = field(default_factory=dict)
    whole: Mapping[str, Said] = field(default_factory=dict)
    names: Mapping[str, Said] = field(default_factory=dict)
    left_by_time: bool = False


def normal(name: str) -> str:
    """The name of a column, or the value of a state, as it is compared."""
    return re.sub(r"[\s_.-]+", " ", name).strip().casefold()


SYNDICATE = Format(
    name="syndicate",
    title="Syndicate",
    described="docs/moving-here.md",
    signs=frozenset({"address", "state", "digests", "asked", "left", "since", "suppressed"}),
    fields={
        "address": "address",
        "state": "state",
        "language": "language",
        "digests": "digests",
        "asked": "asked",
        "left": "left",
        "since": "since",
        "suppressed": "suppressed",
        "paused until": "paused_until",
        "answer by": "answer_by",
    },
)

MAILCHIMP = Format(
    name="mailchimp",
    title="Mailchimp",
    # The columns in capitals are added by the export itself: https://mailchimp.com/help/view-export-contacts/ ; the
    # archive has one file for each state: https://mailchimp.com/help/about-cleaned-contacts/
    described="https://mailchimp.com/help/view-export-contacts/",
    signs=frozenset({"email address", "optin time", "leid"}),
    fields={
        "email address": "address",
        "status": "state",
        "confirm time": "consented_at",
        "optin time": "consented_at",
        "unsub time": "left_at",
        "clean time": "left_at",
    },
    states={
        "subscribed": "active",
        "unsubscribed": "left",
        "cleaned": "hard-bounce",
        "nonsubscribed": "pending",
        "non subscribed": "pending",
        "transactional": "pending",
        "pending": "pending",
        "archived": "pending",
    },
    whole={"unsub time": "left", "clean time": "hard-bounce"},
    names={
        "unsubscribed": "left",
        "cleaned": "hard-bounce",
        "nonsubscribed": "pending",
        "non-subscribed": "pending",
        "transactional": "pending",
    },
)

LISTMONK = Format(
    name="listmonk",
    title="listmonk",
    # The states: https://listmonk.app/docs/concepts/#subscriber
    described="https://listmonk.app/docs/concepts/",
    signs=frozenset({"uuid", "email", "attributes", "status", "created at"}),
    fields={"email": "address", "status": "state", "created at": "consented_at", "updated at": "left_at"},
    states={"enabled": "active", "disabled": "left", "blocklisted": "by-hand"},
)

GHOST = Format(
    name="ghost",
    title="Ghost",
    described="https://ghost.org/help/import-members/",
    signs=frozenset({"email", "subscribed to emails", "complimentary plan"}),
    fields={
        "email": "address",
        "subscribed to emails": "state",
        "created at": "consented_at",
        "deleted at": "left_at",
    },
    states={"true": "active", "false": "left"},
    left_by_time=True,
)

SUBSTACK = Format(
    name="substack",
    title="Substack",
    # `active_subscription` is about paying; who does not want mail has `email_disabled`.
    described="https://support.substack.com/hc/en-us/articles/360058529871",
    signs=frozenset({"email", "active subscription", "email disabled"}),
    fields={"email": "address", "email disabled": "state", "created at": "consented_at"},
    states={"false": "active", "": "active", "true": "left"},
)

BUTTONDOWN = Format(
    name="buttondown",
    title="Buttondown",
    # The columns are those of the API, which once had other names; the types: docs.buttondown.com/api-subscribers-type
    described="https://docs.buttondown.com/api-subscribers-introduction",
    signs=frozenset({"creation date", "tags", "notes"}),
    fields={
        "email address": "address",
        "email": "address",
        "type": "state",
        "subscriber type": "state",
        "creation date": "consented_at",
        "unsubscription date": "left_at",
    },
    states={
        "regular": "active",
        "premium": "active",
        "gifted": "active",
        "trialed": "active",
        "unpaid": "active",
        "churning": "active",
        "churned": "active",
        "paused": "active",
        "past due": "active",
        "unactivated": "pending",
        "unsubscribed": "left",
        "removed": "left",
        "undeliverable": "hard-bounce",
        "complained": "complaint",
        "blocked": "by-hand",
        "disabled": "by-hand",
        "spammy": "by-hand",
        "malicious": "by-hand",
        "upcoming": "pending",
    },
)

MAILMAN = Format(
    name="mailman",
    title="Mailman 2 or 3",
    # `list_members` and `mailman members` write a roster: an address a line, or `Anne Person <anne@example.com>`.
    described="https://docs.mailman3.org/projects/mailman/en/latest/src/mailman/commands/docs/members.html",
    signs=frozenset(),
    fields={},
)

PLAIN = Format(
    name="plain",
    title="a table",
    described="docs/moving-here.md",
    signs=frozenset(),
    fields={
        "email address": "address",
        "e mail address": "address",
        "email": "address",
        "e mail": "address",
        "mail": "address",
        "correo electrónico": "address",
        "correo": "address",
        "address": "address",
        "status": "state",
        "state": "state",
        "digests": "digests",
        "digest": "digests",
        "language": "language",
        "consented at": "consented_at",
        "confirmed at": "consented_at",
        "subscribed at": "consented_at",
        "unsubscribed at": "left_at",
    },
    states={
        "active": "active",
        "subscribed": "active",
        "confirmed": "active",
        "enabled": "active",
        "unsubscribed": "left",
        "inactive": "left",
        "disabled": "left",
        "left": "left",
        "removed": "left",
        "deleted": "left",
        "bounced": "hard-bounce",
        "cleaned": "hard-bounce",
        "undeliverable": "hard-bounce",
        "complained": "complaint",
        "spam": "complaint",
        "blocked": "by-hand",
        "blocklisted": "by-hand",
        "suppressed": "by-hand",
        "pending": "pending",
        "unconfirmed": "pending",
    },
    left_by_time=True,
)

FORMATS = (SYNDICATE, MAILCHIMP, LISTMONK, GHOST, SUBSTACK, BUTTONDOWN, MAILMAN, PLAIN)


def of_name(name: str) -> Format | None:
    """The format of this name, as `--format` takes it."""
    return next((one for one in FORMATS if one.name == name), None)
