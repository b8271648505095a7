"""One record as an entry: who it is and what the file says of them. Pure; nothing here knows who is there already."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from subscribers import addresses
from subscribers.addresses import Address
from subscribers.errors import InvalidAddress
from subscribers.imports.columns import Columns
from subscribers.imports.formats import MAILMAN, SYNDICATE, Field, Said, normal
from subscribers.imports.records import Record
from subscribers.imports.rows import Unread
from subscribers.suppression import REASONS, Reason

_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_LIST = re.compile(r"[\s,;|]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LANGUAGE_CHARACTERS = 35
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?.*", re.DOTALL)
_SHOWN = 40

State = Literal["confirmed", "unconfirmed", "unsubscribed"]


@dataclass(frozen=True)
class Terms:
    """What is asked of an import: in which `digests` everybody wants to be (none: the file says), which there are,
    the language of whoever has none, and `consent`, how and when they agreed."""

    digests: tuple[str, ...]
    known: frozenset[str]
    language: str
    consent: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What row `row` says of one address. `state` is that of the person, None if only a suppression is told; the
    digests are those they get, those that wait for a confirmation and those they left. `everything`: they left them
    all. `said` is what the file adds to the stated consent, in words. The rest is told by our own exports only."""

    row: int
    address: Address
    state: State | None
    active: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    everything: bool = False
    suppress: Reason | None = None
    pending: bool = False
    language: str = ""
    said: str = ""
    left_at: datetime | None = None
    since: datetime | None = None
    paused_until: datetime | None = None
    answer_by: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def leaves(self) -> bool:
        """Whether it says that the person left, or must not be mailed."""
        return self.suppress is not None or not (self.active or self.asked or self.pending)


def entry(record: Record, terms: Terms) -> Entry | Unread:
    """The entry of this record, or why there is none."""
    columns, cells = record.columns, record.cells
    written = _cell(columns, cells, "address")
    try:
        address = addresses.parse(written)
    except InvalidAddress as error:
        return Unread(record.number, str(error))
    if columns.format is SYNDICATE:
        return _own(record, address, terms)
    said = _said(columns, cells)
    if said is None:
        title, value = columns.titles["state"], _cell(columns, cells, "state")[:_SHOWN]
        return Unread(record.number, f"{title} is {value!r}, which says nothing that is known; --map {title}=ignore")
    digests = _digests(columns, cells, terms)
    if isinstance(digests, str):
        return Unread(record.number, digests)
    active = said == "active"
    return Entry(
        row=record.number,
        address=address,
        state="confirmed" if active else "unsubscribed" if said == "left" else None,
        active=digests if active else (),
        left=digests if said == "left" else (),
        suppress=next((reason for reason in REASONS if reason == said), None),
        pending=said == "pending",
        language=_language(_cell(columns, cells, "language"), terms),
        said=_words(columns, cells, "consented_at" if active else "left_at"),
        left_at=None if active else moment(_cell(columns, cells, "left_at")),
    )


def moment(text: str) -> datetime | None:
    """The moment that a text begins with, as exports write it (ISO 8601, with a space or T); UTC where it names no
    zone. None if it is none."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    try:
        read = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}{found[3] or '+00:00'}")
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _cell(columns: Columns, cells: Sequence[str], name: Field) -> str:
    """What stands in this column, without the apostrophe that keeps spreadsheets from taking it for a formula."""
    place = columns.places.get(name)
    if place is None:
        return ""
    text = cells[place]
    return text[1:] if text[:1] == "'" and _ESCAPED.match(text) else text


def _said(columns: Columns, cells: Sequence[str]) -> Said | None:
    """What the row says of the person; None if that cannot be told."""
    if columns.format is MAILMAN:
        return "active"
    if columns.whole is not None:
        return columns.whole
    if columns.format.left_by_time and _cell(columns, cells, "left_at").strip():
        return "left"
    if "state" not in columns.places:
        return "active"
    return columns.format.states.get(normal(_cell(columns, cells, "state")))


def _digests(columns: Columns, cells: Sequence[str], terms: Terms) -> tuple[str, ...] | str:
    """The digests of the row, or why there are none."""
    if terms.digests:
        return terms.digests
    named = _list(_cell(columns, cells, "digests"))
    unknown = [slug for slug in named if slug not in terms.known]
    if unknown:
        return f"there is no digest {unknown[0][:_SHOWN]!r} here: add it to config.toml, or name another with --digest"
    return named or "it names no digest: name it with --digest"


def _own(record: Record, address: Address, terms: Terms) -> Entry | Unread:
    """An entry of our own export, with all that it tells."""
    columns, cells = record.columns, record.cells
    states: dict[str, State | None] = {
        "confirmed": "confirmed",
        "unconfirmed": "unconfirmed",
        "unsubscribed": "unsubscribed",
        "": None,
    }
    state, reason = _cell(columns, cells, "state"), _cell(columns, cells, "suppressed")
    if state not in states:
        return Unread(record.number, f"state is {state[:_SHOWN]!r}, which is none")
    suppress = next((one for one in REASONS if one == reason and one != "erased"), None)
    if (reason and suppress is None) or (not state and suppress is None):
        return Unread(record.number, f"suppressed is {reason[:_SHOWN]!r}, which is no reason")
    active: tuple[str, ...] | str = _digests(columns, cells, terms) if state == "confirmed" else ()
    if isinstance(active, str):
        return Unread(record.number, active)
    asked = () if terms.digests else _known(columns, cells, "asked", terms)
    return Entry(
        row=record.number,
        address=address,
        state=states[state],
        active=active,
        asked=asked if states[state] in ("confirmed", "unconfirmed") else (),
        left=tuple(slug for slug in _known(columns, cells, "left", terms) if slug not in active),
        everything=state == "unsubscribed",
        suppress=suppress,
        language=_language(_cell(columns, cells, "language"), terms),
        said=_words(columns, cells, "since"),
        since=moment(_cell(columns, cells, "since")),
        paused_until=moment(_cell(columns, cells, "paused_until")),
        answer_by=_moments(_cell(columns, cells, "answer_by")),
    )


def _known(columns: Columns, cells: Sequence[str], name: Field, terms: Terms) -> tuple[str, ...]:
    return tuple(slug for slug in _list(_cell(columns, cells, name)) if slug in terms.known)


def _list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in _LIST.split(text) if part))


def _moments(text: str) -> dict[str, datetime]:
    pairs = (part.partition("=") for part in text.split())
    return {slug: at for slug, _, value in pairs if (at := moment(value)) is not None}


def _language(text: str, terms: Terms) -> str:
    fine = len(text) <= _LANGUAGE_CHARACTERS and _LANGUAGE.fullmatch(text)
    return text if fine else terms.language


def _words(columns: Columns, cells: Sequence[str], name: Field) -> str:
    """The name of the column and what stands in it, for the source of a consent event."""
    value = _cell(columns, cells, name).strip()[:_SHOWN]
    return f"{columns.titles[name]} {value}" if value else ""
