"""How people come and go by the pages: sign-up, confirmation, choice, leaving; GET shows and POST acts."""

import re
from pathlib import Path

import pytest
from public_site import LiveSite, Visitor, live_site
from stops import Kept

from subscribers.addresses import parse
from subscribers.suppression import suppress
from syndicate.database import Database
from syndicate.web.public.subscribing import TRAP

ADDRESS = "ann.reed@example.org"


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> LiveSite:
    return live_site(sqlite_database, tmp_path)


def form(
    site: LiveSite, email: str = ADDRESS, *digests: str, wait: float = 4, **more: str
) -> dict[str, str | list[str]]:
    """The sign-up form as a person sends it: fetched, filled in, sent after a while."""
    page = site.visitor.get("/subscribe").text
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    site.clock.pass_by(seconds=wait)
    return {"email": email, "digest": list(digests or ("weekly",)), "token": token[1], TRAP: "", **more}


def ask(site: LiveSite, email: str = ADDRESS, *digests: str) -> None:
    assert site.visitor.post("/subscribe", form(site, email, *digests)).status_code == 200


def test_a_form_files_a_wish_and_its_letter_and_wakes_the_sender(site: LiveSite) -> None:
    answer = site.visitor.post("/subscribe", form(site, ADDRESS, "weekly", "each-one"))
    assert answer.status_code == 200
    assert "Look in your mailbox" in answer.text
    (letter,) = site.letters()
    assert (letter.kind, letter.address, letter.params) == ("confirm", ADDRESS, {"digests": ["weekly", "each-one"]})
    assert site.woken == 1
    uid = site.uid(ADDRESS)
    assert site.standing(uid) == ("unconfirmed", ())
    events = site.events(uid)
    assert [(e.kind, e.digest, e.way, e.network) for e in events] == [
        ("asked", "weekly", "form", "203.0.113.0/24"),
        ("asked", "each-one", "form", "203.0.113.0/24"),
    ]
    assert events[0].words in site.visitor.get("/subscribe").text


def test_the_form_has_a_box_for_each_digest(site: LiveSite) -> None:
    for path in ("/", "/subscribe"):
        page = site.visitor.get(path).text
        assert re.findall(r'type="checkbox" name="digest" value="([^"]+)"', page) == ["weekly", "each-one"]
        assert re.search(rf'<div class="trap" aria-hidden="true">.*name="{TRAP}"[^>]*tabindex="-1"', page)


def test_everybody_gets_the_same_answer(site: LiveSite) -> None:
    site.subscriber("active@example.org")
    left = site.subscriber("left@example.org")
    site.visitor.post(site.unsubscribe_path(left))
    with site.database.write() as session:
        gone = parse("gone@example.org")
        suppress(
            session,
            site.keys.address_hash(gone.key),
            address=gone.display,
            reason="hard-bounce",
            stops=Kept(),
            now=site.clock(),
        )
    ask(site, "waiting@example.org")
    answers = []
    for name in ("new", "active", "left", "gone", "waiting", "waiting"):
        answer = site.visitor.post("/subscribe", form(site, f"{name}@example.org"))
        answers.append((answer.status_code, answer.content, sorted(answer.headers.items())))
    trapped = site.visitor.post("/subscribe", form(site, **{TRAP: "buy this"}))
    answers.append((trapped.status_code, trapped.content, sorted(trapped.headers.items())))
    assert len({repr(answer) for answer in answers}) == 1
    assert {letter.address for letter in site.letters()} == {
        f"{n}@example.org" for n in ("new", "active", "left", "waiting")
    }


def test_who_asked_is_told_which_sender_to_look_for(site: LiveSite) -> None:
    assert "a mail from <strong>review@valley.test</strong>" in site.visitor.post("/subscribe", form(site)).text


def test_a_filled_trap_does_nothing(site: LiveSite) -> None:
    before = site.fingerprint()
    assert site.visitor.post("/subscribe", form(site, **{TRAP: "x"})).status_code == 200
    assert site.fingerprint() == before
    assert site.woken == 0


def test_a_form_that_comes_back_too_fast_is_shown_again_and_then_works(site: LiveSite) -> None:
    fields = form(site, wait=1)
    before = site.fingerprint()
    answer = site.visitor.post("/subscribe", fields)
    assert answer.status_code == 422
    assert f'value="{fields["token"]}"' in answer.text
    assert f'value="{ADDRESS}"' in answer.text
    assert site.fingerprint() == before
    site.clock.pass_by(seconds=3)
    assert site.visitor.post("/subscribe", fields).status_code == 200
    assert len(site.letters()) == 1


@pytest.mark.parametrize("wait", [2.0, 86_500])
def test_a_form_has_an_age(site: LiveSite, wait: float) -> None:
    assert site.visitor.post("/subscribe", form(site, wait=wait)).status_code == 422
    assert site.letters() == []


@pytest.mark.parametrize("wait", [3.0, 86_400])
def test_the_ages_at_the_edge_are_good(site: LiveSite, wait: float) -> None:
    assert site.visitor.post("/subscribe", form(site, wait=wait)).status_code == 200


def test_a_form_without_our_token_is_refused(site: LiveSite) -> None:
    good = form(site)
    stolen = site.keys.tokens.sign("preferences", "1700000000")
    for token in ("", "x", stolen, f"{good['token']}a", "1-a", "9" * 400):
        assert site.visitor.post("/subscribe", {**good, "token": token}).status_code == 422
    assert site.letters() == []


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b@c.org", '"a b"@example.org', "a@localhost", "ä@example.org", "a@" + "b" * 400]
)
def test_a_malformed_address_is_shown_again(site: LiveSite, email: str) -> None:
    before = site.fingerprint()
    answer = site.visitor.post("/subscribe", form(site, email))
    assert answer.status_code == 422
    assert "no e-mail address that we can write to" in answer.text
    assert site.fingerprint() == before


def test_a_mistake_in_the_form_can_be_mended_at_once(site: LiveSite) -> None:
    for mistake in ({"email": "nobody"}, {"digest": "unknown"}):
        fields = {**form(site), **mistake}
        answer = site.visitor.post("/subscribe", fields)
        again = re.search(r'name="token" value="([^"]+)"', answer.text)
        assert again is not None
        mended = {"email": ADDRESS, "digest": "weekly", "token": again[1]}
        assert site.visitor.post("/subscribe", mended).status_code == 200
    assert len(site.letters()) == 1


def test_nothing_ticked_or_something_unknown_is_shown_again(site: LiveSite) -> None:
    for digests in ([], ["unknown"], ["weekly", "unknown"], ["weekly", "x" * 1000]):
        answer = site.visitor.post("/subscribe", {**form(site), "digest": digests})
        assert answer.status_code == 422
        assert "Please tick" in answer.text
    assert site.letters() == []


def test_a_network_that_asks_too_much_waits(site: LiveSite) -> None:
    for number in range(20):
        ask(site, f"reader{number}@example.org")
    before = site.fingerprint()
    answer = site.visitor.post("/subscribe", form(site, "one.more@example.org"))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3600"
    assert site.fingerprint() == before
    elsewhere = Visitor(site.app, "198.51.100.7").post("/subscribe", form(site, "one.more@example.org"))
    assert elsewhere.status_code == 200
    assert Visitor(site.app, "203.0.113.77").get("/subscribe").status_code == 200


def test_a_forwarded_address_counts_only_from_a_proxy_we_trust(sqlite_database: Database, tmp_path: Path) -> None:
    site = live_site(sqlite_database, tmp_path, extra='[web]\ntrusted_proxies = ["10.0.0.0/8"]\n')
    headers = {"x-forwarded-for": "192.0.2.50"}
    Visitor(site.app, "203.0.113.9").post("/subscribe", form(site, "direct@example.org"), headers)
    Visitor(site.app, "10.1.2.3").post("/subscribe", form(site, "proxied@example.org"), headers)
    assert [e.network for e in site.events(site.uid("direct@example.org"))] == ["203.0.113.0/24"]
    assert [e.network for e in site.events(site.uid("proxied@example.org"))] == ["192.0.2.0/24"]


def test_looking_at_a_confirmation_changes_nothing_and_its_button_does(site: LiveSite) -> None:
    ask(site)
    path = site.confirm_path(site.letters()[0])
    before = site.fingerprint()
    for method in ("GET", "HEAD", "GET"):
        assert site.visitor.ask(method, path, headers={"purpose": "prefetch"}).status_code == 200
    page = site.visitor.get(path).text
    assert site.fingerprint() == before
    assert "a…d@example.org" in page
    assert ADDRESS not in page
    assert "Weekly digest</strong>, every Thursday at 09:00, New York time" in page
    assert page.count("<form") == 1
    assert page.count("<button") == 1
    done = site.visitor.post(path)
    assert done.status_code == 200
    assert site.standing(site.uid(ADDRESS)) == ("confirmed", ("weekly",))
    assert f'href="{site.preferences_path(site.uid(ADDRESS))}"' in done.text
    assert "Weekly digest</strong>, every Thursday at 09:00, New York time" in done.text
    assert site.woken == 2


def test_confirming_again_is_harmless(site: LiveSite) -> None:
    ask(site)
    path = site.confirm_path(site.letters()[0])
    first = site.visitor.post(path)
    after = site.fingerprint()
    second = site.visitor.post(path)
    assert (second.status_code, second.text) == (first.status_code, first.text)
    assert site.fingerprint() == after


def test_an_old_confirmation_says_so_and_offers_the_form(site: LiveSite) -> None:
    ask(site)
    path = site.confirm_path(site.letters()[0])
    site.clock.pass_by(days=8)
    before = site.fingerprint()
    for answer in (site.visitor.get(path), site.visitor.post(path)):
        assert answer.status_code == 200
        assert "This link has expired" in answer.text
        assert 'action="/subscribe"' in answer.text
    assert site.fingerprint() == before


def test_the_confirmation_of_somebody_who_may_not_be_mailed_any_more_confirms_nothing(site: LiveSite) -> None:
    ask(site)
    path = site.confirm_path(site.letters()[0])
    with site.database.write() as session:
        gone = parse(ADDRESS)
        suppress(
            session, site.keys.address_hash(gone.key), address=None, reason="complaint", stops=Kept(), now=site.clock()
        )
    before = site.fingerprint()
    for answer in (site.visitor.get(path), site.visitor.post(path)):
        assert "This link has expired" in answer.text
    assert site.fingerprint() == before
    assert site.standing(site.uid(ADDRESS)) == ("unconfirmed", ())


def test_a_confirmation_used_again_after_leaving_does_not_bring_back(site: LiveSite) -> None:
    ask(site)
    path = site.confirm_path(site.letters()[0])
    site.visitor.post(path)
    uid = site.uid(ADDRESS)
    site.visitor.post(site.unsubscribe_path(uid), {"List-Unsubscribe": "One-Click"})
    before = site.fingerprint()
    assert "This link has expired" in site.visitor.post(path).text
    assert site.fingerprint() == before


def test_a_token_of_another_purpose_opens_nothing(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    ask(site, "b@example.org")
    tokens = [path.rsplit("/", 1)[1] for path in (site.confirm_path(site.letters()[0]), site.preferences_path(uid))]
    tokens += [site.unsubscribe_path(uid).rsplit("/", 1)[1]]
    rooms = ("/confirm/", "/preferences/", "/unsubscribe/")
    before = site.fingerprint()
    for room, own in zip(rooms, tokens, strict=True):
        assert site.visitor.get(room + own).status_code == 200
        strangers = [token for token in tokens if token != own]
        for token in (*strangers, own[:-1], own + "a", "x", "-", "-".join("abc"), uid):
            assert site.visitor.get(room + token).status_code == 404
            assert site.visitor.post(room + token).status_code == 404
            assert site.visitor.post(room + token, {"List-Unsubscribe": "One-Click"}).status_code == 404
    assert site.fingerprint() == before


@pytest.mark.parametrize("how", ["urlencoded", "multipart", "untyped"])
def test_one_click_ends_the_digest_of_the_mail_at_once(site: LiveSite, how: str) -> None:
    uid = site.subscriber(ADDRESS, "weekly", "each-one")
    path = site.unsubscribe_path(uid, "each-one")
    body = {"List-Unsubscribe": (None, "One-Click")} if how == "multipart" else None
    more = {"files": body} if body else {"data": {"List-Unsubscribe": "One-Click"}}
    if how == "untyped":
        more = {"content": b"List-Unsubscribe=One-Click"}
    for _ in range(3):
        answer = site.visitor.ask("POST", path, **more)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert "set-cookie" not in answer.headers
    assert site.standing(uid) == ("confirmed", ("weekly",))
    assert [(e.kind, e.way, e.digest) for e in site.events(uid)][2:] == [("unsubscribed", "one-click", "each-one")]
    assert site.woken == 3


def test_one_click_of_the_last_digest_leaves_altogether(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    site.visitor.post(
        site.unsubscribe_path(uid).upper().replace("/UNSUBSCRIBE", "/unsubscribe"), {"List-Unsubscribe": "One-Click"}
    )
    assert site.standing(uid) == ("unsubscribed", ())


def test_the_leave_page_says_what_ends_and_its_button_ends_it(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS, "weekly", "each-one")
    path = site.unsubscribe_path(uid)
    before = site.fingerprint()
    page = site.visitor.get(path).text
    assert "Leave Weekly digest?" in page
    assert "Still coming after that: Each one" in page
    assert ADDRESS not in page
    assert site.fingerprint() == before
    done = site.visitor.post(path, {"leave": "yes"})
    assert "You have left" in done.text
    assert "Still coming: Each one" in done.text
    assert site.standing(uid) == ("confirmed", ("each-one",))
    assert [e.way for e in site.events(uid)][-1] == "page"
    after = site.fingerprint()
    assert "You have left" in site.visitor.post(path, {"leave": "yes"}).text
    assert "You have left" in site.visitor.get(path).text
    assert site.fingerprint() == after


def test_a_digest_that_the_site_gave_up_can_still_be_left(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS, "weekly", "given-up")
    assert (
        site.visitor.post(site.unsubscribe_path(uid, "given-up"), {"List-Unsubscribe": "One-Click"}).status_code == 200
    )
    assert site.standing(uid) == ("confirmed", ("weekly",))


def test_preferences_show_the_boxes_and_save_them(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS, "weekly", "given-up")
    path = site.preferences_path(uid)
    page = site.visitor.get(path).text
    assert re.findall(r'value="([^"]+)" checked', page) == ["weekly"]
    saved = site.visitor.post(path, {"action": "save", "digest": ["each-one"]})
    assert "Saved" in saved.text
    assert re.findall(r'value="([^"]+)" checked', saved.text) == ["each-one"]
    assert site.standing(uid) == ("confirmed", ("each-one", "given-up"))
    assert site.woken == 1


def test_a_form_that_none_of_the_buttons_sent_ends_nothing(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS, "weekly", "each-one")
    before = site.fingerprint()
    strays: tuple[dict[str, str | list[str]], ...] = (
        {},
        {"List-Unsubscribe": "One-Click"},
        {"digest": ["weekly"]},
        {"action": "all"},
    )
    for fields in strays:
        assert site.visitor.post(site.preferences_path(uid), fields).status_code == 422
    assert site.fingerprint() == before


def test_preferences_can_end_everything(site: LiveSite) -> None:
    for form_fields in ({"action": "leave-all", "digest": ["weekly"]}, {"action": "save"}):
        uid = site.subscriber(f"{form_fields['action']}@example.org", "weekly", "each-one")
        answer = site.visitor.post(site.preferences_path(uid), form_fields)
        assert answer.status_code == 200
        assert "nothing comes to you any more" in answer.text
        assert site.standing(uid) == ("unsubscribed", ())


def test_who_has_left_cannot_come_back_by_the_preferences(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    site.visitor.post(site.unsubscribe_path(uid))
    before = site.fingerprint()
    assert "You are not subscribed" in site.visitor.get(site.preferences_path(uid)).text
    answer = site.visitor.post(site.preferences_path(uid), {"action": "save", "digest": ["weekly"]})
    assert answer.status_code == 409
    assert site.fingerprint() == before


def test_an_unknown_digest_in_the_preferences_changes_nothing(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    before = site.fingerprint()
    answer = site.visitor.post(site.preferences_path(uid), {"action": "save", "digest": ["each-one", "unknown"]})
    assert answer.status_code == 422
    assert site.fingerprint() == before


def test_tokens_of_somebody_who_was_erased_are_answered_politely(site: LiveSite) -> None:
    nobody = "a" * 16
    assert site.visitor.get(site.unsubscribe_path(nobody)).status_code == 200
    assert site.visitor.post(site.unsubscribe_path(nobody), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert site.visitor.get(site.preferences_path(nobody)).status_code == 200
    assert site.visitor.post(site.preferences_path(nobody), {"action": "save"}).status_code == 409


def test_pages_of_one_person_are_kept_nowhere(site: LiveSite) -> None:
    uid = site.subscriber(ADDRESS)
    ask(site, "b@example.org")
    confirm = site.confirm_path(site.letters()[0])
    for path in (confirm, site.preferences_path(uid), site.unsubscribe_path(uid)):
        for answer in (site.visitor.get(path), site.visitor.post(path, {"action": "save", "digest": ["weekly"]})):
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "noindex" in answer.headers["x-robots-tag"]
            assert "set-cookie" not in answer.headers
            assert 'rel="canonical"' not in answer.text


def test_the_whole_way_on_both_databases(database: Database, tmp_path: Path) -> None:
    site = live_site(database, tmp_path)
    ask(site)
    site.visitor.post(site.confirm_path(site.letters()[0]))
    uid = site.uid(ADDRESS)
    site.visitor.post(site.preferences_path(uid), {"action": "save", "digest": ["weekly", "each-one"]})
    assert site.standing(uid) == ("confirmed", ("each-one", "weekly"))
    site.visitor.post(site.unsubscribe_path(uid), {"List-Unsubscribe": "One-Click"})
    assert site.standing(uid) == ("confirmed", ("each-one",))
    kinds = [(event.kind, event.way) for event in site.events(uid)]
    assert kinds == [("asked", "form"), ("confirmed", "page"), ("changed", "page"), ("unsubscribed", "one-click")]


def test_a_welcome_is_filed_once_and_a_goodbye_once_by_the_pages(site: LiveSite) -> None:
    ask(site, ADDRESS, "weekly", "each-one")
    path, uid = site.confirm_path(site.letters()[0]), site.uid(ADDRESS)
    for _ in range(2):
        assert site.visitor.post(path).status_code == 200
    assert [letter.kind for letter in site.letters()] == ["confirm", "welcome"]
    for _ in range(2):
        site.visitor.post(site.unsubscribe_path(uid), {"List-Unsubscribe": "One-Click"})
    assert [(letter.kind, letter.params["digests"]) for letter in site.letters()[2:]] == [("goodbye", ["weekly"])]
    site.clock.pass_by(minutes=25 * 60)
    assert site.visitor.post(site.preferences_path(uid), {"action": "save"}).status_code == 200
    assert [(letter.kind, letter.params["digests"]) for letter in site.letters()[3:]] == [("goodbye", ["each-one"])]


def test_the_links_of_a_test_mail_say_that_they_are_samples(site: LiveSite) -> None:
    before = site.fingerprint()
    for path in ("/unsubscribe/sample", "/preferences/sample"):
        for answer in (site.visitor.get(path), site.visitor.post(path, {"action": "leave-all"})):
            assert answer.status_code == 404
            assert "This is the sample of a link" in answer.text
    assert site.fingerprint() == before
