"""What goes into an edition: every clipping is in it, or left out with a reason."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.editions.plan import Candidate, Rules, plan, rules

SLOT = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _rules(**changes: object) -> Rules:
    values: dict[str, object] = {
        "sections": ("letters", "news"),
        "max_age": 45 * DAY,
        "min_items": 1,
        "max_items": 30,
        "first_seen_at": SLOT - 365 * DAY,
        "each": False,
        "at": SLOT,
        "cutoff": timedelta(0),
        "zone": ZoneInfo("America/New_York"),
    }
    return rules(**(values | changes))  # type: ignore[arg-type]


def _clip(id: str = "a", at: datetime | None = SLOT - HOUR, **changes: object) -> Candidate:
    values: dict[str, object] = {
        "id": id,
        "section": "news",
        "headline": f"Story {id}",
        "state": "published",
        "archival": False,
        "never_mail": False,
        "published_at": at,
    }
    return Candidate(**(values | changes))  # type: ignore[arg-type]


def _ids(candidates: list[Candidate], rules: Rules) -> list[str]:
    return [item.clipping_id for item in plan(candidates, rules).items]


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (_clip(state="draft", at=None), "draft"),
        (_clip(state="retracted"), "retracted"),
        (_clip(archival=True), "archival"),
        (_clip(never_mail=True), "never mail"),
        (_clip(section="sport"), "section sport"),
        (_clip(taken_by=7), "in edition 7"),
        (_clip(at=SLOT + HOUR), "published after 2026-11-26 09:00"),
        (_clip(at=SLOT - 45 * DAY - HOUR), "too old"),
    ],
)
def test_a_clipping_left_out_has_its_reason(clip: Candidate, reason: str) -> None:
    made = plan([clip, _clip("z")], _rules())
    assert [item.clipping_id for item in made.items] == ["z"]
    [(left, words)] = made.left_out
    assert left == "a"
    assert reason in words


def test_both_ends_of_the_window_belong_to_it() -> None:
    oldest, newest = _clip("o", SLOT - 45 * DAY), _clip("n", SLOT - 2 * HOUR)
    assert _ids([oldest, newest, _clip("x", SLOT - 2 * HOUR + timedelta(microseconds=1))], _rules(cutoff=2 * HOUR)) == [
        "n",
        "o",
    ]


def test_the_first_edition_reaches_back_eight_days_before_the_digest_was_seen() -> None:
    seen = SLOT - 3 * DAY
    inside, outside = _clip("i", seen - 8 * DAY), _clip("o", seen - 8 * DAY - HOUR)
    made = plan([inside, outside], _rules(first_seen_at=seen))
    assert [item.clipping_id for item in made.items] == ["i"]
    assert "long before the digest began" in made.left_out[0][1]


def test_a_digest_of_each_clipping_begins_when_it_was_first_seen() -> None:
    seen = SLOT - 3 * DAY
    assert _ids([_clip("i", seen), _clip("o", seen - HOUR)], _rules(first_seen_at=seen, each=True)) == ["i"]


def test_sections_stand_in_the_digests_order_and_the_newest_comes_first_in_each() -> None:
    clips = [
        _clip("n1", SLOT - 3 * HOUR),
        _clip("n2", SLOT - HOUR),
        _clip("l1", SLOT - 9 * HOUR, section="letters"),
        _clip("n3", SLOT - HOUR),
    ]
    assert _ids(clips, _rules()) == ["l1", "n2", "n3", "n1"]


def test_what_is_more_than_the_digest_holds_waits_for_the_next() -> None:
    made = plan([_clip(f"c{n}", SLOT - n * HOUR) for n in range(5)], _rules(max_items=3))
    assert [item.clipping_id for item in made.items] == ["c0", "c1", "c2"]
    assert made.left_out == (
        ("c3", "more than 3: waits for the next edition"),
        ("c4", "more than 3: waits for the next edition"),
    )


def test_what_waited_once_goes_before_the_news_however_full_the_weeks_are() -> None:
    """Eight in one week and then five every week, where an edition holds five: three wait, and none for ever."""
    week, waiting, mailed, slot, last = 7 * DAY, [], set(), SLOT, None
    for n in range(8):
        waiting += [_clip(f"w{n}c{k}", slot - (k + 1) * HOUR) for k in range(8 if n == 0 else 5)]
        made = plan(waiting, _rules(at=slot, max_items=5, last_at=last))
        taken = {item.clipping_id for item in made.items}
        assert len(taken) == 5
        mailed |= taken
        waiting = [clip for clip in waiting if clip.id not in taken]
        # Nobody waits longer than until the edition after the next.
        assert all(clip.published_at and slot - clip.published_at < week for clip in waiting)
        last, slot = slot, slot + week
    assert {f"w0c{k}" for k in range(8)} <= mailed


def test_what_waited_stands_in_its_place_among_the_others() -> None:
    clips = [_clip("new", SLOT - HOUR), _clip("waited", SLOT - 9 * DAY), _clip("newer", SLOT - 2 * HOUR)]
    assert _ids(clips, _rules(max_items=2, last_at=SLOT - 7 * DAY)) == ["new", "waited"]


def test_a_clipping_whose_own_edition_came_to_nothing_says_so() -> None:
    made = plan([_clip(had=4)], _rules(each=True))
    assert made.items == ()
    assert "had edition 4 of its own" in made.left_out[0][1]


def test_fewer_than_the_least_is_nothing_and_says_so() -> None:
    made = plan([_clip("a"), _clip("b")], _rules(min_items=3, last_at=SLOT - 7 * DAY))
    assert made.items == ()
    assert made.empty == "only 2 new since 2026-11-19 09:00; the digest wants at least 3"
    assert [words for _, words in made.left_out] == ["waits until there are 3"] * 2


def test_nothing_at_all_says_since_when() -> None:
    assert plan([], _rules(last_at=SLOT - 7 * DAY)).empty == "nothing new since 2026-11-19 09:00"
    assert plan([], _rules(first_seen_at=SLOT - DAY)).empty == "nothing new since 2026-11-17 09:00"


_CANDIDATES = st.lists(
    st.builds(
        Candidate,
        id=st.text("abcdef", min_size=1, max_size=4),
        section=st.sampled_from(["news", "letters", "sport"]),
        headline=st.just("x"),
        state=st.sampled_from(["published", "published", "draft", "retracted"]),
        archival=st.booleans(),
        never_mail=st.booleans(),
        published_at=st.none() | st.integers(-1200, 10).map(lambda hours: SLOT + hours * HOUR),
        taken_by=st.none() | st.just(3),
    ),
    max_size=25,
    unique_by=lambda candidate: candidate.id,
)


@given(_CANDIDATES, st.integers(1, 4), st.integers(1, 6))
def test_every_candidate_is_in_or_out_once_and_the_order_of_reading_does_not_matter(
    candidates: list[Candidate], least: int, most: int
) -> None:
    wanted = _rules(min_items=least, max_items=most)
    made = plan(candidates, wanted)
    named = [item.clipping_id for item in made.items] + [id_ for id_, _ in made.left_out]
    assert sorted(named) == sorted(candidate.id for candidate in candidates)
    assert all(words for _, words in made.left_out)
    assert bool(made.items) == (made.empty is None)
    assert len(made.items) <= most
    by_id = {candidate.id: candidate for candidate in candidates}
    for item in made.items:
        clip = by_id[item.clipping_id]
        assert clip.published_at is not None
        assert SLOT - 45 * DAY <= clip.published_at <= SLOT
        assert clip.state == "published"
        assert not any((clip.archival, clip.never_mail, clip.taken_by))
    assert plan(list(reversed(candidates)), wanted) == made
