"""Makes the mail of a letter, each kind from its own template, in the language of whoever gets it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property

from subscribers.undoing import UNDO
from syndicate.config import Config
from syndicate.datelines import Dateline
from syndicate.errors import SyndicateError
from syndicate.keys import SAMPLE, SiteKeys
from syndicate.mail.compose import Composition, Headers, compose
from syndicate.mail.headers import plain, unstructured
from syndicate.mail.pages import (
    ConfirmPage,
    GoodbyePage,
    InvitationPage,
    LetterPage,
    LetterTestPage,
    NoticePage,
    SiteLines,
    WelcomePage,
)
from syndicate.mail.personal import LetterRef, MailSite, Outgoing, letter_mail, preferences_url, unsubscribe_url
from syndicate.mail.render import Renderer
from syndicate.mail.sign import SigningKey
from syndicate.mail.words import longdate
from syndicate.outbox.jobs import LetterJob
from syndicate.timetable import parse

_FOR_LISTS = ("list-", "feedback-id", "precedence", "auto-submitted")
TRIAL_SUBJECT = "Test: "
"""What stands before the subject of an edition that is sent as a test."""


class UnknownLetter(SyndicateError):
    """A letter of a kind that there is no page for: a newer program filed it."""


@dataclass(frozen=True)
class LetterMaker:
    """Called with the job of a letter, gives its mail: the same bytes in every attempt, as all that it says comes from
    the job, the configuration and the templates. Raises UnknownLetter, TemplateFault, BadComposition."""

    config: Config
    keys: SiteKeys
    signing: Sequence[SigningKey]
    renderer: Renderer

    def __call__(self, job: LetterJob) -> Outgoing:
        trial = job.params.get("composition")
        composition = as_trial(Composition.from_bytes(trial.encode()), job.asked_at) if isinstance(trial, str) else None
        return letter_mail(
            composition or self._composed(job),
            to=job.address,
            letter=LetterRef(job.letter_id, job.uid, job.asked_at),
            site=self._site,
            keys=self.keys,
            signing=self.signing,
            values=self._values(job, sample=composition is not None),
        )

    @cached_property
    def _site(self) -> MailSite:
        return MailSite.of(self.config)

    def _composed(self, job: LetterJob) -> Composition:
        page = letter_page(self.config, job)
        headers = Headers(
            sender=self.config.mail.sender,
            reply_to=self.config.mail.reply_to,
            subject="",
            date=job.asked_at,
            list_id=None,
            list_unsubscribe_mailto=None,
            archive=None,
            feedback_id=None,
            kind="letter",
            message_domain=self.config.mail.list_domain,
            language=page.language,
        )
        return compose(self.renderer.render(job.kind, page), headers, job.uid)

    def _values(self, job: LetterJob, *, sample: bool) -> Mapping[str, str]:
        """What fills the slots, but for the confirmation link. No table holds a token: each is made from an uid."""
        url = self.config.site.url
        if sample:
            today = job.asked_at.astimezone(self.config.zone).date().isoformat()
            day = Dateline.iso(today).display(self.config.site.language)
            links = {"unsubscribe": f"{url}/unsubscribe/{SAMPLE}", "preferences": f"{url}/preferences/{SAMPLE}"}
            return {**links, "since": day}
        values = {"invitation": f"{url}/desk/invitation/{self.keys.invitation_token(job.uid)}"}
        person, digests = job.params.get("subscriber"), _texts(job, "digests")
        values["back"] = f"{url}/subscribe"
        if isinstance(person, str):
            values["preferences"] = preferences_url(self._site, self.keys, uid=person)
            if digests:  # the page of one brings back all that ended with it
                values["back"] = unsubscribe_url(self._site, self.keys, uid=person, digest=digests[0])
        return values


def letter_page(config: Config, job: LetterJob) -> LetterPage:
    """What the templates of this letter get. Pure. Raises UnknownLetter."""
    site = SiteLines.of(config.site)
    language = job.language if job.language in config.site.languages else config.site.language
    match job.kind:
        case "confirm":
            return ConfirmPage(site, _names(config, job), language=language)
        case "welcome":
            return WelcomePage(site, _names(config, job), next_at=_next_at(config, job, language), language=language)
        case "goodbye":
            return GoodbyePage(site, _names(config, job), f"{site.url}/subscribe", days=UNDO.days, language=language)
        case "test":
            return LetterTestPage(site, at=_moment(config, job.asked_at, language), language=language)
        case "notice":
            return NoticePage(
                site,
                occasion=_text(job, "occasion"),
                digest=_text(job, "digest"),
                edition=_number(job, "edition"),
                due=_due(_text(job, "slot"), language),
                reason=_text(job, "reason"),
                commands=_texts(job, "commands"),
                link=_text(job, "link"),
                language=language,
            )
        case "invitation":
            return InvitationPage(site, _text(job, "role"), _text(job, "invited_by"), language=language)
        case _:
            raise UnknownLetter(f"there is no letter of the kind {job.kind!r}")


def as_trial(composition: Composition, at: datetime) -> Composition:
    """The mail of an edition as a letter of that moment: the same bodies, "Test: " before the subject, and nothing in
    the header that belongs to a list."""
    subject = plain(TRIAL_SUBJECT + composition.subject)
    new = {"subject": unstructured("Subject", subject), "date": format_datetime(at)}
    first = tuple((name, new.get(name.lower(), value)) for name, value in composition.first_fields)
    kept = [field for field in composition.last_fields if not field[0].lower().startswith(_FOR_LISTS)]
    last = (*kept, ("Auto-Submitted", "auto-generated"))
    return replace(composition, subject=subject, first_fields=first, last_fields=last, mailto=None)


def _names(config: Config, job: LetterJob) -> tuple[str, ...]:
    asked = _texts(job, "digests")
    return tuple(digest.name for digest in config.digests if digest.slug in asked)


def _next_at(config: Config, job: LetterJob, language: str) -> str:
    """When the first of the digests comes after the letter was asked for, in words; "" if that cannot be told."""
    asked = _texts(job, "digests")
    schedules = [parse(digest.schedule) for digest in config.digests if digest.slug in asked]
    slots = [slot.at for schedule in schedules for slot in schedule.coming(config.zone, job.asked_at, 1)]
    return _moment(config, min(slots), language) if slots else ""


def _moment(config: Config, at: datetime, language: str) -> str:
    local = at.astimezone(config.zone)
    return f"{longdate(local.date(), language)}, {local:%H:%M}"


def _due(slot: str, language: str) -> str:
    """A slot time in words; what is none stays as it is."""
    try:
        local = datetime.fromisoformat(slot)
    except ValueError:
        return slot
    return f"{longdate(local.date(), language)}, {local:%H:%M}"


def _number(job: LetterJob, name: str) -> int:
    value = job.params.get(name)
    return value if isinstance(value, int) else 0


def _text(job: LetterJob, name: str) -> str:
    value = job.params.get(name)
    return value if isinstance(value, str) else ""


def _texts(job: LetterJob, name: str) -> tuple[str, ...]:
    value = job.params.get(name)
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list | tuple) else ()
