"""A whole configuration as one frozen value, with its look-ups."""

from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from syndicate.config.tables import (
    Budgets,
    Database,
    Desk,
    Digest,
    FeedSettings,
    Mail,
    Operator,
    Partner,
    Privacy,
    Section,
    Sending,
    Site,
    Web,
)
from syndicate.errors import NotFound


class Config(BaseSettings):
    """A whole configuration, read once and passed down. `folder` (the site folder) and `path` are no settings."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    folder: Path
    path: Path
    site: Site
    database: Database
    mail: Mail
    sending: Sending = Sending()
    feeds: FeedSettings = FeedSettings()
    desk: Desk = Desk()
    budgets: Budgets = Budgets()
    privacy: Privacy = Privacy()
    operator: Operator
    sections: tuple[Section, ...]
    partners: tuple[Partner, ...] = ()
    digests: tuple[Digest, ...]
    web: Web = Web()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: config.reading merges the file and the environment, and knows which was which."""
        return (init_settings,)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of `site.timezone`."""
        return ZoneInfo(self.site.timezone)

    @property
    def digest_slugs(self) -> tuple[str, ...]:
        """The slugs of all digests, in the order of the file."""
        return tuple(digest.slug for digest in self.digests)

    def section(self, slug: str) -> Section:
        """The section of that slug. Raises NotFound."""
        return _named(self.sections, slug, "section")

    def section_name(self, slug: str) -> str:
        """The name of that section; the slug itself once it has left config.toml (`check` says so), as what stands in
        it must stay readable."""
        return next((section.name for section in self.sections if section.slug == slug), slug)

    def digest(self, slug: str) -> Digest:
        """The digest of that slug. Raises NotFound."""
        return _named(self.digests, slug, "digest")

    def partner(self, slug: str) -> Partner:
        """The partner of that slug. Raises NotFound."""
        return _named(self.partners, slug, "partner")


Named = TypeVar("Named", Section, Digest, Partner)


def _named(things: tuple[Named, ...], slug: str, noun: str) -> Named:
    for thing in things:
        if thing.slug == slug:
            return thing
    known = ", ".join(thing.slug for thing in things) or "none"
    raise NotFound(f"there is no {noun} {slug!r:.60} in config.toml (there is: {known})")
