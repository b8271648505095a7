"""A site opened for work: its configuration, keys, database and the parts built from them."""

import os
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

from subscribers import events
from subscribers.budgets import Limits
from subscribers.stoplist import StopList
from syndicate.app.composing import MailMaker
from syndicate.config import Config, load
from syndicate.database import Database
from syndicate.editions.lifecycle import Editions
from syndicate.editions.records import find, first_seen
from syndicate.keys import SiteKeys, load_secret
from syndicate.leaving.catching_up import catch_up
from syndicate.mail.render import Renderer
from syndicate.mail.sign import load_keys
from syndicate.mail.smtp import Relay
from syndicate.migrations import require_current
from syndicate.notices import Notices
from syndicate.outbox.limits import Limit
from syndicate.publishing.documents import Documents
from syndicate.sender.countfile import CountFile
from syndicate.sender.process import Identity, Sender, Times
from syndicate.sender.terms import Terms
from syndicate.signup import SignUp

# The limit on sign-ups of a network counts the last hour, so a network is kept that long in any case.
_LIMITS_LOOK_BACK = timedelta(hours=1)


STOP_LIST = "stop.list"
"""The file beside the secret that remembers who has left, whatever copy of the database is put back."""


def utc_now() -> datetime:
    """The clock of a running site."""
    return datetime.now(UTC)


def program_version() -> str:
    """The installed version of the program."""
    try:
        return version("syndicate-news")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True)
class App:
    """The parts of one site. Close it when done; it is a context manager."""

    config: Config
    keys: SiteKeys
    database: Database
    renderer: Renderer
    signup: SignUp
    stops: StopList
    editions: Editions
    documents: Documents
    clock: Callable[[], datetime]

    def relay(self) -> Relay:
        """The relay of the configuration."""
        smtp = self.config.mail.smtp
        return Relay(
            host=smtp.host,
            port=smtp.port,
            security=smtp.security,
            username=smtp.username,
            password=smtp.password.get_secret_value() if smtp.password else None,
        )

    def mail_maker(self) -> MailMaker:
        """Makes the mail of a job. Raises DkimKeyFault (exit 2) when a key that should sign is not there."""
        return MailMaker(self.database, self.config, self.keys, load_keys(self.config.mail.dkim), self.renderer)

    def sender(self, times: Times | None = None) -> Sender:
        """A new sender, not yet opened, for a database that knows all that the stop list does. Raises
        NobodyKnowsWhoLeft."""
        catch_up(self.database, (self.stops,), now=self.clock())
        smtp = self.config.mail.smtp
        terms = Terms(
            relay=self.relay(),
            compose=self.mail_maker(),
            clock=self.clock,
            chance=random.random,
            doubt=self.config.sending.uncertain,
            stops=self.stops,
            messages_per_connection=smtp.messages_per_connection,
            login=self._login(),
            limit=Limit(smtp.rate, smtp.daily_quota),
            domain_rate=smtp.domain_rate,
        )
        identity = Identity(socket.gethostname(), program_version())
        return Sender(
            self.database,
            terms,
            connections=smtp.connections,
            identity=identity,
            count_file=self.count_file(),
            times=times,
        )

    def count_file(self) -> CountFile:
        """The file by which an older database is told."""
        return CountFile(self.config.site.secret_file)

    def _login(self) -> str | None:
        """A keyed hash of the relay's login; None without one."""
        relay = self.relay()
        if relay.username is None:
            return None
        return self.keys.login_hash(relay.security, relay.username, relay.password or "")

    def tick(self) -> None:
        """Decide what is due now, tell the operator what needs a person, and forget what was kept long enough."""
        now = self.clock()
        catch_up(self.database, (self.stops,), now=now)
        self._forget(now - max(self.config.privacy.ip_retention, _LIMITS_LOOK_BACK))
        try:
            self.editions.tick(self.database, now)
        finally:
            Notices(self.config, self.keys).tell(self.database, now)  # what failed keeps back no notice

    def _forget(self, before: datetime) -> None:
        with self.database.read() as session:
            needed = events.has_networks(session, before)
        if needed:  # most minutes there is nothing, and then nothing is written
            with self.database.write() as session:
                events.forget_networks(session, before)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> "App":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_site(path: Path, *, environ: Mapping[str, str] = os.environ, clock: Callable[[], datetime] = utc_now) -> App:
    """Open the site of this config.toml.

    Raises ConfigError, MissingSecret, WrongShape or UsageError, each one line with its remedy."""
    config = load(path, environ=environ)
    keys = load_secret(config.site.secret_file)
    database = Database(config.database.url)
    try:
        require_current(database)
        _see_digests(database, config, clock())
    except BaseException:
        database.close()
        raise
    renderer = Renderer(config.folder / "templates")
    stops = StopList(config.site.secret_file.with_name(STOP_LIST), mark=keys.address_mark)
    return App(
        config=config,
        keys=keys,
        database=database,
        renderer=renderer,
        signup=SignUp(
            keys,
            config.digest_slugs,
            config.site.language,
            stops,
            Limits(config.budgets.address_a_day, config.budgets.network_an_hour),
        ),
        stops=stops,
        editions=Editions(config, renderer),
        documents=Documents(config),
        clock=clock,
    )


def _see_digests(database: Database, config: Config, now: datetime) -> None:
    """Remember digests that are new. Looks first: a command that only reads must not wait for who writes."""
    slugs = config.digest_slugs
    with database.read() as session:
        if all(find(session, slug) for slug in slugs):
            return
    with database.write() as session:
        first_seen(session, slugs, now=now)
