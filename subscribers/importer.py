"""Takes over a list from elsewhere: a rehearsal that says of every row what would become of it, and the import itself,
batch by batch, which goes on where it stopped."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.errors import SubscriberError
from subscribers.imports.applying import Change, Marks, foresee, settle
from subscribers.imports.columns import Wanted
from subscribers.imports.deciding import TAKEN, Outcome
from subscribers.imports.entries import Entry, Terms, entry
from subscribers.imports.lines import Lines
from subscribers.imports.records import Record, records
from subscribers.imports.rows import Unread
from subscribers.imports.seen import Seen
from subscribers.models import ImportRun
from subscribers.people import AddressHash
from subscribers.stoplist import Stops

BATCH = 2_000
"""Rows of one transaction: on SQLite nobody else writes meanwhile, and it takes some tenths of a second."""

_CHUNK = 1 << 20

Transaction = Callable[[], AbstractContextManager[Session]]


class ImportedElsewhere(SubscriberError):
    """Another process imports the same file at this moment."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became, or would become, of a row. `address` is as it is written here, "" where none could be read."""

    row: int
    address: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class Totals:
    """How many rows had each outcome, of the whole file. `after`: the row behind which an import went on that had been
    stopped; `foreign` lines were no UTF-8 and were read as windows-1252, the first is `first_foreign`."""

    counts: Mapping[str, int]
    after: int = 0
    foreign: int = 0
    first_foreign: int | None = None

    @property
    def taken(self) -> int:
        """How many rows were taken over, or are so already."""
        return sum(self.counts.get(outcome, 0) for outcome in TAKEN)


@dataclass
class _Batch:
    """Rows that are worked on together, and the number of the last."""

    last: int = 0
    size: int = 0
    unread: list[Unread] = field(default_factory=list)
    people: dict[str, list[Entry]] = field(default_factory=dict)


def rehearse(
    file: BinaryIO,
    terms: Terms,
    wanted: Wanted,
    *,
    read: Transaction,
    hash_of: AddressHash,
    report: Callable[[Answer], None],
    progress: Callable[[int], None],
) -> Totals:
    """Report of every row, in their order, what would become of it; nothing is written. Raises UnknownColumns."""
    lines, counts, marks, seen = Lines(file), Counter[str](), Marks(), Seen()
    try:
        for batch in _batches(records(lines, wanted), terms, hash_of, after=0):
            before = seen.of(list(batch.people))
            with read() as session:
                changes = foresee(session, batch.people, before, marks)
            _tell(batch, changes, counts, report)
            _remember(seen, changes)
            progress(lines.consumed)
    finally:
        seen.close()
    return Totals(dict(counts), 0, lines.foreign, lines.first_foreign)


def run(
    file: BinaryIO,
    terms: Terms,
    wanted: Wanted,
    *,
    write: Transaction,
    hash_of: AddressHash,
    stops: Stops,
    clock: Callable[[], datetime],
    report: Callable[[Answer], None],
    progress: Callable[[int], None],
) -> Totals:
    """Import the file, some thousands of rows a transaction. Killed and called again with the same file and the same
    wishes, it goes on behind the last row that was committed; `report` gets the rows from there on. Harmless to repeat.

    Raises UnknownColumns with nothing changed, ImportedElsewhere, and StopListFault."""
    key = _key(file, terms, wanted)
    lines, marks, seen = Lines(file), Marks(), Seen()
    found = records(lines, wanted)
    first = list(islice(found, 1))  # a file that cannot be told is refused here
    with write() as session:
        ledger = _Ledger.begin(session, key, clock())
    after = ledger.position
    try:
        for batch in _batches(chain(first, found), terms, hash_of, after=after):
            before = seen.of(list(batch.people))
            now = clock()
            with write() as session:
                ledger.claim(session)
                changes = settle(session, batch.people, before, marks, consent=terms.consent, stops=stops, now=now)
                answers: list[Answer] = []
                _tell(batch, changes, ledger.counts, answers.append)
                ledger.note(session, batch.last)
            for answer in answers:
                report(answer)
            _remember(seen, changes)
            progress(lines.consumed)
        with write() as session:
            ledger.end(session, clock())
    finally:
        seen.close()
    return Totals(dict(ledger.counts), after, lines.foreign, lines.first_foreign)


class _Ledger:
    """The row of an import: how far it is, written in the transactions of its batches."""

    def __init__(self, run_id: int, position: int, counts: Mapping[str, int]) -> None:
        self._id = run_id
        self.position = position
        self.counts = Counter(counts)

    @classmethod
    def begin(cls, session: Session, key: str, now: datetime) -> "_Ledger":
        """A new one, one that was stopped, or a finished one from its beginning: harmless, and said row by row."""
        found = session.scalar(select(ImportRun).where(ImportRun.key == key).with_for_update())
        if found is None:
            found = ImportRun(key=key, position=0, counts={}, started_at=now)
            session.add(found)
        elif found.finished_at is not None:
            found.position, found.counts, found.started_at, found.finished_at = 0, {}, now, None
        session.flush()
        return cls(found.id, found.position, found.counts)

    def claim(self, session: Session) -> None:
        """Make sure that nobody else has gone on. Raises ImportedElsewhere."""
        found = session.scalar(select(ImportRun.position).where(ImportRun.id == self._id).with_for_update())
        if found != self.position:
            raise ImportedElsewhere("another process imports this file: wait for it, then run the command again")

    def note(self, session: Session, position: int) -> None:
        """Rows up to this one are done."""
        row = session.get_one(ImportRun, self._id)
        row.position, row.counts = position, dict(self.counts)
        self.position = position

    def end(self, session: Session, now: datetime) -> None:
        """All rows are done."""
        self.claim(session)
        session.get_one(ImportRun, self._id).finished_at = now


def _batches(found: Iterator[Record | Unread], terms: Terms, hash_of: AddressHash, *, after: int) -> Iterator[_Batch]:
    batch = _Batch()
    for one in found:
        if one.number <= after:
            continue
        batch.last = one.number
        batch.size += 1
        made = entry(one, terms) if isinstance(one, Record) else one
        if isinstance(made, Unread):
            batch.unread.append(made)
        else:
            batch.people.setdefault(hash_of(made.address.key), []).append(made)
        if batch.size == BATCH:
            yield batch
            batch = _Batch()
    if batch.size:
        yield batch


def _tell(batch: _Batch, changes: list[Change], counts: Counter[str], report: Callable[[Answer], None]) -> None:
    answers = [Answer(one.number, "", "ignored" if one.harmless else "invalid", one.reason) for one in batch.unread]
    for change in changes:
        for made, decision in change.decided:
            answers.append(Answer(made.row, made.address.display, decision.outcome, decision.detail))
    for answer in sorted(answers, key=lambda one: one.row):
        counts[answer.outcome] += 1
        report(answer)


def _remember(seen: Seen, changes: list[Change]) -> None:
    seen.keep({change.address_hash: change.seen for change in changes if change.seen is not None})


def _key(file: BinaryIO, terms: Terms, wanted: Wanted) -> str:
    """Names the file and what is asked of it; the file stands at its beginning afterwards."""
    asked = (terms.digests, terms.language, terms.consent, wanted.format and wanted.format.name, wanted.columns)
    whole = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        whole.update(chunk)
    whole.update(repr(asked).encode("utf-8", "backslashreplace"))
    file.seek(0)
    return whole.hexdigest()
