"""A subscriber's own page: pause, language, their data, erasing; and the page of an unsubscribe link with its ways."""

import json
import re
from pathlib import Path

import pytest
from public_site import LiveSite, live_site
from sqlalchemy import delete, select
from stops import Kept

from subscribers.addresses import parse
from subscribers.models import Subscriber
from subscribers.recipients import count
from subscribers.suppression import suppress
from subscribers.tokens import TokenKeys
from syndicate.config import load
from syndicate.database import Database
from syndicate.keys import SiteKeys
from syndicate.models import Site

ADDRESS = "ann.reed@example.org"


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> LiveSite:
    return live_site(sqlite_database, tmp_path)


def getting(site: LiveSite, digest: str = "weekly") -> int:
    with site.database.read() as session:
        return count(session, digest, now=site.clock())


def said(text: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_a_pause_begins_is_shown_and_ends_by_a_button_or_by_itself(site: LiveSite) -> None:
    own = site.preferences_path(site.subscriber(ADDRESS))
    for fields, day in (
        ({"length": "4-weeks"}, "22 December 2026"),
        ({"length": "3-months"}, "23 February 2027"),
        ({"length": "until", "until": "2026-11-25"}, "25 November 2026"),
    ):
        done = site.visitor.post(f"{own}/pause", fields)
        assert done.status_code == 200
        assert f"Nothing comes before {day}." in done.text
        assert f"nothing comes before {day}" in site.visitor.get(own).text
        assert getting(site) == 0
    assert "The pause is over" in site.visitor.post(f"{own}/pause", {"length": "none"}).text
    assert getting(site) == 1
    assert "You have a pause" not in site.visitor.get(own).text
    site.visitor.post(f"{own}/pause", {"length": "until", "until": "2026-11-25"})
    site.clock.pass_by(hours=17)  # midnight in New York
    assert getting(site) == 1
    assert "You have a pause" not in site.visitor.get(own).text


@pytest.mark.parametrize("until", ["", "2026-11-24", "2026-11-01", "2028-01-01", "soon", "2026-02-30", "9999-12-31"])
def test_a_day_that_cannot_be_changes_nothing_and_is_told_on_the_page(site: LiveSite, until: str) -> None:
    own = site.preferences_path(site.subscriber(ADDRESS))
    before = site.fingerprint()
    answer = site.visitor.post(f"{own}/pause", {"length": "until", "until": until})
    assert answer.status_code == 422
    assert "Choose a day from tomorrow on" in answer.text
    assert site.visitor.post(f"{own}/pause", {"length": "for ever"}).status_code == 422
    assert site.fingerprint() == before


def test_the_language_of_the_mails_is_chosen_among_those_of_the_site(sqlite_database: Database, tmp_path: Path) -> None:
    site = live_site(sqlite_database, tmp_path)
    uid = site.subscriber(ADDRESS)
    own = site.preferences_path(uid)
    assert "Language of our mail" not in site.visitor.get(own).text
    file = tmp_path / "config.toml"
    file.write_text(file.read_text().replace("tagline =", 'languages = ["es"]\ntagline =', 1))
    with site.database.write() as session:
        session.execute(delete(Site))  # a live site makes its own row
    several = LiveSite(site.database, load(file, {}))
    page = several.visitor.get(own).text
    assert re.findall(r'name="language" value="(\w+)"( checked)?> <span lang="\w+">(\w+)<', page) == [
        ("en", " checked", "English"),
        ("es", "", "Español"),
    ]
    fields: dict[str, str | list[str]] = {"action": "save", "digest": ["weekly"], "language": "es"}
    assert "Saved" in several.visitor.post(own, fields).text
    with several.database.read() as session:
        assert session.scalars(select(Subscriber.language)).one() == "es"
    assert several.events(uid)[-1].words == "language es"
    before = several.fingerprint()
    assert several.visitor.post(own, {**fields, "language": "fr"}).status_code == 422
    several.visitor.post(own, fields)
    assert several.fingerprint() == before


def test_get_my_data_gives_all_that_is_stored_as_a_file(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    site.visitor.post(site.unsubscribe_path(uid))
    own = site.preferences_path(uid)
    before = site.fingerprint()
    answer = site.visitor.post(f"{own}/export")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    found = json.loads(answer.content)
    assert (found["address"], found["state"], found["language"]) == (ADDRESS, "unsubscribed", "en")
    assert [(one["digest"], one["state"]) for one in found["digests"]] == [("weekly", "ended")]
    assert [(one["kind"], one["source"]) for one in found["consent"]] == [
        ("imported", "on paper"),
        ("unsubscribed", None),
    ]
    assert [(one["kind"], one["state"], one["address"]) for one in found["letters"]] == [("goodbye", "queued", ADDRESS)]
    assert site.visitor.get(f"{own}/export").status_code == 200
    assert site.fingerprint() == before


def test_erasing_takes_two_steps_and_leaves_nobody_behind_the_links(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    own = site.preferences_path(uid)
    before = site.fingerprint()
    page = site.visitor.get(f"{own}/erase")
    assert "Erase me for good" in page.text
    assert ADDRESS not in page.text
    for fields in ({}, {"erase": "yes"}, {"List-Unsubscribe": "One-Click"}):
        assert site.visitor.post(f"{own}/erase", fields).status_code == 422
    assert site.fingerprint() == before
    assert "You are erased" in site.visitor.post(f"{own}/erase", {"erase": "for-good"}).text
    assert site.letters() == []
    with site.database.read() as session:
        assert session.scalars(select(Subscriber.address)).all() == [""]
    after = site.fingerprint()
    for path in (own, f"{own}/erase", f"{own}/pause", f"{own}/export", site.unsubscribe_path(uid)):
        assert "This link is of nobody any more" in site.visitor.get(path).text
    for path in (own, f"{own}/export"):
        assert site.visitor.post(path, {"action": "save", "digest": "weekly"}).status_code == 409
    assert site.visitor.post(f"{own}/pause", {"length": "4-weeks"}).status_code == 409
    assert site.visitor.post(site.unsubscribe_path(uid), {"back": "yes"}).status_code == 200
    assert site.visitor.post(f"{own}/erase", {"erase": "for-good"}).status_code == 200
    assert site.fingerprint() == after


def test_an_erased_address_that_somebody_types_is_not_stored_again(site: LiveSite) -> None:
    own = site.preferences_path(site.subscriber(ADDRESS))
    site.visitor.post(f"{own}/erase", {"erase": "for-good"})
    with site.database.write() as session:
        site.signup.ask(session, ADDRESS, ["weekly"], way="form", words="yes", now=site.clock())
    with site.database.read() as session:
        assert session.scalars(select(Subscriber.address)).all() == [""]


def test_the_page_of_a_mails_link_ends_this_one_or_everything(site: LiveSite) -> None:
    for leave, standing in (("this", ("confirmed", ("each-one",))), ("all", ("unsubscribed", ()))):
        uid = site.subscriber(f"{leave}@example.org", "weekly", "each-one")
        path = site.unsubscribe_path(uid)
        assert re.findall(r'name="leave" value="(\w+)"', site.visitor.get(path).text) == ["this", "all"]
        site.visitor.post(path, {"leave": leave})
        assert site.standing(uid) == standing
    one = site.subscriber(ADDRESS)
    assert re.findall(r'name="leave" value="(\w+)"', site.visitor.get(site.unsubscribe_path(one)).text) == ["this"]
    both = site.subscriber("click@example.org", "weekly", "each-one")
    site.visitor.post(site.unsubscribe_path(both), {"List-Unsubscribe": "One-Click", "leave": "all"})
    assert site.standing(both) == ("confirmed", ("each-one",)), "one click is of one digest"


def test_who_left_by_mistake_comes_back_by_the_same_link(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS, "weekly", "each-one")
    path = site.unsubscribe_path(uid)
    left = site.visitor.post(path, {"leave": "all"})
    assert "Each one and Weekly digest do not come to you any more." in said(left.text)
    assert "Until 1 December 2026 this button brings back exactly what has ended." in left.text
    site.clock.pass_by(days=6)
    before = site.fingerprint()
    assert 'name="back"' in site.visitor.get(path).text
    assert site.fingerprint() == before
    back = site.visitor.post(path, {"back": "yes"})
    assert "To a…d@example.org : Each one, Weekly digest." in said(back.text)
    assert site.standing(uid) == ("confirmed", ("each-one", "weekly"))
    after = site.fingerprint()
    assert "It comes again" in site.visitor.post(path, {"back": "yes"}).text
    assert site.fingerprint() == after
    site.visitor.post(path, {"leave": "this"})
    site.clock.pass_by(days=7)
    assert 'name="back"' not in site.visitor.get(path).text
    assert "Subscribe again" in site.visitor.post(path, {"back": "yes"}).text
    assert site.standing(uid) == ("confirmed", ("each-one",))


def test_an_address_that_gets_nothing_is_told_why_on_its_page(site: LiveSite) -> None:
    own = site.preferences_path(site.subscriber(ADDRESS))
    with site.database.write() as session:
        gone = parse(ADDRESS)
        suppress(
            session, site.keys.address_hash(gone.key), address=None, reason="complaint", stops=Kept(), now=site.clock()
        )
    assert "reported as spam from it" in site.visitor.get(own).text


def test_a_link_works_in_any_case_and_a_cut_forged_or_strange_one_is_refused(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    token = site.keys.preferences_token(uid)
    other = SiteKeys(TokenKeys({1: b"x" * 32}, 1), b"a" * 32)
    later = SiteKeys(TokenKeys({2: b"y" * 32}, 2), b"a" * 32)
    for end in ("", "/pause", "/export", "/erase"):
        assert site.visitor.get(f"/preferences/{token.upper()}{end}").status_code == 200
        strange = (token[:-1], f"{token}a", other.preferences_token(uid), later.preferences_token(uid))
        for one in (*strange, site.keys.unsubscribe_token(uid, "weekly"), site.keys.confirm_token(uid), uid):
            for answer in (
                site.visitor.get(f"/preferences/{one}{end}"),
                site.visitor.post(f"/preferences/{one}{end}", {"length": "none", "erase": "for-good"}),
            ):
                assert answer.status_code == 404
                assert "no link of ours" in answer.text
    assert site.standing(uid) == ("confirmed", ("weekly",))


def test_only_forms_and_links_of_a_persons_own_page_carry_the_token(site: LiveSite) -> None:
    own = site.preferences_path(site.subscriber(ADDRESS))
    page = site.visitor.get(own)
    assert page.headers["referrer-policy"] == "no-referrer"
    token = own.rsplit("/", 1)[1]
    shown = said(page.text)
    assert token not in shown
    assert "pass on https://valley.test/subscribe" in shown
    for link in re.findall(r'(?:href|action)="([^"]*)"', page.text):
        assert token not in link or link.startswith(own)
    assert ADDRESS not in page.text
