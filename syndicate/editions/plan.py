"""What goes into an edition, decided from values alone: no database, no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

FIRST_REACH = timedelta(days=8)
"""How far before a digest was first seen its first edition may reach back: a week and a day."""


@dataclass(frozen=True)
class Candidate:
    """A clipping that might go in. `taken_by` is the id of the live edition of this digest that holds it, `had` that of
    the one it had of its own (`each`) and that came to nothing; or None."""

    id: str
    section: str
    headline: str
    state: str
    archival: bool
    never_mail: bool
    published_at: datetime | None
    taken_by: int | None = None
    had: int | None = None


@dataclass(frozen=True)
class Rules:
    """What the digest takes: clippings of `sections` (in this order) published from `earliest` up to `latest`, both
    included. `fresh_from` is where `max_age` alone would begin, so that a refusal can say which of the two it was.
    `last_at` is when the digest last had something: what was there then and was not taken has waited once, and goes
    first. `zone` is for the dates in words."""

    sections: tuple[str, ...]
    earliest: datetime
    latest: datetime
    fresh_from: datetime
    min_items: int
    max_items: int
    zone: ZoneInfo
    last_at: datetime | None = None


@dataclass(frozen=True)
class Chosen:
    """A clipping that goes in, and the section it stands under."""

    clipping_id: str
    section: str


@dataclass(frozen=True)
class Plan:
    """The items in their order, and each clipping left out with the reason. `empty` says why there are no items."""

    items: tuple[Chosen, ...]
    left_out: tuple[tuple[str, str], ...]
    empty: str | None = None


def rules(
    *,
    sections: tuple[str, ...],
    max_age: timedelta,
    min_items: int,
    max_items: int,
    first_seen_at: datetime,
    each: bool,
    at: datetime,
    cutoff: timedelta,
    zone: ZoneInfo,
    last_at: datetime | None = None,
) -> Rules:
    """The rules for an edition of the moment `at` (the slot's instant, or now): published up to `cutoff` before it,
    at most `max_age` old, and at most 8 days before the digest was first seen (`each`: since it was first seen)."""
    fresh_from = at - max_age
    reach = first_seen_at if each else first_seen_at - FIRST_REACH
    return Rules(
        sections=sections,
        earliest=max(fresh_from, reach),
        latest=at - cutoff,
        fresh_from=fresh_from,
        min_items=min_items,
        max_items=max_items,
        zone=zone,
        last_at=last_at,
    )


def plan(candidates: Iterable[Candidate], rules: Rules) -> Plan:
    """Choose: sections in the digest's order, newest first inside one, at most `max_items`; none at all when fewer
    than `min_items` are eligible. Every candidate is either an item or left out with a reason in words.

    Where there are more than `max_items`, those that waited once already have their place before the news, so that a
    full week delays clippings and does not lose them."""
    left_out: list[tuple[str, str]] = []
    eligible: list[tuple[Candidate, datetime]] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.id):
        reason = _refusal(candidate, rules)
        if reason or candidate.published_at is None:
            left_out.append((candidate.id, reason or "not published"))
        else:
            eligible.append((candidate, candidate.published_at))
    eligible.sort(key=lambda pair: (rules.sections.index(pair[0].section), -pair[1].timestamp(), pair[0].id))
    if len(eligible) < rules.min_items or not eligible:
        few = f"waits until there are {rules.min_items}"
        return Plan((), (*left_out, *((candidate.id, few) for candidate, _ in eligible)), _empty(len(eligible), rules))
    full = f"more than {rules.max_items}: waits for the next edition"
    first = {candidate.id for candidate, _ in _waiting_first(eligible, rules)[: rules.max_items]}
    return Plan(
        items=tuple(Chosen(candidate.id, candidate.section) for candidate, _ in eligible if candidate.id in first),
        left_out=(*left_out, *((candidate.id, full) for candidate, _ in eligible if candidate.id not in first)),
    )


def foreign(section: str) -> str:
    """Why a clipping of a section that the digest does not have stays out."""
    return f"the digest does not take the section {section}"


def again(candidates: Iterable[Candidate], order: Sequence[str]) -> Plan:
    """What was chosen before, the ids in `order`, in that order: all of it but what may not be mailed any more, or what
    another edition has. Age, cut-off and limits were heeded then."""
    known = {candidate.id: candidate for candidate in candidates}
    found = [known[clipping_id] for clipping_id in order if clipping_id in known]
    barred = {candidate.id: _barred(candidate) or _taken(candidate) for candidate in found}
    return Plan(
        items=tuple(Chosen(one.id, one.section) for one in found if barred[one.id] is None),
        left_out=tuple((clipping_id, reason) for clipping_id, reason in barred.items() if reason),
        empty=None if None in barred.values() else "nothing is left of what it held",
    )


def _waiting_first(eligible: list[tuple[Candidate, datetime]], rules: Rules) -> list[tuple[Candidate, datetime]]:
    """The eligible in the order in which they get a place: what waited, the oldest first, then the rest."""
    last = rules.last_at
    if last is None:
        return eligible
    waited = sorted((pair for pair in eligible if pair[1] <= last), key=lambda pair: (pair[1], pair[0].id))
    return [*waited, *(pair for pair in eligible if pair[1] > last)]


def _barred(candidate: Candidate) -> str | None:
    """Why no edition may have it."""
    if candidate.state != "published" or candidate.published_at is None:
        return "not published" if candidate.state == "published" else candidate.state
    if candidate.archival:
        return "archival: never mailed"
    return "marked never mail" if candidate.never_mail else None


def _taken(candidate: Candidate) -> str | None:
    return None if candidate.taken_by is None else f"is in edition {candidate.taken_by}"


def _refusal(candidate: Candidate, rules: Rules) -> str | None:
    moment, barred = candidate.published_at, _barred(candidate)
    if barred or moment is None:
        return barred
    if candidate.section not in rules.sections:
        return foreign(candidate.section)
    if candidate.taken_by is not None:
        return _taken(candidate)
    if candidate.had is not None:
        return f"had edition {candidate.had} of its own, which came to nothing: send it by hand if it should go"
    if moment > rules.latest:
        return f"published after {_words(rules.latest, rules.zone)}"
    if moment < rules.fresh_from:
        return f"too old: published before {_words(rules.fresh_from, rules.zone)}"
    if moment < rules.earliest:
        return f"published before {_words(rules.earliest, rules.zone)}, long before the digest began"
    return None


def _empty(found: int, rules: Rules) -> str:
    since = _words(rules.last_at or rules.earliest, rules.zone)
    if not found:
        return f"nothing new since {since}"
    return f"only {found} new since {since}; the digest wants at least {rules.min_items}"


def _words(moment: datetime, zone: ZoneInfo) -> str:
    # No strftime names: they follow the locale.
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
