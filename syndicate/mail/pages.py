"""What a mail's templates get and give: the values of a digest and of each letter, plain and frozen."""

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
class AppealLine:
    """A call for support, plainly labelled as one."""

    text: str
    url: str


@dataclass(frozen=True)
class DigestItem:
    """A clipping in a digest. `url` is what the headline links to, `page_url` our own page, `link` the original.

    `dateline` is written out ("March 2009"); texts that are not known are empty. `correction` says what was corrected.
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
    correction: str = ""


@dataclass(frozen=True)
class DigestPage:
    """All that the templates of a digest may use, those of `single` and `correction` too.

    `date` is the local day; `number` None for an edition without one; `sections` pairs a section's name with its items,
    in the order of the mail. Where the mail would be too large, `more` are items that stand on the web alone, and
    `rest` is how many further ones do that, not even named here; `total` counts all three. `title` is the subject that
    an editor wrote, "" for that of the template. What a correction is of is named by `corrects_number`, or by its day
    in `corrects` where it has none."""

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
    language: str = "en"
    more: tuple[DigestItem, ...] = ()
    rest: int = 0
    appeal: AppealLine | None = None
    title: str = ""
    corrects: str = ""
    corrects_number: int | None = None


@dataclass(frozen=True)
class ConfirmPage:
    """All that the templates of a confirmation may use: `digests` are the names of what was asked for. Nothing that
    a visitor typed is here, so that nobody can send words of theirs through us."""

    site: SiteLines
    digests: tuple[str, ...]
    days: int = 7
    language: str = "en"


@dataclass(frozen=True)
class WelcomePage:
    """All that the templates of a welcome may use: the names of the digests that come from now on, and when the first
    of them does, in words, where that is known."""

    site: SiteLines
    digests: tuple[str, ...]
    next_at: str = ""
    language: str = "en"


@dataclass(frozen=True)
class GoodbyePage:
    """All that the templates of a goodbye may use: the names of the digests that ended, for how many days the button of
    the slot `back` brings them back, and where to subscribe anew after that."""

    site: SiteLines
    digests: tuple[str, ...]
    subscribe_url: str
    days: int = 7
    language: str = "en"


@dataclass(frozen=True)
class LetterTestPage:
    """All that the templates of a test may use: a letter that shows that mail leaves and arrives. `at` is in words."""

    site: SiteLines
    at: str
    language: str = "en"


@dataclass(frozen=True)
class NoticePage:
    """All that the templates of a notice to the operator may use; the words for it are theirs.

    `occasion` is "waits", "skipped", "incomplete", "held", "paused" or "outbox"; `digest` and `edition` say of what,
    `due` in words when it should have gone. `reason` is what the program noted, in English; `commands` are those of
    ours that help, `link` a page where there is one."""

    site: SiteLines
    occasion: str
    digest: str = ""
    edition: int = 0
    due: str = ""
    reason: str = ""
    commands: tuple[str, ...] = ()
    link: str = ""
    language: str = "en"


@dataclass(frozen=True)
class InvitationPage:
    """All that the templates of an invitation to the desk may use: the role, who invites, and for how long."""

    site: SiteLines
    role: str
    invited_by: str
    days: int = 7
    language: str = "en"


LetterPage = ConfirmPage | WelcomePage | GoodbyePage | LetterTestPage | NoticePage | InvitationPage
Page = DigestPage | LetterPage
