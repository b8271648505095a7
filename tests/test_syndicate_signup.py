"""Signing up: one answer for everybody, a letter for who may have one, and a link that does what it says."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, listing, suppression
from subscribers.addresses import parse
from subscribers.budgets import Limits, network_of
from subscribers.errors import InvalidAddress
from subscribers.models import ConsentEvent, Subscriber
from subscribers.recipients import count
from subscribers.tokens import TokenKeys
from syndicate.database import Database
from syndicate.errors import NotFound
from syndicate.keys import SiteKeys
from syndicate.models import Letter
from syndicate.outbox import letters
from syndicate.signup import ConfirmPage, Outcome, SignUp, UnknownDigest

KEYS = SiteKeys(TokenKeys({1: b"0123456789abcdef"}, 1), b"another key for addresses")
DOOR = SignUp(keys=KEYS, digests=("weekly", "daily"), language="en", stops=Kept(), limits=Limits(network_an_hour=5))
ALICE = "Alice@example.org"
NETWORK = network_of("192.0.2.7")
DAY = timedelta(days=1)


def ask(
    session: Session, now: datetime, address: str = ALICE, digests: tuple[str, ...] = ("weekly",), door: SignUp = DOOR
) -> Outcome:
    return door.ask(session, address, digests, way="form", words="Send me mail", network=NETWORK, now=now)


def filed(session: Session) -> list[Letter]:
    return list(session.scalars(select(Letter).order_by(Letter.id)))


def last_token(session: Session) -> str:
    return KEYS.confirm_token([letter for letter in filed(session) if letter.kind == "confirm"][-1].uid)


def state_of(session: Session, address: str = ALICE) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    found = listing.find(session, KEYS.address_hash(parse(address).key))
    assert found is not None
    return found.state, found.digests, found.asked


def test_who_asks_gets_a_letter_and_who_confirms_gets_the_digest(database: Database, now: datetime) -> None:
    with database.write() as session:
        assert ask(session, now, digests=("weekly", "weekly")) == "asked"
    with database.read() as session:
        (letter,) = filed(session)
        assert (letter.kind, letter.address, letter.state, letter.language) == ("confirm", ALICE, "queued", "en")
        assert letter.params == {"digests": ["weekly"]}
        assert letter.asked_at == now
        token = last_token(session)
        page = DOOR.confirm_page(session, token, now + DAY)
        assert page == ConfirmPage("valid", "A…e@example.org", ("weekly",), letter.subscriber_id)
        assert state_of(session) == ("unconfirmed", (), ("weekly",))
    with database.write() as session:
        assert DOOR.confirm(session, token, way="page", now=now + DAY) == page
        assert DOOR.confirm(session, token.upper(), way="page", now=now + 2 * DAY) == page
        assert state_of(session) == ("confirmed", ("weekly",), ())
        assert count(session, "weekly", now=now) == 1
        _, welcome = filed(session)  # one, however often the link is used
        assert (welcome.kind, welcome.address, welcome.asked_at) == ("welcome", ALICE, now + DAY)
        assert welcome.params["digests"] == ["weekly"]


def test_the_answer_tells_nobody_who_is_subscribed(database: Database, now: datetime) -> None:
    """New, waiting, confirmed, left, suppressed, erased and over budget: `asked`. Only the mail differs."""
    door = replace(DOOR, limits=Limits(network_an_hour=100))
    with database.write() as session:
        for name in ("waiting", "confirmed", "left", "suppressed"):
            ask(session, now, f"{name}@example.org", door=door)
            if name in ("confirmed", "left"):
                DOOR.confirm(session, last_token(session), way="page", now=now)
        found = listing.find(session, KEYS.address_hash("left@example.org"))
        assert found is not None
        consent.unsubscribe(session, found.id, None, way="page", stops=Kept(), now=now)
        for name in ("suppressed", "erased"):
            address_hash = KEYS.address_hash(f"{name}@example.org")
            suppression.suppress(session, address_hash, address=None, reason="erased", stops=Kept(), now=now)
        before, later = len(filed(session)), now + timedelta(hours=1)
        names = ("new", "waiting", "confirmed", "left", "suppressed", "erased")
        assert {ask(session, later, f"{name}@example.org", door=door) for name in names} == {"asked"}
        got = [letter.address.split("@")[0] for letter in filed(session)[before:]]
        assert got == ["new", "waiting", "confirmed", "left"]
        assert {ask(session, later, f"{name}@example.org", door=door) for name in names} == {"asked"}
        assert len(filed(session)) == before + 4
        assert state_of(session, "confirmed@example.org") == ("confirmed", ("weekly",), ())
        assert state_of(session, "left@example.org") == ("unsubscribed", (), ("weekly",))


def test_an_address_gets_three_letters_a_day_however_often_it_is_typed(database: Database, now: datetime) -> None:
    door = replace(DOOR, limits=Limits(network_an_hour=1000))
    with database.write() as session:
        for minute in range(0, 24 * 60, 7):
            assert ask(session, now + timedelta(minutes=minute), door=door) == "asked"
        sent = [letter.asked_at - now for letter in filed(session)]
        assert sent == [timedelta(minutes=minute) for minute in (0, 14, 28)]
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 3


def test_a_network_that_asks_too_much_is_told_so_and_leaves_no_trace(database: Database, now: datetime) -> None:
    with database.write() as session:
        answers = [ask(session, now, f"reader{n}@example.org") for n in range(7)]
        assert answers == ["asked"] * 5 + ["too-many"] * 2
        assert ask(session, now, "reader0@example.org") == "too-many", "the answer must not tell who asked lately"
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 5
        other = DOOR.ask(session, ALICE, ("weekly",), way="command", words="subscriber add", now=now)
        assert other == "asked"
        assert ask(session, now + timedelta(hours=1), "reader7@example.org") == "asked"


def test_suppressed_addresses_count_for_their_network_as_all_others_do(database: Database, now: datetime) -> None:
    """Else twenty tries beside one address would tell whether it is suppressed."""
    with database.write() as session:
        suppression.suppress(
            session, KEYS.address_hash(parse(ALICE).key), address=None, reason="complaint", stops=Kept(), now=now
        )
        addresses = [ALICE, *(f"reader{n}@example.org" for n in range(5))]
        assert [ask(session, now, address) for address in addresses] == ["asked"] * 5 + ["too-many"]


@pytest.mark.parametrize("address", ["", "alice", "alice@example.org\nBcc: bob@example.org", "zoë@example.org"])
def test_a_malformed_address_is_said_and_changes_nothing(
    sqlite_database: Database, now: datetime, address: str
) -> None:
    with sqlite_database.write() as session:
        with pytest.raises(InvalidAddress):
            ask(session, now, address)
        assert listing.listing(session) == []


@pytest.mark.parametrize("digests", [(), ("hourly",), ("weekly", "hourly"), ("\x00",), ("x" * 5000,)])
def test_a_digest_that_is_not_there_is_said_and_changes_nothing(
    sqlite_database: Database, now: datetime, digests: tuple[str, ...]
) -> None:
    with sqlite_database.write() as session:
        with pytest.raises(UnknownDigest, match="there is: weekly, daily") as caught:
            ask(session, now, digests=digests)
        assert isinstance(caught.value, NotFound)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 120
        assert listing.listing(session) == []


def test_a_link_works_for_seven_days_and_then_says_that_it_is_too_old(database: Database, now: datetime) -> None:
    with database.write() as session:
        ask(session, now)
        token, end = last_token(session), now + 7 * DAY
        assert DOOR.confirm_page(session, token, end - timedelta(seconds=1)).state == "valid"
        assert DOOR.confirm_page(session, token, end).state == "expired"
        assert DOOR.confirm(session, token, way="page", now=end).state == "expired"
        assert state_of(session) == ("unconfirmed", (), ("weekly",))


def test_a_link_confirms_what_its_own_letter_asked_and_no_more(database: Database, now: datetime) -> None:
    with database.write() as session:
        ask(session, now, digests=("weekly",))
        first = last_token(session)
        ask(session, now + timedelta(hours=1), digests=("daily",))
        assert DOOR.confirm(session, first, way="page", now=now + DAY).digests == ("weekly",)
        assert state_of(session) == ("confirmed", ("weekly",), ("daily",))
        DOOR.confirm(session, last_token(session), way="page", now=now + DAY)
        assert state_of(session) == ("confirmed", ("daily", "weekly"), ())


def test_an_old_link_brings_nobody_back_and_a_new_one_does(database: Database, now: datetime) -> None:
    with database.write() as session:
        ask(session, now)
        token = last_token(session)
        page = DOOR.confirm(session, token, way="page", now=now)
        assert page.subscriber_id is not None
        consent.unsubscribe(session, page.subscriber_id, "weekly", way="one-click", stops=Kept(), now=now + DAY)
        assert DOOR.confirm_page(session, token, now + DAY).state == "expired"
        assert DOOR.confirm(session, token, way="page", now=now + DAY).state == "expired"
        assert state_of(session) == ("unsubscribed", (), ())
        ask(session, now + 2 * DAY)
        assert DOOR.confirm(session, last_token(session), way="page", now=now + 2 * DAY).state == "valid"
        assert state_of(session) == ("confirmed", ("weekly",), ())


def test_a_link_of_a_digest_that_is_gone_is_overtaken(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        ask(session, now, digests=("weekly", "daily"))
        token = last_token(session)
        assert replace(DOOR, digests=("daily",)).confirm_page(session, token, now).digests == ("daily",)
        assert replace(DOOR, digests=("monthly",)).confirm(session, token, way="page", now=now).state == "expired"


def test_what_is_no_confirmation_link_of_ours_is_invalid(database: Database, now: datetime) -> None:
    with database.write() as session:
        ask(session, now)
        letter = filed(session)[0]
        notice = letters.ask(
            session,
            kind="notice",
            address=ALICE,
            address_hash=letter.address_hash,
            subscriber_id=letter.subscriber_id,
            language="en",
            params={"digests": ["weekly"]},
            now=now,
        )
        token = KEYS.confirm_token(letter.uid)
        wrong = [
            "",
            "x",
            letter.uid,
            token[:-1],
            token[:-2] + ("aa" if token[-2:] != "aa" else "bb"),
            KEYS.tokens.sign("preferences", letter.uid),
            KEYS.tokens.sign("confirm", "aaaaaaaaaaaaaaaa"),
            KEYS.confirm_token(notice.uid),
            "\ud800-\x00",
            "\ud800-abcdefgh",
            f"{letter.uid}-a\udfff",
        ]
        for text in wrong:
            assert DOOR.confirm_page(session, text, now) == ConfirmPage("invalid"), text
            assert DOOR.confirm(session, text, way="page", now=now) == ConfirmPage("invalid"), text
        assert state_of(session) == ("unconfirmed", (), ("weekly",))


def test_a_page_that_is_only_shown_changes_nothing(database: Database, now: datetime) -> None:
    with database.write() as session:
        ask(session, now)
        token = last_token(session)
    with database.read() as session:
        for moment in (now, now + 8 * DAY):
            DOOR.confirm_page(session, token, moment)
        assert not session.new
        assert not session.dirty
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 1


def test_a_failure_after_the_consent_leaves_neither_consent_nor_letter(database: Database, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        ask(session, now)
        raise ZeroDivisionError
    with database.read() as session:
        assert filed(session) == []
        assert listing.listing(session) == []


def test_parallel_asks_of_one_address_make_one_subscriber_and_one_letter(database: Database, now: datetime) -> None:
    start = threading.Barrier(5, timeout=20)
    answers: list[object] = []

    def press() -> None:
        start.wait()
        try:
            with database.write() as session:
                answers.append(ask(session, now))
        except BaseException as error:  # noqa: BLE001 - told to the test, which fails by it
            answers.append(error)

    threads = [threading.Thread(target=press) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == ["asked"] * 5
    with database.read() as session:
        assert len(filed(session)) == 1
        assert len(listing.listing(session)) == 1


def test_parallel_asks_of_one_network_stay_within_its_budget(database: Database, now: datetime) -> None:
    start = threading.Barrier(12)
    outcomes: list[Outcome] = []

    def press(number: int) -> None:
        start.wait()
        with database.write() as session:
            outcomes.append(ask(session, now, f"reader{number}@example.org"))

    threads = [threading.Thread(target=press, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["asked"] * 5 + ["too-many"] * 7
    with database.read() as session:
        assert len(filed(session)) == 5
