"""Subscribers as people read them, and the ids that name them."""

from datetime import datetime, timedelta

from stops import Kept

from subscribers import consent, suppression
from subscribers.addresses import parse
from subscribers.ids import new_uid
from subscribers.listing import Listed, by_uid, find, history, listing
from syndicate.database import Database


def test_the_list_holds_everybody_in_every_state(database: Database, now: datetime) -> None:
    with database.write() as session:
        ids = {}
        for minute, name in enumerate(("ann", "bob", "cleo", "dora")):
            asked = consent.ask(
                session,
                parse(f"{name}@example.org"),
                ("weekly", "daily"),
                hash_of=lambda key: key,
                language="en",
                way="form",
                words="Yes",
                now=now + timedelta(minutes=minute),
            )
            ids[name] = asked.subscriber.id
        later = now + timedelta(hours=1)
        consent.confirm(session, ids["bob"], ("weekly",), way="page", stops=Kept(), now=later)
        consent.confirm(session, ids["cleo"], ("daily", "weekly"), way="page", stops=Kept(), now=later)
        consent.unsubscribe(session, ids["cleo"], None, way="page", stops=Kept(), now=later)
        suppression.suppress(session, "dora@example.org", address=None, reason="by-hand", stops=Kept(), now=later)
    with database.read() as session:
        whole = listing(session)
        assert [(who.address, who.state, who.digests, who.asked, who.suppressed) for who in whole] == [
            ("ann@example.org", "unconfirmed", (), ("daily", "weekly"), None),
            ("bob@example.org", "confirmed", ("weekly",), ("daily",), None),
            ("cleo@example.org", "unsubscribed", (), (), None),
            ("dora@example.org", "unconfirmed", (), ("daily", "weekly"), "by-hand"),
        ]
        assert [who.since for who in whole] == [now, later, later, now + timedelta(minutes=3)]
        assert listing(session, limit=2) == whole[:2]
        assert listing(session, limit=0) == []
        assert find(session, "bob@example.org") == whole[1]
        assert by_uid(session, whole[2].uid) == whole[2]
        assert find(session, "nobody") is None
        assert by_uid(session, "nobody") is None
        assert history(session, 4711) == []


def test_what_is_listed_outlives_its_session(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        consent.add(
            session,
            parse("ann@example.org"),
            ("weekly",),
            hash_of=lambda key: key,
            language="en",
            consent="on paper",
            way="command",
            now=now,
        )
        (ann,) = listing(session)
    assert isinstance(ann, Listed)
    assert ann.digests == ("weekly",)


def test_a_fresh_uid_is_sixteen_characters_that_mail_software_cannot_change() -> None:
    seen = {new_uid() for _ in range(500)}
    assert len(seen) == 500
    assert all(len(uid) == 16 and set(uid) <= set("abcdefghijklmnopqrstuvwxyz234567") for uid in seen)
