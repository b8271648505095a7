"""From the page of an edition to the mail that is sent: rendered, inlined, measured and composed once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from subscribers.tokens import base32
from syndicate.config import Config, Digest
from syndicate.editions.fitting import LARGEST_HTML, TooLarge, fit
from syndicate.editions.given_up import GivenUp
from syndicate.editions.pages import digest_page
from syndicate.editions.snapshot import Snapshot
from syndicate.errors import SyndicateError
from syndicate.mail.compose import Composition, Headers, compose
from syndicate.mail.pages import DigestPage
from syndicate.mail.render import Renderer

_FILLED_SLOT = 160
"""Bytes that a filled slot may be longer than its mark: an address on the site with a token."""


class MailTooLarge(SyndicateError):
    """An edition that cannot be made small enough."""


@dataclass(frozen=True)
class Made:
    """A mail of an edition, and what was given up to make it fit; None if nothing was."""

    composition: Composition
    given_up: GivenUp | None


@dataclass(frozen=True)
class Composer:
    """Composes editions with the site's templates. The same snapshot and moment give the same bytes."""

    config: Config
    renderer: Renderer
    largest_html: int = LARGEST_HTML

    def variants(self, digest: Digest, snapshot: Snapshot, *, number: int | None, at: datetime) -> tuple[Made, ...]:
        """The mails of this edition, one for each language that the site writes mail in, its own first. Raises as
        `compose` does."""
        languages = self.config.site.languages
        return tuple(self.compose(digest, snapshot, number=number, at=at, language=one) for one in languages)

    def compose(
        self, digest: Digest, snapshot: Snapshot, *, number: int | None, at: datetime, language: str | None = None
    ) -> Made:
        """The mail of this edition in one language, the site's if none is given; `at` is its Date. Raises
        TemplateFault, or MailTooLarge when even one item does not fit below the size at which mail is clipped."""
        page = digest_page(self.config, digest, snapshot, number=number, at=at, language=language)
        template = digest.template if snapshot.corrects is None else "correction"
        fitted = fit(
            page,
            compose=lambda shown: self._composed(digest, snapshot, shown, template=template, at=at),
            size=html_size,
            limit=self.largest_html,
        )
        if isinstance(fitted, TooLarge):
            raise MailTooLarge(
                f"edition {snapshot.id} has {fitted.size} bytes of HTML with one item, where "
                f"{self.largest_html} is the most: "
                f"shorten its note, the partners' lines or the template {template!r}"
            )
        return Made(fitted.composed, fitted.given_up)

    def _composed(
        self, digest: Digest, snapshot: Snapshot, page: DigestPage, *, template: str, at: datetime
    ) -> Composition:
        mail = self.config.mail
        rendered = self.renderer.render(template, page)
        headers = Headers(
            sender=digest.sender or mail.sender,
            reply_to=digest.reply_to or mail.reply_to,
            subject=snapshot.subject or rendered.subject,
            date=at,
            list_id=f"{digest.name} <{digest.slug}.{mail.list_domain}>",
            list_unsubscribe_mailto=None,
            archive=f"{self.config.site.url}/editions/{digest.slug}",
            feedback_id=f"{snapshot.uid}:{digest.slug}:{snapshot.kind}:{_sender_id(mail.list_domain)}",
            kind="digest",
            message_domain=mail.list_domain,
            language=page.language,
        )
        return compose(rendered, headers, boundary_seed=snapshot.uid)


def _sender_id(domain: str) -> str:
    """The last field of Feedback-ID: what a large mailbox provider groups our mail by; 5 to 15 characters of its own,
    the same for ever."""
    return base32(hashlib.sha256(domain.encode()).digest())[:12]


def html_size(composition: Composition) -> int:
    """The bytes of the HTML part as a mail program holds it, its slots filled."""
    return len(composition.html.encode()) + _FILLED_SLOT * sum(
        piece.part == "html" and bool(piece.slot) for piece in composition.pieces
    )
