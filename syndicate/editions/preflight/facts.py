"""What the checks look at: one composed mail, read as a mail program reads it, and what the site says of itself."""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from lxml import html as lxml_html

from syndicate.config import Config, Digest
from syndicate.config.texts import split_sender
from syndicate.mail.compose import Composition
from syndicate.mail.slots import SLOTS, mark


@dataclass(frozen=True)
class Facts:
    """What the site says: the link to it, the domains that vouch for its mail, its postal address, the most bytes of
    HTML. `signing` is the domain that signs, None where the relay does."""

    url: str
    sender_domain: str
    signing: str | None
    bounce_domain: str
    postal_address: str
    largest_html: int

    @classmethod
    def of(cls, config: Config, digest: Digest, *, largest_html: int) -> "Facts":
        """Those of the configuration, for one digest."""
        dkim = config.mail.dkim
        return cls(
            url=config.site.url,
            sender_domain=split_sender(digest.sender or config.mail.sender)[1].rpartition("@")[2].lower(),
            signing=dkim.domain.lower() if dkim.sign else None,
            bounce_domain=config.mail.bounce_domain.lower(),
            postal_address=config.site.postal_address,
            largest_html=largest_html,
        )

    @property
    def host(self) -> str:
        """The host of the site, without its port."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Link:
    """A link of the HTML part and the words that carry it."""

    href: str
    words: str


@dataclass(frozen=True)
class Seen:
    """One variant of an edition with its slots filled by example: `size` is its HTML in bytes."""

    language: str
    subject: str
    text: str
    html: str
    size: int

    @classmethod
    def of(cls, composition: Composition, *, url: str, size: int) -> "Seen":
        """What a reader of this composition sees."""

        def filled(part: str) -> str:
            for slot in SLOTS:
                part = part.replace(mark(slot), "November 2026" if slot == "since" else f"{url}/{slot}/example")
            return part

        text, html = filled(composition.text), filled(composition.html)
        return cls(composition.language, composition.subject, text, html, size)

    @cached_property
    def root(self) -> lxml_html.HtmlElement | None:
        """The HTML part as a tree; None where there is none."""
        return lxml_html.document_fromstring(self.html) if self.html.strip() else None

    @cached_property
    def elements(self) -> tuple[lxml_html.HtmlElement, ...]:
        """All elements of the HTML part in order; comments are none."""
        return () if self.root is None else tuple(one for one in self.root.iter() if isinstance(one.tag, str))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """All links of the HTML part, in order."""
        return tuple(
            Link(one.get("href", ""), " ".join(one.text_content().split()))
            for one in self.elements
            if one.tag == "a" and one.get("href") is not None
        )
