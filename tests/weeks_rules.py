"""What must hold of a newsroom (`weeks`) at every moment, worked out from the tables by other means than the program's:
each clipping in one edition or none with a reason, nothing mailed twice, each slot decided once, sums that add up."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from weeks import Weeks

from subscribers.models import Subscriber
from syndicate.editions.report import reports
from syndicate.mail.compose import Composition
from syndicate.models import Clipping, DigestRecord, Edition, EditionItem, Variant
from syndicate.timetable import parse

FROZEN = ("approved", "sending", "paused", "sent", "incomplete")
_CLIPPINGS, _EDITIONS = select(Clipping), select(Edition)
_ITEMS = select(EditionItem.edition_id, EditionItem.clipping_id, EditionItem.claims).order_by(
    EditionItem.edition_id, EditionItem.position
)
ENDED = ("sent", "incomplete", "skipped", "cancelled")


@dataclass(frozen=True)
class Stand:
    """The tables at one moment: `items` of each edition, `holder` the edition that a clipping is in for good or for
    now. A correction holds nothing: its clippings are those of another edition."""

    clips: dict[str, Clipping]
    editions: dict[int, Edition]
    items: dict[int, tuple[str, ...]]
    holder: dict[str, int]

    def decided(self) -> Counter[str]:
        """The keys of scheduled editions: slot times, and the ids of clippings with an edition of their own."""
        return Counter(one.key for one in self.editions.values() if one.kind == "scheduled")


def stand(weeks: Weeks) -> Stand:
    """Read everything, and find each clipping in at most one edition that counts."""
    with weeks.database.read() as session:
        clips = {one.id: one for one in session.scalars(_CLIPPINGS)}
        editions = {one.id: one for one in session.scalars(_EDITIONS)}
        rows = session.execute(_ITEMS).tuples().all()
        session.expunge_all()
    claiming = {edition for edition, _, claims in rows if claims}
    items: dict[int, tuple[str, ...]] = dict.fromkeys(editions, ())
    holder: dict[str, int] = {}
    for edition, clip, _ in rows:
        items[edition] += (clip,)
        one = editions[edition]
        if one.kind == "correction" or one.state == "skipped":
            continue
        if one.state == "cancelled" and not _keeps(weeks, edition, claiming):
            continue
        assert clip not in holder, f"{clip} is in the editions {holder[clip]} and {edition}"
        holder[clip] = edition
    return Stand(clips, editions, items, holder)


def _keeps(weeks: Weeks, edition: int, claiming: set[int]) -> bool:
    """Whether a cancelled edition keeps its clippings: a mail of it went or may have. One that was on the wire when it
    was cancelled is finished, and may turn out to be refused; until that batch is through, they are claimed or not."""
    if any(one == edition for _, one in weeks.received):
        return True
    return weeks.gone[edition] > 0 and edition in claiming


def eligible(weeks: Weeks, now: Stand, at: datetime, *, cutoff: timedelta = timedelta(0)) -> set[str]:
    """What an edition of the moment `at` ought to choose from."""
    settings = weeks.settings
    reach = weeks.first_seen - (timedelta(0) if settings.schedule == "each" else timedelta(days=8))
    return {
        clip.id
        for clip in now.clips.values()
        if clip.state == "published"
        and not clip.archival
        and not clip.never_mail
        and clip.section in ("news", "letters")
        and clip.id not in now.holder
        and clip.published_at is not None
        and max(reach, at - settings.max_age) <= clip.published_at <= at - cutoff
    }


def hold(weeks: Weeks, *, ask_the_plan: bool = True) -> Stand:
    """Everything that must be true after every step; with `ask_the_plan` also what the plan would say now."""
    now = stand(weeks)
    _nobody_got_a_clipping_twice(weeks, now)
    _accounts_add_up(weeks, now)
    _numbers_are_whole(now)
    _corrections_go_to_those_who_have_it(weeks, now)
    _nothing_goes_that_should_not(weeks, now)
    if ask_the_plan:
        _each_has_its_reason(weeks, now)
    return now


def _nobody_got_a_clipping_twice(weeks: Weeks, now: Stand) -> None:
    got = Counter(
        (reader, clip)
        for reader, edition in weeks.received
        if now.editions[edition].kind != "correction"
        for clip in now.items[edition]
    )
    assert not [pair for pair, times in got.items() if times > 1], f"mailed twice: {got.most_common(1)}"
    for edition, gone in weeks.gone.items():
        mails = sum(one == edition for _, one in weeks.received)
        assert mails <= gone, f"edition {edition} was cancelled with {gone} gone, and {mails} arrived"


def _accounts_add_up(weeks: Weeks, now: Stand) -> None:
    with weeks.database.read() as session:
        readers = len(session.scalars(select(Subscriber.id)).all())
        accounts = {one.edition: one for one in reports(session)}
        bodies = {
            edition: Composition.from_bytes(body).text
            for edition, body in session.execute(select(Variant.edition_id, Variant.composition))
        }
    for edition in now.editions.values():
        account = accounts[edition.id]
        assert (account.state, account.items) == (edition.state, now.items[edition.id]), f"{account}"
        assert account.counts.chosen == (edition.chosen or 0), f"edition {edition.id}: {account}"
        assert edition.chosen in (None, readers) or edition.kind == "correction"
        assert (edition.state in ENDED) == (edition.finished_at is not None), f"{account}"
        if edition.state == "sent":
            assert account.counts.queued == account.counts.uncertain == 0
        if edition.state in FROZEN and edition.kind != "correction":
            assert account.items, f"edition {edition.id} is {edition.state} and empty"
            assert all(f"/clippings/{clip}/" in bodies[edition.id] for clip in account.items)
            assert bodies[edition.id].count("/clippings/") == len(account.items)
        if edition.state in ("skipped", "held", "paused"):
            assert edition.reason or edition.state == "paused"


def _numbers_are_whole(now: Stand) -> None:
    numbers = sorted(one.number for one in now.editions.values() if one.number is not None)
    assert numbers == list(range(1, len(numbers) + 1)), f"numbers: {numbers}"
    for one in now.editions.values():
        assert one.state not in FROZEN or bool(one.number) != (one.kind == "correction"), (
            f"edition {one.id} is {one.state} with the number {one.number}"
        )


def _corrections_go_to_those_who_have_it(weeks: Weeks, now: Stand) -> None:
    got = Counter(weeks.received)
    assert not [pair for pair, times in got.items() if times > 1], f"mailed twice: {got.most_common(1)}"
    for reader, edition in got:
        corrected = now.editions[edition].corrects
        assert corrected is None or (reader, corrected) in got, f"edition {edition} at {reader}, who lacks {corrected}"


def _nothing_goes_that_should_not(weeks: Weeks, now: Stand) -> None:
    """What has not begun to go holds nothing that is never to be mailed, and nothing goes before its slot."""
    for one in now.editions.values():
        if one.kind != "correction" and one.state in ("draft", "approved", "held") and one.chosen is None:
            marked = [clip for clip in now.items[one.id] if now.clips[clip].never_mail]
            assert not marked, f"edition {one.id} is {one.state} with {marked}, marked never mail"
        begun = one.chosen is not None or one.state == "sending"
        assert not (begun and one.slot_at and one.slot_at > weeks.latest), f"edition {one.id} goes before its slot"


def _each_has_its_reason(weeks: Weeks, now: Stand) -> None:
    """What the plan says agrees with what the tables say, clipping by clipping."""
    with weeks.database.read() as session:
        made = weeks.desk.plan(session, "weekly", weeks.now)
    chosen = {item.clipping_id for item in made.items}
    left_out = dict(made.left_out)
    assert not chosen & set(left_out)
    waits = {clip for clip, reason in left_out.items() if "waits" in reason}
    assert chosen | waits == eligible(weeks, now, weeks.now), "the plan forgets one, or takes one twice"
    assert all(left_out.values())
    least = 1 if weeks.settings.schedule == "each" else weeks.settings.min_items
    if len(chosen | waits) >= least:
        assert len(chosen) == min(len(chosen | waits), weeks.settings.max_items)


def watch_tick(weeks: Weeks, work: object, *, alone: bool) -> None:
    """Let `work` tick, and see that each slot up to now is decided once, and takes all it ought to."""
    before = stand(weeks)
    schedule, zone = parse(weeks.settings.schedule), weeks.desk.config.zone
    slots = list(schedule.between(zone, weeks.decided_until, weeks.now))
    work()  # type: ignore[operator]
    after = stand(weeks)
    _give_back_what_was_set_aside(before, after)
    known, keys = before.decided(), after.decided()
    assert not [key for key, times in keys.items() if times > 1]
    fresh = [slot for slot in slots if slot.local not in known]
    for slot in slots:
        assert keys[slot.local] == 1, f"the slot {slot.local} was decided {keys[slot.local]} times"
    assert sum(keys.values()) - sum(known.values()) == len(fresh) or schedule.each
    if slots:
        weeks.decided_until = slots[-1].at
    if not alone:
        return
    waiting = [one.id for one in before.editions.values() if one.withdrawn and one.state == "draft"]
    assert not [one for one in waiting if after.editions[one].state in FROZEN], "it was withdrawn, and goes by itself"
    if schedule.each:
        _each_was_taken(weeks, before, after)
    elif fresh and fresh[-1] == slots[-1]:
        _slot_was_filled(weeks, before, after, slots[-1].local, slots[-1].at)


def watch_death(weeks: Weeks, work: Callable[[Weeks], None]) -> None:
    """Let `work` begin a tick that may die in the middle: what it calls decided has its edition."""
    slots = list(parse(weeks.settings.schedule).between(weeks.desk.config.zone, weeks.decided_until, weeks.now))
    work(weeks)
    keys = stand(weeks).decided()
    with weeks.database.read() as session:
        last = session.scalar(select(DigestRecord.last_slot_at))
    for slot in slots:
        if last is not None and slot.at <= last:
            assert keys[slot.local] == 1, f"the slot {slot.local} is called decided: {keys[slot.local]} times"
            weeks.decided_until = slot.at


def watch_draft(weeks: Weeks, work: Callable[[Weeks], int | None]) -> None:
    """Let `work` draft the coming slot, and see that it takes what that would have taken now."""
    before = stand(weeks)
    made = work(weeks)
    if made is None:
        return
    after = stand(weeks)
    slot = after.editions[made].slot_at
    assert slot is not None
    assert after.editions[made].key not in before.decided()
    assert timedelta(0) < slot - weeks.now <= timedelta(hours=25)  # a day may have 25
    ought = eligible(weeks, before, slot, cutoff=weeks.settings.cutoff)
    _took(weeks, after.items[made], ought, f"the draft of {after.editions[made].key}")


def _give_back_what_was_set_aside(before: Stand, after: Stand) -> None:
    """An edition that lay about for too long lost its clippings to the slot that was due in the same tick."""
    for clip, edition in list(before.holder.items()):
        if before.items[edition] and after.editions[edition].state in ("held", "skipped"):
            del before.holder[clip]


def _slot_was_filled(weeks: Weeks, before: Stand, after: Stand, key: str, at: datetime) -> None:
    settings = weeks.settings
    [made] = [one for one in after.editions.values() if one.key == key]
    items = after.items[made.id]
    ought = eligible(weeks, before, at, cutoff=settings.cutoff)
    if settings.late != "send" and weeks.now - at > timedelta(hours=6):
        assert (made.state, items) == ("held" if settings.late == "hold" else "skipped", ())
    elif len(ought) < settings.min_items or not ought:
        assert (made.state, items) == ("skipped", ())
    else:
        _took(weeks, items, ought, key)
        assert settings.approval or made.state in FROZEN, f"edition {made.id} is {made.state}"


def _took(weeks: Weeks, items: tuple[str, ...], ought: set[str], what: str) -> None:
    assert set(items) <= ought, f"{what} took what it should not: {set(items) - ought}"
    assert len(items) == min(len(ought), weeks.settings.max_items), f"{what} left some behind"


def _each_was_taken(weeks: Weeks, before: Stand, after: Stand) -> None:
    ought = eligible(weeks, before, weeks.now, cutoff=weeks.settings.cutoff) - set(before.decided())
    made = [items for edition, items in after.items.items() if edition not in before.editions]
    assert all(len(items) == 1 for items in made)
    taken = {clip for items in made for clip in items}
    assert taken <= ought
    assert len(taken) == min(len(ought), weeks.settings.max_items), f"left behind: {ought - taken}"
