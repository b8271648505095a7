"""Whole sites for acceptance tests: founded as `init` does it, with people and clippings."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from subscribers.ids import new_uid
from subscribers.models import Subscriber, Subscription
from syndicate.app.founding import Answers, found
from syndicate.app.parts import App
from syndicate.clippings.store import NewClipping, add, publish


def clock() -> datetime:
    return datetime.now(UTC)


def new_site(
    folder: Path,
    *,
    smtp_port: int,
    connections: int = 10,
    database_url: str | None = None,
    clock: Callable[[], datetime] = clock,
) -> Path:
    """A new site whose relay is on 127.0.0.1. Returns its config.toml."""
    answers = Answers(smtp_host="127.0.0.1", smtp_port=smtp_port)
    environ = {"SYNDICATE_DATABASE__URL": database_url} if database_url else {}
    config = found(folder, answers, clock=clock, environ=environ)
    text = config.read_text(encoding="utf-8")
    text = text.replace("connections = 10", f"connections = {connections}")
    if database_url:
        text = text.replace('url = "sqlite:///syndicate.db"', f'url = "{database_url}"')
    config.write_text(text, encoding="utf-8")
    return config


def readers(app: App, count: int) -> list[str]:
    """Add that many confirmed subscribers of the weekly digest; returns their addresses."""
    addresses, now = [f"reader{number:04}@example.net" for number in range(count)], app.clock()
    people = [
        Subscriber(
            uid=new_uid(),
            address=address,
            address_hash=app.keys.address_hash(address),
            state="confirmed",
            language="en",
            created_at=now,
            confirmed_at=now,
        )
        for address in addresses
    ]
    with app.database.write() as session:
        session.add_all(people)
        session.flush()
        session.add_all(
            Subscription(subscriber_id=one.id, digest="weekly", state="active", since=now) for one in people
        )
    return addresses


def publish_one(app: App, headline: str, section: str = "latest") -> str:
    """File and publish a clipping; returns its id."""
    with app.database.write() as session:
        made = add(
            session, NewClipping(headline=headline, section=section, link="https://example.com/story"), now=app.clock()
        )
        return publish(session, made.id, now=app.clock()).id
