"""A published clipping is corrected: visibly on page and feeds, told to editions, and never half."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from console import Console, new_site
from public_site import LiveSite, live_site
from sqlalchemy import select

from feeds.dates import rfc3339
from syndicate.clippings import store
from syndicate.clippings.correcting import correct
from syndicate.clippings.store import BadClipping, NewClipping
from syndicate.database import Database
from syndicate.datelines import BadDateline
from syndicate.errors import NotFound, Refused
from syndicate.models import Site

LATER = timedelta(hours=3)


@pytest.fixture
def site(database: Database, tmp_path: Path) -> LiveSite:
    return live_site(database, tmp_path)


def _published(site: LiveSite, **more: object) -> str:
    new = NewClipping(headline="Court frees 3", section="latest", summary="It was 6 to 3.", **more)  # type: ignore[arg-type]
    with site.database.write() as session:
        return store.publish(session, store.add(session, new, now=site.clock()).id, now=site.clock()).id


def test_what_was_wrong_stands_on_the_page_and_in_the_feeds_and_only_then_does_updated_move(site: LiveSite) -> None:
    one = _published(site)
    with site.database.write() as session:
        before = store.get(session, one).updated_at
        correct(
            session, one, note="The vote was <7> to 2.", changes={"summary": "It was 7 to 2."}, now=site.clock() + LATER
        )
        after = store.get(session, one)
        assert (after.summary, after.headline) == ("It was 7 to 2.", "Court frees 3")
        assert before is not None
        assert after.updated_at == before + LATER
        assert after.published_at is not None
        published, updated = rfc3339(after.published_at), rfc3339(after.updated_at)
        address = store.path(after)
    page = site.visitor.get(address).text
    assert "The vote was &lt;7&gt; to 2." in page
    assert "Corrected " in page
    assert "It was 7 to 2." in page
    atom = site.visitor.get("/feeds/atom.xml").text
    assert f"<updated>{updated}</updated>" in atom
    assert f"<published>{published}</published>" in atom
    (item,) = site.visitor.get("/feeds/feed.json").json()["items"]
    assert "The vote was &lt;7&gt; to 2." in item["content_html"]
    assert item["summary"].startswith("Corrected ")


def test_two_corrections_in_one_second_stand_apart(site: LiveSite) -> None:
    moments = []
    for _ in range(2):
        one = _published(site)
        with site.database.write() as session:
            moments.append(correct(session, one, note="Wrong.", changes={}, now=site.clock() + LATER).updated_at)
    assert len(set(moments)) == 2


def test_a_correction_is_a_new_revision_so_that_feeds_are_made_anew(site: LiveSite) -> None:
    one = _published(site)
    with site.database.write() as session:
        before = session.scalar(select(Site.revision))
        correct(session, one, note="Wrong.", changes={}, now=site.clock())
        assert session.scalar(select(Site.revision)) == (before or 0) + 1


def test_what_cannot_be_corrected_is_refused_and_nothing_changes(site: LiveSite) -> None:
    one = _published(site)
    bad: list[tuple[dict[str, str | None], str]] = [
        ({"headline": " "}, "the headline is empty"),
        ({"link": "nonsense"}, "no web address"),
        ({"section": "x"}, "section cannot be corrected"),
        ({"dateline": "someday"}, "someday"),
    ]
    for changes, words in bad:
        with pytest.raises((BadClipping, BadDateline), match=words), site.database.write() as session:
            correct(session, one, note="Wrong.", changes={"summary": "new", **changes}, now=site.clock())
    with pytest.raises(BadClipping, match="the note is empty"), site.database.write() as session:
        correct(session, one, note=" \x07", changes={}, now=site.clock())
    with pytest.raises(NotFound), site.database.write() as session:
        correct(session, "gone", note="Wrong.", changes={}, now=site.clock())
    with site.database.write() as session:
        assert (store.get(session, one).summary, store.get(session, one).correction) == ("It was 6 to 3.", None)
        draft = store.add(session, NewClipping(headline="D", section="latest"), now=site.clock()).id
        store.retract(session, one, now=site.clock())
    for clipping, state in ((draft, "draft"), (one, "retracted")):
        with pytest.raises(Refused, match=f"is {state}"), site.database.write() as session:
            correct(session, clipping, note="Wrong.", changes={}, now=site.clock())


def test_on_the_command_line_it_voids_an_approval_and_says_so(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site: Console = new_site(tmp_path_factory, tmp_path / "site")
    (one,) = site("clip", "add", "--headline", "One", "--deck", "D", "--publish").done().lines
    site("edition", "draft", "weekly").done()
    site("edition", "approve", "1").done()
    ran = site("clip", "correct", one, "--note", "It was two.", "--headline", "Two", "--deck", "", "--json").done()
    assert (ran.json["headline"], ran.json["deck"], ran.json["correction"]) == ("Two", None, "It was two.")
    assert ran.json["corrected_at"] is not None
    assert "edition 1 was approved and is draft now" in ran.err
    assert site("edition", "show", "1", "--json").done().json["state"] == "draft"
    assert "no clipping" in site("clip", "correct", "gone", "--note", "x").refused(1)
    assert "dateline" in site("clip", "correct", one, "--note", "x", "--dateline", "someday").refused(2)
    assert datetime.fromisoformat(ran.json["corrected_at"]).tzinfo == UTC
