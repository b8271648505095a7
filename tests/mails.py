"""Mails for tests: a site, its digest of so many items, and what is needed to send it. All of it invented."""

from datetime import UTC, date, datetime

from subscribers.tokens import TokenKeys
from syndicate.keys import SiteKeys
from syndicate.mail.compose import Composition, compose
from syndicate.mail.headers import Headers
from syndicate.mail.pages import (
    ConfirmPage,
    DigestItem,
    DigestLines,
    DigestPage,
    PartnerLine,
    PartnerLink,
    SiteLines,
)
from syndicate.mail.personal import EditionRef, LetterRef, MailSite, Person
from syndicate.mail.render import Renderer

AT = datetime(2026, 11, 19, 14, 0, tzinfo=UTC)
KEYS = SiteKeys(TokenKeys({1: b"1" * 32}, 1), b"a" * 32)
SITE = SiteLines(
    name="Coalition News",
    url="https://news.example.org",
    tagline="What was printed, clipped and sent on",
    postal_address="Coalition News, 1 Example Street, Springfield",
    language="en",
    contact="news@example.org",
)
MAIL_SITE = MailSite("https://news.example.org", "bounces.example.org", "news.example.org")
PERSON = Person("abcdefghijklmnop", "ann@example.net", datetime(2026, 5, 3, 12, 0, tzinfo=UTC))
EDITION = EditionRef(12, "eeeeeeeeeeeeeeee", "weekly", AT)
LETTER = LetterRef(7, "llllllllllllllll", AT)
PARTNERS = (
    PartnerLine("The Evening Alliance", "https://alliance.example", "Stands up in the evening."),
    PartnerLine(
        "River & Sons", "https://river.example/?a=1&b=2", "", (PartnerLink("The archive", "https://arch.example"),)
    ),
)
HEADLINES = (
    "County opens a night court for treatment",
    "What a pardon takes",
    "“Nobody asked us”: growers on the new licence",
    "Shorter terms from next year, but what of those already inside, and who is to tell them?",
)


def item(number: int) -> DigestItem:
    """One clipping of a digest: every second has no byline, every third is printed here in full."""
    page = f"https://news.example.org/clippings/{number}/story"
    link = f"https://paper{number}.example.com/2026/11/{number}?a=1&b=2"
    return DigestItem(
        number=number,
        headline=f"{HEADLINES[number % 4]} {number}",
        url=page if number % 3 == 0 else link,
        page_url=page,
        link=link,
        dateline="March 2009" if number % 4 == 0 else "14 November 2026",
        publication="" if number % 5 == 0 else "Example Herald",
        place="WA" if number % 2 else "",
        byline="Jo Writer" if number % 2 else "",
        deck="Two lines that say more" if number % 6 == 1 else "",
        summary=f"The first {number} cases were heard this month in a room lent by the library. " * (number % 3),
    )


def page(total: int) -> DigestPage:
    """A digest of `total` items in two sections."""
    items = tuple(item(number) for number in range(1, total + 1))
    return DigestPage(
        site=SITE,
        digest=DigestLines("weekly", "Weekly digest"),
        number=48,
        date=date(2026, 11, 26),
        note="Start with the first.\n\nIt is the hearing we waited for.",
        sections=(("Don’t miss", items[:2]), ("Latest news", items[2:])),
        partners=PARTNERS,
        view_url="https://news.example.org/editions/weekly/48",
        subscribe_url="https://news.example.org/subscribe",
        total=total,
    )


def digest(shown: DigestPage) -> Composition:
    """The composed mail of a page."""
    headers = Headers(
        sender="Coalition News <news@example.org>",
        reply_to=None,
        subject="",
        date=AT,
        list_id="Weekly digest <weekly.news.example.org>",
        list_unsubscribe_mailto=None,
        archive="https://news.example.org/editions/weekly",
        feedback_id="e48:weekly:digest:coalition",
        kind="digest",
        message_domain="news.example.org",
        language="en",
    )
    return compose(Renderer(None).render("digest", shown), headers, "edition-12")


def confirmation() -> Composition:
    """The composed letter that asks for a confirmation."""
    headers = Headers(
        sender="Coalition News <news@example.org>",
        reply_to=None,
        subject="",
        date=AT,
        list_id=None,
        list_unsubscribe_mailto=None,
        archive=None,
        feedback_id=None,
        kind="letter",
        message_domain="news.example.org",
        language="en",
    )
    return compose(Renderer(None).render("confirm", ConfirmPage(SITE, ("Weekly digest",))), headers, "letter")
