"""Consent events: the proof of what was agreed to. They are appended here and nowhere changed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from unicodedata import category

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from subscribers.models import ConsentEvent

EventKind = Literal[
    "asked",
    "confirmed",
    "imported",
    "changed",
    "unsubscribed",
    "bounced",
    "complained",
    "suppressed",
    "erased",
]

_SOURCE_CHARACTERS = 500


@dataclass(frozen=True)
class Proof:
    """How something came to be agreed: through which door (`way`, at most 16 characters) and which `form` (32), in
    which `words`, from which `source` (a page, a stated consent) and from which truncated `network`."""

    way: str
    words: str | None = None
    source: str | None = None
    network: str | None = None
    form: str | None = None


def record(
    session: Session, subscriber_id: int, *, kind: EventKind, proof: Proof, now: datetime, digest: str | None = None
) -> None:
    """Append one event. What a database cannot hold (control characters, lone surrogates) is left out of the text."""
    session.add(ConsentEvent(**row(subscriber_id, kind=kind, proof=proof, now=now, digest=digest)))


def row(
    subscriber_id: int, *, kind: EventKind, proof: Proof, now: datetime, digest: str | None = None
) -> dict[str, object]:
    """One event as the columns of its row, for whoever appends many at once."""
    source = storable(proof.source)
    return {
        "subscriber_id": subscriber_id,
        "kind": kind,
        "digest": digest,
        "at": now,
        "way": proof.way,
        "words": storable(proof.words),
        "source": source[:_SOURCE_CHARACTERS] if source else source,
        "form": proof.form,
        "network": proof.network,
    }


def has_networks(session: Session, before: datetime) -> bool:
    """Whether an event older than `before` still has its network; reads only."""
    return session.scalar(select(ConsentEvent.id).where(*_with_network(before)).limit(1)) is not None


def forget_networks(session: Session, before: datetime) -> int:
    """Erase the networks of events older than `before`; the proof itself stays. Returns how many were erased."""
    done = session.execute(update(ConsentEvent).where(*_with_network(before)).values(network=None))
    return int(done.rowcount)  # type: ignore[attr-defined]


def text_version(words: str | None) -> str | None:
    """The version of a text that people agreed to: eight characters of its SHA-256, the same for the same words."""
    return hashlib.sha256(words.encode()).hexdigest()[:8] if words else None


def _with_network(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (ConsentEvent.network.is_not(None), ConsentEvent.at < before)


def storable(text: str | None) -> str | None:
    """The text without what a database cannot hold: control characters and lone surrogates."""
    if text is None or text.isprintable():
        return text
    return "".join(character for character in text if category(character) not in ("Cc", "Cs") or character in "\n\t")
