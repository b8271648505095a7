"""Coming and going: who becomes a recipient by what, and the proof that each step leaves."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stops import Kept

from subscribers import consent, listing, suppression
from subscribers.addresses import parse
from subscribers.errors import HasLeft, Suppressed, UnknownSubscriber
from subscribers.listing import Listed
from subscribers.models import ConsentEvent, Subscriber, Subscription
from subscribers.recipients import count, recipients, still_wanted
from syndicate.database import Database

ALICE = parse("Alice@example.org")
WORDS = "Send me the weekly digest"


def hash_of(key: str) -> str:
    """A stand-in for the keyed hash: the rooms only compare it."""
    return key[:32]


@dataclass
class Door:
    """What one person does, each step a minute after the other."""

    session: Session
    at: datetime
    address: str = "Alice@example.org"

    def _tick(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at

    def ask(self, *digests: str, language: str = "en") -> consent.Asked:
        return consent.ask(
            self.session,
            parse(self.address),
            digests,
            hash_of=hash_of,
            language=language,
            way="form",
            words=WORDS,
            source="https://news.example.org/",
            network="192.0.2.0/24",
            now=self._tick(),
        )

    def confirm(self, *digests: str) -> bool:
        return consent.confirm(self.session, self.seen.id, digests, way="page", stops=Kept(), now=self._tick())

    def add(self, *digests: str) -> Subscriber:
        return consent.add(
            self.session,
            parse(self.address),
            digests,
            hash_of=hash_of,
            language="en",
            consent="signed the sheet at the annual meeting, 2026-03-14",
            way="command",
            now=self._tick(),
        )

    def leave(self, digest: str | None) -> tuple[str, ...]:
        return consent.unsubscribe(self.session, self.seen.id, digest, way="one-click", stops=Kept(), now=self._tick())

    @property
    def seen(self) -> Listed:
        found = listing.find(self.session, hash_of(parse(self.address).key))
        assert found is not None
        return found

    @property
    def kinds(self) -> list[tuple[str, str | None]]:
        return [(line.kind, line.digest) for line in listing.history(self.session, self.seen.id)]


def test_asking_makes_nobody_a_recipient_and_confirming_does(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        asked = alice.ask("weekly", "daily", "weekly")
        assert (asked.suppressed, asked.subscriber.state) == (False, "unconfirmed")
        assert (alice.seen.digests, alice.seen.asked) == ((), ("daily", "weekly"))
        assert count(session, "weekly", now=now) == 0
        assert alice.confirm("weekly")
    with database.read() as session:
        alice = Door(session, now)
        assert (alice.seen.state, alice.seen.digests, alice.seen.asked) == ("confirmed", ("weekly",), ("daily",))
        assert alice.seen.since == now + timedelta(minutes=2)
        rows = session.execute(recipients("weekly", now=now)).all()
        assert [tuple(row) for row in rows] == [(alice.seen.id, "Alice@example.org", "en")]
        assert count(session, "daily", now=now) == 0
        assert alice.kinds == [("asked", "weekly"), ("asked", "daily"), ("confirmed", "weekly")]


def test_every_event_keeps_the_words_the_way_and_the_network(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        asked = alice.ask("weekly")
        consent.confirm(
            session, asked.subscriber.id, ("weekly",), way="page", words="Yes, send it", stops=Kept(), now=now
        )
        first, second = listing.history(session, asked.subscriber.id)
    assert (first.way, first.words, first.source, first.network) == (
        "form",
        WORDS,
        "https://news.example.org/",
        "192.0.2.0/24",
    )
    assert (second.way, second.words, second.network, second.at) == ("page", "Yes, send it", None, now)


def test_confirming_again_is_harmless_and_leaves_no_second_proof(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.ask("weekly")
        assert [alice.confirm("weekly") for _ in range(3)] == [True, True, True]
        assert alice.kinds == [("asked", "weekly"), ("confirmed", "weekly")]
        assert alice.seen.since == now + timedelta(minutes=2)


def test_an_active_person_who_asks_again_loses_nothing(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.ask("weekly")
        alice.confirm("weekly")
        asked = alice.ask("weekly", "daily", language="de")
        assert (asked.subscriber.state, asked.subscriber.language, asked.suppressed) == ("confirmed", "en", False)
        assert (alice.seen.digests, alice.seen.asked) == (("weekly",), ("daily",))
        assert count(session, "weekly", now=now) == 1
        assert alice.confirm("weekly", "daily")
        assert alice.seen.digests == ("daily", "weekly")


def test_who_left_stays_away_until_they_confirm_again(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.ask("weekly")
        alice.confirm("weekly")
        assert alice.leave("weekly") == ("weekly",)
        assert alice.seen.state == "unsubscribed"
        assert not alice.confirm("weekly")  # the old link is in the mailbox still
        assert alice.ask("weekly").subscriber.state == "unsubscribed"
        assert count(session, "weekly", now=now) == 0
        assert alice.confirm("weekly")
        assert (alice.seen.state, alice.seen.digests) == ("confirmed", ("weekly",))
        assert count(session, "weekly", now=now) == 1


def test_leaving_one_digest_keeps_the_others_and_leaving_twice_is_harmless(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.add("weekly", "daily")
        assert alice.leave("weekly") == ("weekly",)
        assert alice.leave("weekly") == ()
        assert alice.leave("never-heard-of") == ()
        assert (alice.seen.state, alice.seen.digests) == ("confirmed", ("daily",))
        assert (count(session, "weekly", now=now), count(session, "daily", now=now)) == (0, 1)
        assert alice.leave(None) == ("daily",)
        assert alice.leave(None) == ()
        assert alice.seen.state == "unsubscribed"
        assert [kind for kind, _ in alice.kinds].count("unsubscribed") == 2


def test_a_digest_that_only_waits_is_no_digest_left(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.add("weekly")
        alice.ask("daily")
        alice.leave("weekly")
        assert (alice.seen.state, alice.seen.asked) == ("unsubscribed", ("daily",))
        assert alice.confirm("daily")
        assert (alice.seen.state, alice.seen.digests) == ("confirmed", ("daily",))


def test_who_never_confirmed_may_leave_too(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.ask("weekly", "daily")
        assert alice.leave("daily") == ("daily",)
        assert alice.seen.state == "unconfirmed"
        assert alice.leave("weekly") == ("weekly",)
        assert alice.seen.state == "unsubscribed"
        assert not alice.confirm("weekly", "daily")
        with pytest.raises(HasLeft):
            alice.add("weekly")


def test_stated_consent_confirms_at_once_and_is_kept_as_proof(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        subscriber = alice.add("weekly")
        assert (subscriber.state, alice.seen.digests) == ("confirmed", ("weekly",))
        alice.add("weekly")
        alice.add("weekly", "daily")
        assert alice.kinds == [("imported", "weekly"), ("imported", "daily")]
        line = listing.history(session, subscriber.id)[0]
        assert (line.source, line.way) == ("signed the sheet at the annual meeting, 2026-03-14", "command")


def test_stated_consent_revives_nobody(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.add("weekly", "daily")
        alice.leave("daily")
        with pytest.raises(HasLeft, match="has left daily") as caught:
            alice.add("monthly", "daily")
        assert caught.value.digests == ("daily",)
        assert alice.seen.digests == ("weekly",)
        alice.leave(None)
        with pytest.raises(HasLeft, match=r"Alice@example\.org is unsubscribed"):
            alice.add("weekly")
        assert (
            count(session, "weekly", now=now),
            count(session, "daily", now=now),
            count(session, "monthly", now=now),
        ) == (0, 0, 0)


def test_stated_consent_of_a_suppressed_address_is_refused_with_the_reason(database: Database, now: datetime) -> None:
    with database.write() as session:
        suppression.suppress(session, hash_of(ALICE.key), address=None, reason="hard-bounce", stops=Kept(), now=now)
        with pytest.raises(Suppressed, match=r"Alice@example.org is suppressed \(hard-bounce\)"):
            Door(session, now).add("weekly")
        assert listing.listing(session) == []


def test_a_suppressed_address_that_asks_is_noted_and_wishes_for_nothing(database: Database, now: datetime) -> None:
    with database.write() as session:
        suppression.suppress(session, hash_of(ALICE.key), address=None, reason="complaint", stops=Kept(), now=now)
        alice = Door(session, now)
        assert alice.ask("weekly").suppressed
        assert (alice.seen.state, alice.seen.asked, alice.seen.suppressed) == ("unconfirmed", (), "complaint")
        assert alice.kinds == [("asked", "weekly")]
        assert not alice.confirm("weekly")


def test_who_is_suppressed_after_asking_cannot_confirm(database: Database, now: datetime) -> None:
    with database.write() as session:
        alice = Door(session, now)
        alice.ask("weekly")
        suppression.suppress(session, hash_of(ALICE.key), address=None, reason="complaint", stops=Kept(), now=now)
        assert not alice.confirm("weekly")
        assert alice.seen.state == "unconfirmed"


def test_the_same_person_in_other_letters_is_the_same_subscriber(database: Database, now: datetime) -> None:
    with database.write() as session:
        first = Door(session, now, address="Alice@example.org").ask("weekly").subscriber
        second = Door(session, now, address="aLICE@EXAMPLE.ORG").ask("daily").subscriber
        assert first.id == second.id
        assert second.address == "Alice@example.org"


def test_still_wanted_names_those_who_have_not_left(database: Database, now: datetime) -> None:
    with database.write() as session:
        people = [Door(session, now, address=f"{name}@example.org") for name in ("ann", "bob", "cleo", "dora")]
        ids = [person.add("weekly").id for person in people]
        people[1].leave("weekly")
        suppression.suppress(
            session, hash_of("cleo@example.org"), address=None, reason="complaint", stops=Kept(), now=now
        )
        wanted = session.scalars(still_wanted("weekly", ids[:3], now=now)).all()
        assert list(wanted) == [ids[0]]
        assert list(session.scalars(still_wanted("weekly", [], now=now))) == []


@pytest.mark.parametrize("state", ["unconfirmed", "unsubscribed"])
def test_an_active_wish_alone_makes_no_recipient(database: Database, now: datetime, state: str) -> None:
    """No step of ours leaves rows like that; a repair by hand, or an import into the tables, might."""
    with database.write() as session:
        subscriber = Door(session, now).add("weekly")
        subscriber.state = state
        session.flush()
        assert session.execute(recipients("weekly", now=now)).all() == []
        assert session.execute(still_wanted("weekly", [subscriber.id], now=now)).all() == []
        assert count(session, "weekly", now=now) == 0


def test_a_wish_keeps_the_moment_since_when_it_is_so(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        alice = Door(session, now)
        alice.ask("weekly")
        alice.ask("weekly")
        assert session.scalars(select(Subscription.since)).one() == now + timedelta(minutes=1)
        alice.confirm("weekly")
        alice.confirm("weekly")
        assert session.scalars(select(Subscription.since)).one() == now + timedelta(minutes=3)


def test_what_no_database_can_hold_is_left_out_of_the_proof(database: Database, now: datetime) -> None:
    with database.write() as session:
        asked = consent.ask(
            session,
            ALICE,
            ("weekly",),
            hash_of=hash_of,
            language="en",
            way="form",
            words="Send\u00a0me\x00 it\ud800\nplease",
            source="\x00" + "x" * 5000,
            now=now,
        )
        (line,) = listing.history(session, asked.subscriber.id)
        assert line.words == "Send\u00a0me it\nplease"
        assert line.source == "x" * 500


def test_an_unknown_subscriber_is_said_so(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        assert not consent.confirm(session, 4711, ("weekly",), way="page", stops=Kept(), now=now)
        with pytest.raises(UnknownSubscriber, match="4711"):
            consent.unsubscribe(session, 4711, None, way="page", stops=Kept(), now=now)


def test_parallel_asks_of_one_new_address_make_one_subscriber(database: Database, now: datetime) -> None:
    started = threading.Barrier(4, timeout=20)
    failures: list[BaseException] = []

    def ask(digest: str) -> None:
        try:
            started.wait()
            with database.write() as session:
                Door(session, now).ask(digest)
        except BaseException as error:  # noqa: BLE001 - told to the test, which fails by it
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(digest,)) for digest in ("daily", "weekly", "monthly", "weekly")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 1
        assert Door(session, now).seen.asked == ("daily", "monthly", "weekly")
        assert len(Door(session, now).kinds) == 4


def test_who_meets_a_row_that_is_not_committed_yet_waits_and_finds_it(database: Database, now: datetime) -> None:
    done = threading.Event()

    def second() -> None:
        with database.write() as session:
            Door(session, now).ask("daily")
        done.set()

    thread = threading.Thread(target=second)
    with database.write() as session:
        Door(session, now).ask("weekly")
        thread.start()
        assert not done.wait(0.3)
    thread.join(30)
    assert done.is_set()
    with database.read() as session:
        assert Door(session, now).seen.asked == ("daily", "weekly")


def test_two_changes_of_one_person_at_once_see_each_other(database: Database, now: datetime) -> None:
    """Each ends one of two digests: whoever comes second must find that nothing is left."""
    with database.write() as session:
        alice_id = Door(session, now).add("daily", "weekly").id

    def second() -> None:
        with database.write() as session:
            consent.unsubscribe(session, alice_id, "daily", way="one-click", stops=Kept(), now=now)

    thread = threading.Thread(target=second)
    with database.write() as session:
        consent.unsubscribe(session, alice_id, "weekly", way="one-click", stops=Kept(), now=now)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(30)
    with database.read() as session:
        assert Door(session, now).seen.state == "unsubscribed"


def test_nobody_waits_to_leave_while_rows_that_name_them_are_written(postgres_url: str, now: datetime) -> None:
    """As a freeze does, for thousands at once. (SQLite has one writer at a time, and a fair lock.)"""
    database = Database(postgres_url)
    with database.write() as session:
        alice_id = Door(session, now).add("weekly").id

    def leave() -> None:
        with database.write() as session:
            consent.unsubscribe(session, alice_id, None, way="one-click", stops=Kept(), now=now)

    thread = threading.Thread(target=leave)
    with database.write() as session:
        session.add(ConsentEvent(subscriber_id=alice_id, kind="changed", at=now, way="test"))
        session.flush()
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
    with database.read() as session:
        assert Door(session, now).seen.state == "unsubscribed"
    database.close()
