"""The tables of config.toml as frozen, typed values. Each class is one table of config.toml; defaults stand here.

Settings whose default depends on other settings or on the site folder are filled in by config.defaults.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from syndicate.config.kinds import (
    Address,
    DatabaseUrl,
    Domain,
    Duration,
    FilePath,
    Host,
    Language,
    Lasting,
    Line,
    Networks,
    Paragraph,
    PlainName,
    ScheduleText,
    Selector,
    Sender,
    SiteUrl,
    Slug,
    Text,
    Timezone,
    WebUrl,
    Words,
    no_truth,
)
from syndicate.config.texts import split_sender

Count = Annotated[int, BeforeValidator(no_truth), Field(ge=1, le=1_000_000)]
Rate = Annotated[float, BeforeValidator(no_truth), Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Quota = Annotated[int, BeforeValidator(no_truth), Field(ge=0, le=1_000_000_000)]
Port = Annotated[int, BeforeValidator(no_truth), Field(ge=1, le=65535)]


class Table(BaseModel):
    """What every table has in common: nothing can change it, and it takes no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Site(Table):
    """`[site]`: who we are. `url` has no slash at the end; `secret_file` is absolute. `further_languages` is
    `languages` in the file."""

    name: Text
    url: SiteUrl
    secret_file: FilePath
    tagline: Line = ""
    about: Words = ""
    language: Language = "en"
    further_languages: tuple[Language, ...] = Field(default=(), alias="languages")
    timezone: Timezone = "America/New_York"
    contact: Address
    postal_address: Paragraph

    @property
    def languages(self) -> tuple[str, ...]:
        """All that mail is written in, each once; the site's own first."""
        return tuple(dict.fromkeys((self.language, *self.further_languages)))


class Database(Table):
    """`[database]`: a sqlite path is absolute. The url may hold a password and is never shown."""

    url: DatabaseUrl = Field(repr=False)


class Smtp(Table):
    """`[mail.smtp]`: the relay. `rate` is messages a second, `domain_rate` to one receiving domain, `daily_quota`
    messages in a day of UTC; 0 is no limit."""

    host: Host = "localhost"
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "none"
    username: Text | None = None
    password: SecretStr | None = None
    connections: Annotated[Count, Field(le=200)] = 10
    messages_per_connection: Count = 100
    rate: Rate = 0
    daily_quota: Quota = 0
    domain_rate: Rate = 0

    @property
    def name(self) -> str:
        """What the ledger calls the relay."""
        return f"{self.host}:{self.port}"


class DkimKey(Table):
    """`[[mail.dkim.keys]]`: a private key (RSA or ed25519, PEM) and the selector it is published under."""

    selector: Selector
    key_file: FilePath


class Dkim(Table):
    """`[mail.dkim]`: whether we sign, and as which domain."""

    sign: bool = True
    domain: Domain
    keys: tuple[DkimKey, ...] = ()


class Bounces(Table):
    """`[mail.bounces]`: how bounces come in: as mail to the bounce domain. Nothing more needs to be set."""


class Mail(Table):
    """`[mail]`: what stands in the mail we send. `sender` is `from` in the file."""

    sender: Sender = Field(alias="from")
    reply_to: Address | None = None
    bounce_domain: Domain
    list_domain: Domain
    smtp: Smtp = Smtp()
    dkim: Dkim
    bounces: Bounces = Bounces()

    @property
    def from_name(self) -> str:
        """The display name of `sender`, "" when it has none."""
        return split_sender(self.sender)[0]

    @property
    def from_address(self) -> str:
        """The bare address of `sender`."""
        return split_sender(self.sender)[1]


class Sending(Table):
    """`[sending]`: what happens to doubtful, late and unwelcome mail."""

    uncertain: Literal["hold", "resend"] = "hold"
    late: Literal["send", "hold", "skip"] = "hold"
    late_after: Lasting = timedelta(hours=6)
    hold_period: Duration = timedelta(0)
    give_up: Lasting = timedelta(hours=72)


class FeedSettings(Table):
    """`[feeds]`: `size` is entries in a feed."""

    size: Annotated[Count, Field(le=1000)] = 50
    full_text: bool = True
    hub: WebUrl | None = None


class Desk(Table):
    """`[desk]`: the editors' part."""

    approval: bool = False
    session: Lasting = timedelta(hours=12)


class Budgets(Table):
    """`[budgets]`: how much confirmation mail strangers can make us send."""

    address_a_day: Count = 3
    network_an_hour: Count = 20


class Privacy(Table):
    """`[privacy]`: how long network addresses are kept."""

    ip_retention: Duration = timedelta(days=30)


class Operator(Table):
    """`[operator]`: whom the program writes to when something is wrong."""

    address: Address


class Section(Table):
    """`[[sections]]`: a named stream of clippings."""

    slug: Slug
    name: Text
    about: Words = ""


class PartnerLink(Table):
    """One more link of a partner."""

    name: Text
    url: WebUrl


class Partner(Table):
    """`[[partners]]`: an allied organisation; `also` are further links shown beside its own."""

    slug: Slug
    name: Text
    url: WebUrl
    about: Line = ""
    feed: WebUrl | None = None
    also: tuple[PartnerLink, ...] = ()


class Digest(Table):
    """`[[digests]]`: a recurring newsletter. `sender` is `from` in the file; None means that of `[mail]`, as for
    `reply_to`."""

    slug: Slug
    name: Text
    schedule: ScheduleText
    cutoff: Duration = timedelta(0)
    sections: tuple[Slug, ...]
    min_items: Count = 1
    max_items: Annotated[Count, Field(le=500)] = 30
    max_age: Lasting = timedelta(days=45)
    template: PlainName = "digest"
    sender: Sender | None = Field(default=None, alias="from")
    reply_to: Address | None = None


class Web(Table):
    """`[web]`: where the pages are served."""

    host: Host = "127.0.0.1"
    port: Port = 8000
    trusted_proxies: Networks = ()
