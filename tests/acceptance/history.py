"""What happened in a run of senders, and the judgement on it: a pure function that names each invariant that broke.

A history joins what the senders said while they worked, what the receiving server kept, who left and when, and the
ledger as it stood at the end. All moments are seconds of this machine's monotonic clock, which its processes share.
Within one history every mail is named by its recipient's address: one edition, and letters to other people.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

FINAL = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain")
ENDED = ("sent", "incomplete", "cancelled")


@dataclass(frozen=True)
class Copy:
    """A mail that the receiving server had whole, at the moment when it wrote it down."""

    to: str
    message_id: str | None
    at: float


@dataclass(frozen=True)
class Grant:
    """A mail that was put into a slot: `asked` before consent was looked at, `given` after the commit."""

    owner: str
    to: str
    asked: float
    given: float


@dataclass(frozen=True)
class Doubt:
    """The mails that the slots of one ended owner named, or (`slots` False) one whose line was lost after its dot."""

    owner: str
    names: frozenset[str]
    slots: bool = True


@dataclass(frozen=True)
class Leave:
    """Somebody may not be mailed any more; committed at `done`."""

    who: str
    done: float


@dataclass(frozen=True)
class Account:
    """The edition as its report shows it."""

    state: str
    chosen: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Rate:
    """At most `rate` mails a second, and `burst` at once."""

    rate: float
    burst: float


@dataclass(frozen=True)
class History:
    """`states` are the deliveries at the end, `letters` the letters; `expected` are the recipients chosen, `asked` who
    asked for a letter. `owners` gives the connections of each owner that ever was, `retired` when one was ended.
    `sent_again` counts, for each person, how often somebody decided to send again what was in doubt."""

    policy: Literal["hold", "resend"]
    expected: frozenset[str]
    states: Mapping[str, str]
    account: Account
    copies: tuple[Copy, ...] = ()
    grants: tuple[Grant, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    leaves: tuple[Leave, ...] = ()
    owners: Mapping[str, int] = field(default_factory=dict)
    retired: Mapping[str, float] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    letters: Mapping[str, str] = field(default_factory=dict)
    sent_again: Mapping[str, int] = field(default_factory=dict)
    limit: Rate | None = None

    @property
    def copied(self) -> Counter[str]:
        """How many copies of their mail each person got."""
        return Counter(copy.to for copy in self.copies)

    @property
    def doubted(self) -> Counter[str]:
        """How often the mail of each person was in doubt."""
        return Counter(name for doubt in self.doubts for name in doubt.names)

    @property
    def rows(self) -> dict[str, str]:
        """Deliveries and letters with their states."""
        return {**self.letters, **self.states}

    @property
    def duplicates(self) -> set[str]:
        return {name for name, number in self.copied.items() if number > 1}

    @property
    def unmarked(self) -> set[str]:
        """Who got more than one copy although nothing of theirs was ever in doubt."""
        return self.duplicates - set(self.doubted)

    @property
    def lost(self) -> set[str]:
        """Who got nothing although the ledger does not list them: as uncertain, left, refused or too late."""
        listed = {name for name, state in self.rows.items() if state not in ("accepted", "queued")}
        return (self.expected | self.asked) - set(self.copied) - listed


@dataclass(frozen=True, order=True)
class Violation:
    """An invariant that does not hold, by name, and what shows it."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def judge(history: History) -> list[Violation]:
    """Every way in which the history breaks I1 to I8, in order; an empty list for a sound one."""
    rules = {
        "I1": _one_true_state(history),
        "I2": _no_copy_too_many(history),
        "I3": _nothing_unmarked(history),
        "I4": _doubt_is_bounded(history),
        "I5": _nobody_who_left(history),
        "I6": _adds_up(history),
        "I7": _one_message_id(history),
        "I8": _within_the_rate(history),
    }
    return [Violation(name, what) for name, found in rules.items() for what in found]


def _one_true_state(history: History) -> Iterator[str]:
    """I1: everybody expected is in exactly one final state, and that state is true."""
    for name in sorted(history.expected ^ set(history.states)):
        yield (
            f"{name} was chosen and has no row" if name in history.expected else f"{name} has a row and was not chosen"
        )
    for name in sorted(history.asked ^ set(history.letters)):
        yield f"{name} asked for a letter and the rows do not agree"
    copied, doubted, left = history.copied, history.doubted, {leave.who for leave in history.leaves}
    for name, state in sorted(history.rows.items()):
        if state not in FINAL:
            yield f"{name} is still {state}"
        if state == "accepted" and not copied[name]:
            yield f"{name} is called accepted, and no mail came"
        if state in ("rejected", "skipped", "expired") and copied[name] and not doubted[name]:
            yield f"{name} is {state}, and a mail came"
        if state == "skipped" and name not in left and history.account.state != "cancelled":
            yield f"{name} was left out without a reason"
    for name in sorted(set(copied) - set(history.rows)):
        yield f"{name} got a mail and has no row"


def _no_copy_too_many(history: History) -> Iterator[str]:
    """I2: at most one copy, and one more for each time that a mail in doubt was sent again."""
    doubted = history.doubted
    for name, number in sorted(history.copied.items()):
        by_itself = history.policy == "resend" or name in history.letters
        again = doubted[name] if by_itself else history.sent_again.get(name, 0)
        if number > 1 + again:
            yield f"{name} got {number} copies, and {again} times it was sent again"


def _nothing_unmarked(history: History) -> Iterator[str]:
    """I3: a mail goes only after its slot; who got two copies was marked in doubt; what is in doubt stays so."""
    given: dict[str, list[float]] = {}
    for grant in history.grants:
        given.setdefault(grant.to, []).append(grant.given)
    for copy in history.copies:
        if not any(moment <= copy.at for moment in given.get(copy.to, ())):
            yield f"{copy.to} got a mail that was in no slot"
    for name in sorted(history.unmarked):
        yield f"{name} got {history.copied[name]} copies and was never in doubt"
    for grant in history.grants:
        if grant.asked > history.retired.get(grant.owner, grant.asked):
            yield f"{grant.to} was put into a slot by the sender {grant.owner}, which had been taken for dead"
    doubted = history.doubted
    for name, state in sorted(history.states.items()):
        held = history.policy == "hold" and not history.sent_again.get(name)
        if doubted[name] and held and state not in ("uncertain", "unknown"):
            yield f"{name} was in doubt and is {state}"
        if state == "uncertain" and not doubted[name]:
            yield f"{name} is uncertain, and nothing put it in doubt"


def _doubt_is_bounded(history: History) -> Iterator[str]:
    """I4: no death leaves more in doubt than there were connections."""
    for doubt in history.doubts:
        most = history.owners.get(doubt.owner)
        if most is None:
            yield f"the unknown sender {doubt.owner} left {len(doubt.names)} mails in doubt"
        elif len(doubt.names) > most:
            yield f"the sender {doubt.owner} had {most} connections and left {len(doubt.names)} mails in doubt"


def _nobody_who_left(history: History) -> Iterator[str]:
    """I5: nothing is put into a slot for somebody who had left before."""
    left = {leave.who: leave.done for leave in history.leaves}
    for grant in history.grants:
        if grant.asked > left.get(grant.to, grant.asked):
            yield f"{grant.to} had left and was put into a slot {grant.asked - left[grant.to]:.3f} s later"


def _adds_up(history: History) -> Iterator[str]:
    """I6: the account adds up to everybody who was chosen before the edition counts as ended."""
    account = history.account
    if account.state not in ENDED:
        yield f"the edition is {account.state}"
        return
    there = Counter(history.states.values())
    if {state: n for state, n in account.counts.items() if n} != dict(there):
        yield f"the report says {_words(account.counts)}, the rows say {_words(there)}"
    if account.counts.get("queued"):
        yield f"the edition is {account.state}, and {account.counts['queued']} wait"
    if account.chosen != len(history.expected):
        yield f"{account.chosen} are said to be chosen, and {len(history.expected)} were"
    if account.state == "sent" and there["uncertain"]:
        yield f"the edition is called sent while {there['uncertain']} are uncertain"
    if account.state == "incomplete" and not there["uncertain"]:
        yield "the edition is called incomplete, and nobody is uncertain"


def _one_message_id(history: History) -> Iterator[str]:
    """I7: all copies of a mail carry one Message-ID, which no other mail has."""
    ids: dict[str, set[str | None]] = {}
    for copy in history.copies:
        ids.setdefault(copy.to, set()).add(copy.message_id)
    for name, found in sorted(ids.items()):
        if len(found) > 1 or None in found:
            yield f"{name} got copies with {len(found)} Message-IDs" if len(found) > 1 else f"{name}: no Message-ID"
    shared = Counter(one for found in ids.values() for one in found if one is not None)
    for message_id in sorted(one for one, number in shared.items() if number > 1):
        yield f"{message_id} stands in mails to several people"


def _within_the_rate(history: History) -> Iterator[str]:
    """I8: over no stretch of time was more granted than the rate allows, and the burst."""
    limit = history.limit
    if limit is None:
        return
    lowest, worst = 0.0, 0.0
    for place, moment in enumerate(sorted(grant.given for grant in history.grants)):
        level = place - limit.rate * moment
        lowest = level if place == 0 else min(lowest, level)
        worst = max(worst, level - lowest + 1)
    if worst > limit.burst:
        yield f"{worst:.1f} mails were granted beyond the rate of {limit.rate:g} a second (burst {limit.burst:g})"


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items()) if number) or "nothing"


def invariants(found: Iterable[Violation]) -> set[str]:
    """The names of the invariants that broke."""
    return {violation.invariant for violation in found}
