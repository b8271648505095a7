"""One page for each mail template, with every field filled, for tests that go over all of them."""

import dataclasses

from mails import SITE, item, page

from syndicate.mail.pages import (
    AppealLine,
    ConfirmPage,
    GoodbyePage,
    InvitationPage,
    LetterTestPage,
    NoticePage,
    Page,
    PartnerLine,
    WelcomePage,
)

DIGESTS = ("digest", "single", "correction")


def every_page(language: str = "en") -> dict[str, Page]:
    """The pages by the names of their templates, in this language."""
    site = dataclasses.replace(SITE, language=language)
    fixed = dataclasses.replace(item(1), correction="The hearing was on Tuesday, not on Monday.")
    digest = dataclasses.replace(
        page(6),
        site=site,
        language=language,
        more=(item(7), item(8)),
        rest=3,
        total=11,
        appeal=AppealLine("The legal fund has eleven days left.\n\nEvery gift counts.", "https://give.example/fund"),
    )
    digest = dataclasses.replace(digest, partners=(*digest.partners, PartnerLine("No Link Yet", "", "Still at work.")))
    single = dataclasses.replace(
        digest, sections=(("Don’t miss", (item(1),)),), more=(), rest=0, total=1, note=None, number=None
    )
    correction = dataclasses.replace(
        single, sections=(("Don’t miss", (fixed,)),), corrects_number=48, note="We gave the wrong day.", appeal=None
    )
    names = ("Weekly digest", "Daily <notes>")
    commands = ("syndicate edition approve 12", "syndicate edition cancel 12")
    return {
        "digest": digest,
        "single": single,
        "correction": correction,
        "confirm": ConfirmPage(site, names, language=language),
        "welcome": WelcomePage(site, names, "3 December 2026, 09:00", language=language),
        "goodbye": GoodbyePage(site, names, "https://news.example.org/subscribe", language=language),
        "test": LetterTestPage(site, "25 November 2026, 09:00", language=language),
        "notice": NoticePage(
            site,
            "waits",
            digest="Weekly digest",
            edition=12,
            reason="approval void: a clipping in it was retracted",
            commands=commands,
            link="https://news.example.org/editions/weekly",
            language=language,
        ),
        "invitation": InvitationPage(site, "approver", "Jo Writer", language=language),
    }
