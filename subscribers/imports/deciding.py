"""What becomes of an entry: pure functions of what the file says and of how the person stands here.

Two rules stand above all: nobody comes back by an import, and nobody who confirmed here themselves is sent away by an
older list."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args

from subscribers.events import EventKind
from subscribers.imports.entries import Entry
from subscribers.imports.seen import Before
from subscribers.subscriptions import Wish, state_after_leaving
from subscribers.suppression import KINDS, stronger

Outcome = Literal[
    "added",
    "already",
    "recorded",
    "kept",
    "has-left",
    "suppressed",
    "pending",
    "duplicate",
    "conflict",
    "invalid",
    "ignored",
]
"""`added`: gets mail from now on; `already`: nothing to do; `recorded`: as the file says, they get none; `kept`: the
file says that they left, and they confirmed here since; `has-left`, `suppressed`: stays away; `pending`: never
confirmed where they come from; `duplicate`, `conflict`: of or with a row before; `invalid`: cannot be read;
`ignored`: an empty line or a header."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
TAKEN: tuple[Outcome, ...] = ("added", "already", "recorded", "kept")
"""Outcomes of rows that were taken over."""

Happened = tuple[EventKind, str | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an address stands here: the subscriber's `id` and `state` (None: there is none), the wishes, why it must not
    be mailed, and when the person last confirmed each digest themselves."""

    id: int | None = None
    state: str | None = None
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    suppressed: str | None = None
    own: Mapping[str, datetime] = field(default_factory=dict)


NOBODY = Standing()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one entry: how the person stands after it, and what happened, for the consent events."""

    outcome: Outcome
    detail: str
    after: Standing
    happened: tuple[Happened, ...] = ()


def judge(entry: Entry, before: Before | None, marks: int, standing: Standing) -> Decision:
    """As `decide`, in a file that said something of this address before. `marks` are those of the entry (see Before).
    Of two rows that disagree the one that leaves counts."""
    if before is None or entry.pending:
        return decide(entry, standing)
    if entry.leaves == before.leaves:
        if not marks & ~before.marks:
            return Decision("duplicate", f"of row {before.row}", standing)
        return decide(entry, standing)
    if before.leaves:
        return Decision("conflict", f"with row {before.row}: leaving counts", standing)
    return replace(decide(entry, standing), outcome="conflict", detail=f"with row {before.row}: leaving counts")


def decide(entry: Entry, standing: Standing) -> Decision:
    """What becomes of this entry of a person who stands so."""
    if entry.pending:
        return Decision("pending", "never confirmed where they come from", standing)
    if entry.leaves:
        return _leaves(entry, standing)
    if entry.active:
        return _subscribes(entry, standing)
    return _waits(entry, standing)


def _subscribes(entry: Entry, standing: Standing) -> Decision:
    if standing.suppressed is not None:
        return Decision("suppressed", standing.suppressed, standing)
    if standing.state == "unsubscribed":
        return Decision("has-left", "is unsubscribed", standing)
    ended = [slug for slug in entry.active if standing.wishes.get(slug) == "ended"]
    if ended:
        return Decision("has-left", f"has left {', '.join(ended)}", standing)
    fresh = [slug for slug in entry.active if standing.wishes.get(slug) != "active"]
    if not fresh:
        return Decision("already", "", standing)
    wishes: dict[str, Wish] = {**standing.wishes, **dict.fromkeys(fresh, "active")}
    happened: list[Happened] = [("imported", slug) for slug in fresh]
    if standing.state is None:
        happened += _bring(entry, wishes)
    return Decision("added", "", replace(standing, state="confirmed", wishes=wishes), tuple(happened))


def _waits(entry: Entry, standing: Standing) -> Decision:
    """Our own export tells of people who have not confirmed: they are as they were."""
    if standing.suppressed is not None:
        return Decision("suppressed", standing.suppressed, standing)
    if standing.state is not None:
        return Decision("already", "", standing)
    wishes: dict[str, Wish] = {}
    happened = _bring(entry, wishes)
    return Decision(
        "recorded", "waits to confirm", replace(standing, state=entry.state, wishes=wishes), tuple(happened)
    )


def _leaves(entry: Entry, standing: Standing) -> Decision:
    wishes: dict[str, Wish] = dict(standing.wishes)
    happened: list[Happened] = []
    if standing.state is None:
        wishes.update(dict.fromkeys(entry.active, "active"))
        happened += [("imported", slug) for slug in entry.active]
        happened += _bring(entry, wishes)
    kept = {slug for slug, at in standing.own.items() if entry.left_at is None or entry.left_at <= at}
    everything = tuple(slug for slug, wish in standing.wishes.items() if wish != "ended") if entry.everything else ()
    ended = [slug for slug in dict.fromkeys((*entry.left, *everything)) if standing.wishes.get(slug) != "ended"]
    ended = [slug for slug in ended if slug not in kept and (standing.state is not None or slug not in entry.left)]
    wishes.update(dict.fromkeys(ended, "ended"))
    happened += [("unsubscribed", slug) for slug in ended]
    state = _state_then(entry, standing, wishes, bool(ended))
    if state == "unsubscribed" != standing.state and not any(kind == "unsubscribed" for kind, _ in happened):
        happened.append(("unsubscribed", None))
    reason = standing.suppressed
    if entry.suppress is not None and not kept and stronger(entry.suppress, reason):
        reason = entry.suppress
        happened.append((KINDS[entry.suppress], None))
    after = replace(standing, state=state, wishes=wishes, suppressed=reason)
    if after != standing:
        return Decision("recorded", entry.suppress or "has left", after, tuple(happened))
    if kept:
        return Decision("kept", "confirmed here themselves since", standing)
    return Decision("already", "", standing)


def _state_then(entry: Entry, standing: Standing, wishes: Mapping[str, Wish], ended: bool) -> str | None:
    if standing.state is None:
        return entry.state
    return state_after_leaving(standing.state, tuple(wishes.values())) if ended else standing.state


def _bring(entry: Entry, wishes: dict[str, Wish]) -> list[Happened]:
    """What our own export tells besides of somebody who is new here, put among `wishes`."""
    wishes.update(dict.fromkeys(entry.asked, "asked"))
    wishes.update(dict.fromkeys(entry.left, "ended"))
    return [*(("asked", slug) for slug in entry.asked), *(("unsubscribed", slug) for slug in entry.left)]
