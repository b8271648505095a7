"""Clippings are cleaned when filed, published once, retracted, imported once, and read in the right order."""

import contextlib
import threading
import unicodedata
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from syndicate.clippings import fields, store
from syndicate.clippings.archive_pages.values import ArchivedClipping
from syndicate.clippings.store import BadClipping, NewClipping
from syndicate.database import Database
from syndicate.datelines import Dateline
from syndicate.errors import NotFound
from syndicate.models import Clipping, Site

ZONE = ZoneInfo("America/New_York")


def _clip(headline: str = "Court frees three", **changes: object) -> NewClipping:
    return NewClipping(**({"headline": headline, "section": "news"} | changes))  # type: ignore[arg-type]


def _site(database: Database, now: datetime) -> None:
    with database.write() as session:
        session.add(
            Site(
                id=1,
                uid="abcdefghabcdefgh",
                tag_authority="valley.test",
                tag_date=date(2026, 1, 1),
                created_at=now,
                revision=1,
            )
        )


def _revision(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(Site.revision)).one()


def _published(database: Database, now: datetime, *clips: NewClipping) -> list[str]:
    with database.write() as session:
        return [store.publish(session, store.add(session, clip, now=now).id, now=now).id for clip in clips]


def _page(number: int, dateline: str = "2009-03", **changes: object) -> ArchivedClipping:
    values: dict[str, object] = {
        "headline": f"Old story {number}",
        "dateline": Dateline.iso(dateline),
        "publication": "The Ashford Courier",
        "place": "TX",
        "deck": None,
        "byline": "Ann Lee",
        "body": "First.\n\nSecond.",
        "line": number,
    }
    return ArchivedClipping(**(values | changes))  # type: ignore[arg-type]


def test_what_is_filed_is_a_clean_draft_with_white_space_joined(database: Database, now: datetime) -> None:
    with database.write() as session:
        made = store.add(
            session,
            _clip(
                "  Court\r\n frees\x00 \ud800three\x07 ",
                deck="a\tb",
                publication=" The\u00a0Courier ",
                body="One\nline.\r\n\r\n \t \n\n\x0bTwo\x1f.",
                byline="\x01",
                link=" https://courier.test/a?b=1#c ",
                dateline=Dateline.iso("2009-03"),
            ),
            now=now,
        ).id
    with database.read() as session:
        clip = store.get(session, made)
        assert (clip.state, clip.archival, clip.never_mail, clip.published_at) == ("draft", False, False, None)
        assert clip.headline == "Court frees three"
        assert (clip.deck, clip.publication, clip.byline) == ("a b", "The Courier", None)
        assert clip.body == "One line.\n\nTwo."
        assert clip.link == "https://courier.test/a?b=1#c"
        assert (clip.dateline, clip.rights) == ("2009-03", "summary")
        assert len(clip.id) == 12


@pytest.mark.parametrize("headline", ["", "  \n\t", "\x00\x1f\x7f", "\u200b\u2060\ufeff", "\u00a0\u2003", "\ud800"])
def test_a_headline_with_nothing_to_see_is_refused(headline: str) -> None:
    with pytest.raises(BadClipping, match="headline is empty"):
        fields.headline(headline)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "/local/page",
        "//courier.test/x",
        "courier.test",
        "http://",
        "https:///path",
        "ftp://courier.test/x",
        "http://courier.test:port/",
        "http://courier.test:99999/",
        "http://[::1/",
        "http://courier.test/a b",
        'http://courier.test/"><script>',
        "data:text/html,x",
        "https://courier.test\\@evil.test/",
        "https://courier.test@evil.test/",
        "https://\u202ecourier.test/",
    ],
)
def test_a_link_that_is_no_whole_web_address_is_refused_in_one_line(link: str) -> None:
    with pytest.raises(BadClipping) as caught:
        fields.link(link)
    assert "\n" not in str(caught.value)


def test_full_rights_need_a_reason_and_rights_must_be_known() -> None:
    with pytest.raises(BadClipping, match="need a reason"):
        fields.rights("full", " \x00 ")
    with pytest.raises(BadClipping, match="unknown"):
        fields.rights("all", None)
    assert fields.rights("full", " by  the author ") == ("full", "by the author")


@given(st.text(max_size=80))
def test_every_cleaned_line_is_one_line_that_any_document_may_hold(text: str) -> None:
    cleaned = fields.line(text)
    if cleaned is None:
        return
    assert cleaned == " ".join(cleaned.split()) != ""
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in cleaned)
    cleaned.encode()
    assert fields.line(cleaned) == cleaned


@given(st.text(max_size=200))
def test_a_slug_is_short_ascii_words_whatever_the_headline(headline: str) -> None:
    slug = store.slug(headline)
    assert 0 < len(slug) <= 60
    assert all(word and word.isascii() and word.isalnum() and word == word.lower() for word in slug.split("-"))
    assert store.slug(slug) == slug


def test_slugs_keep_whole_words_and_lose_accents() -> None:
    assert store.slug("Café owner's “high” hopes") == "cafe-owners-high-hopes"
    assert store.slug("毒品战争") == "clipping"
    assert store.slug("word " * 20) == "-".join(["word"] * 12)
    assert store.slug("x" * 90) == "x" * 60


@pytest.mark.parametrize("text", ["abcdefghabcd", "", "a\x00b", "\ud800", "'; DROP TABLE clipping", "x" * 9999])
def test_an_id_that_is_not_there_is_not_found_whatever_it_looks_like(database: Database, text: str) -> None:
    with database.write() as session:
        with pytest.raises(NotFound):
            store.get(session, text)
        with pytest.raises(NotFound):
            store.publish(session, text, now=datetime(2026, 1, 1, tzinfo=UTC))


def test_publishing_twice_changes_nothing_and_taking_back_a_retraction_keeps_the_moment(
    database: Database, now: datetime
) -> None:
    _site(database, now)
    [one] = _published(database, now, _clip())
    later = now + timedelta(days=1)
    with database.write() as session:
        store.publish(session, one, now=later)
    with database.read() as session:
        assert store.get(session, one).published_at == now
    assert _revision(database) == 2
    with database.write() as session:
        assert store.retract(session, one, now=later).retracted_at == later
        assert store.retract(session, one, now=later + timedelta(1)).retracted_at == later
    with database.read() as session:
        assert store.published(session) == []
    with database.write() as session:
        clip = store.publish(session, one, now=later)
        assert (clip.state, clip.published_at, clip.updated_at, clip.retracted_at) == ("published", now, later, None)
    assert _revision(database) == 4


def test_a_retracted_draft_is_never_seen_and_leaves_the_revision(database: Database, now: datetime) -> None:
    _site(database, now)
    with database.write() as session:
        clip = store.add(session, _clip(), now=now)
        store.retract(session, clip.id, now=now)
    assert _revision(database) == 1


def test_clippings_published_at_one_moment_by_many_are_a_second_apart(database: Database, now: datetime) -> None:
    _site(database, now)
    moment = now + timedelta(microseconds=700_000)

    def publish() -> None:
        for _ in range(3):
            _published(database, moment, _clip())

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        seconds = sorted(clip.updated_at for clip in store.published(session) if clip.updated_at)
        assert {clip.published_at for clip in store.published(session)} == {moment}
    assert seconds == [now + timedelta(seconds=n) for n in range(12)]
    assert _revision(database) == 13


def test_two_who_publish_the_same_two_clippings_in_opposite_order_both_succeed(
    database: Database, now: datetime
) -> None:
    _site(database, now)
    with database.write() as session:
        ids = [store.add(session, _clip(), now=now).id for _ in range(2)]
    halfway, done = threading.Barrier(2), []

    def publish(first: str, second: str) -> None:
        with database.write() as session:
            store.publish(session, first, now=now)
            # Where one waits for the other's commit they cannot both come this far, and need not.
            with contextlib.suppress(threading.BrokenBarrierError):
                halfway.wait(0.3)
            store.publish(session, second, now=now)
        done.append(first)

    threads = [threading.Thread(target=publish, args=order) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(ids)


def test_the_main_stream_is_newest_first_by_section_and_limit(database: Database, now: datetime) -> None:
    old, new = _published(database, now, _clip("Old"))[0], _published(database, now + timedelta(1), _clip("New"))[0]
    [other] = _published(database, now + timedelta(2), _clip("Other", section="other"))
    with database.write() as session:
        draft = store.add(session, _clip("Draft"), now=now + timedelta(3)).id
        store.import_archived(session, [_page(1)], section="news", as_drafts=False, now=now + timedelta(4))
    with database.read() as session:
        assert [clip.id for clip in store.published(session)] == [other, new, old]
        assert [clip.id for clip in store.published(session, section="news", limit=1)] == [new]
        assert [clip.id for clip in store.listing(session, state="draft")] == [draft]
        assert [clip.id for clip in store.listing(session)][1:] == [draft, other, new, old]


def test_the_same_page_imported_twice_is_one_clipping(database: Database, now: datetime) -> None:
    _site(database, now)
    pages = [_page(1), _page(2), _page(1, headline="OLD  story  1")]
    with database.write() as session:
        first = store.import_archived(session, pages, section="news", as_drafts=False, now=now)
    assert len(first.added) == 2
    assert first.known == (first.added[0],)
    assert _revision(database) == 2
    with database.write() as session:
        second = store.import_archived(session, pages[:2], section="news", as_drafts=False, now=now)
    assert (second.added, second.known) == ((), first.added)
    assert _revision(database) == 2
    with database.read() as session:
        clip = store.get(session, first.added[0])
        assert (clip.state, clip.archival, clip.published_at) == ("published", True, now)
        assert (clip.dateline, clip.publication, clip.place, clip.byline) == (
            "2009-03",
            "The Ashford Courier",
            "TX",
            "Ann Lee",
        )
        assert clip.body == "First.\n\nSecond."


def test_two_imports_of_one_page_at_the_same_moment_make_one_clipping(database: Database, now: datetime) -> None:
    _site(database, now)
    added, together = [], threading.Barrier(4)

    def bring() -> None:
        together.wait()
        with database.write() as session:
            report = store.import_archived(
                session, [_page(n) for n in range(5)], section="news", as_drafts=False, now=now
            )
        added.append(len(report.added))

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [0, 0, 0, 5]


def test_pages_imported_as_drafts_are_drafts_like_any_other(database: Database, now: datetime) -> None:
    with database.write() as session:
        [made] = store.import_archived(session, [_page(1)], section="news", as_drafts=True, now=now).added
        assert store.get(session, made).state == "draft"
        store.publish(session, made, now=now)
    with database.read() as session:
        assert [clip.id for clip in store.published(session)] == [made]


def test_an_import_with_one_bad_item_stores_nothing_and_names_its_line(database: Database, now: datetime) -> None:
    with pytest.raises(BadClipping, match="line 7"), database.write() as session:
        store.import_archived(session, [_page(1), _page(7, headline="\x00")], section="news", as_drafts=False, now=now)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Clipping)) == 0


def test_months_go_by_the_sites_clock_and_archival_ones_by_their_dateline(database: Database, now: datetime) -> None:
    # 3 a.m. UTC on the first of November is still October in New York.
    [ours] = _published(database, datetime(2026, 11, 1, 3, 0, tzinfo=UTC), _clip())
    with database.write() as session:
        year, month, day = store.import_archived(
            session,
            [_page(1, "2009"), _page(2, "2009-01"), _page(3, "2009-01-31")],
            section="news",
            as_drafts=False,
            now=now,
        ).added
        hidden = store.import_archived(session, [_page(4)], section="news", as_drafts=False, now=now).added[0]
        store.retract(session, hidden, now=now)
    with database.read() as session:
        months = [(entry.year, entry.month, entry.clippings) for entry in store.archive_months(session, ZONE)]
        assert months == [(2026, 10, 1), (2009, 1, 3)]
        assert [clip.id for clip in store.in_month(session, 2026, 10, ZONE)] == [ours]
        assert store.in_month(session, 2026, 11, ZONE) == []
        january = [clip.id for clip in store.in_month(session, 2009, 1, ZONE)]
        assert january == [day, *sorted([year, month])]
        assert store.in_month(session, 2008, 12, ZONE) == []
