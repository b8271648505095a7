"""What a mail's templates get and give: the values of a digest and of a confirmation, plain and frozen."""

from dataclasses import dataclass
from datetime import date

from syndicate.config import Site


@dataclass(frozen=True)
class Rendered:
    """A mail as text: the subject on one line, the two bodies with slots as marks, the HTML inlined."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class SiteLines:
    """The site as its mails show it."""

    name: str
    url: str
    tagline: str
    postal_address: str
    language: str
    contact: str

    @classmethod
    def of(cls, site: Site) -> "SiteLines":
        """Those of the configuration."""
        return cls(site.name, site.url, site.tagline, site.postal_address, site.language, site.contact)


@dataclass(frozen=True)
class DigestLines:
    """The digest as its mails show it."""

    slug: str
    name: str


@dataclass(frozen=True)
class PartnerLink:
    """A further link of a partner."""

    name: str
    url: str


@dataclass(frozen=True)
class PartnerLine:
    """A partner: `about` is one line and may be empty, `also` are its further links."""

    name: str
    url: str
    about: str
    also: tuple[PartnerLink, ...] = ()


@dataclass(frozen=True)
class DigestItem:
    """A clipping in a digest. `url` is what the headline links to, `page_url` our own page, `link` the original.

    `dateline` is written out ("March 2009"); texts that are not known are empty.
    """

    number: int
    headline: str
    url: str
    page_url: str
    link: str | None = None
    dateline: str = ""
    publication: str = ""
    place: str = ""
    byline: str = ""
    deck: str = ""
    summary: str = ""


@dataclass(frozen=True)
class DigestPage:
    """All that the templates of a digest may use. `date` is the local day; `number` None for an edition without one;
    `sections` pairs a section's name with its items, in the order of the mail; `total` counts the items."""

    site: SiteLines
    digest: DigestLines
    number: int | None
    date: date
    note: str | None
    sections: tuple[tuple[str, tuple[DigestItem, ...]], ...]
    partners: tuple[PartnerLine, ...]
    view_url: str
    subscribe_url: str
    total: int


@dataclass(frozen=True)
class ConfirmPage:
    """All that the templates of a confirmation may use: `digests` are the names of what was asked for. Nothing that
    a visitor typed is here, so that nobody can send words of theirs through us."""

    site: SiteLines
    digests: tuple[str, ...]
    days: int = 7


Page = DigestPage | ConfirmPage
