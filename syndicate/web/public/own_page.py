"""A subscriber's own page as it is shown: what comes and how, and the way to everything else that is theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType

from babel import Locale
from starlette.exceptions import HTTPException
from starlette.responses import Response

from subscribers.pausing import LONGEST
from syndicate.datelines import Dateline
from syndicate.keys import SAMPLE
from syndicate.web.public.headers import PERSONAL
from syndicate.web.public.people import SAMPLE_WORDS, Person, person, preferences_path
from syndicate.web.public.site import PublicSite
from syndicate.web.public.subscribing import choices
from syndicate.web.public.view import View

PATH = "/preferences/{token}"
NOT_OURS = "This is no link of ours. Look whether it was copied whole, or use the link in another mail."
NOT_SUBSCRIBED = "You are not subscribed any more. To come back, use the sign-up form."
_WHY_NOT: Mapping[str, str] = MappingProxyType(
    {
        "hard-bounce": "a mail to it came back as undeliverable",
        "complaint": "one of our mails was reported as spam from it",
        "by-hand": "the editors have noted that it must not be written to",
    }
)


@dataclass(frozen=True)
class Tongue:
    """A language to choose: its tag, its own name for itself, and whether it is the chosen one."""

    tag: str
    name: str
    chosen: bool


class OwnPage:
    """Shows the page of whoever holds its token."""

    def __init__(self, site: PublicSite, view: View) -> None:
        self._site = site
        self._view = view

    def look(self, token: str) -> Response:
        """The page as things are. Changes nothing."""
        uid = self.uid(token)
        with self._site.database.read() as session:
            who = person(session, uid, self._site.clock())
        return self.show(who)

    def uid(self, token: str) -> str:
        """Whom a token names. Raises HTTPException 404 for the sample, and for what is no such token of ours."""
        if token == SAMPLE:
            raise HTTPException(HTTPStatus.NOT_FOUND, SAMPLE_WORDS)
        uid = self._site.keys.read_preferences(token)
        if uid is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, NOT_OURS)
        return uid

    def show(self, who: Person | None, *, done: str = "", fault: str = "") -> Response:
        """The page of this person: what was `done`, or a `fault` of what was asked, stands on top."""
        if who is None:
            return self._view.page("nobody.html", "This link is of nobody any more", headers=PERSONAL)
        own, config = preferences_path(self._site.keys, who.uid), self._site.config
        if who.state != "confirmed":
            return self._view.page("left.html", "You are not subscribed", headers=PERSONAL, own=own, done=done)
        today = self._site.clock().astimezone(config.zone).date()
        return self._view.page(
            "preferences.html",
            "What you get",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            headers=PERSONAL,
            own=own,
            masked=who.masked,
            choices=choices(config, who.active),
            tongues=tongues(config.site.languages, who.language),
            paused=self.day(who.paused_until) if who.paused_until else "",
            earliest=(today + timedelta(days=1)).isoformat(),
            latest=(today + LONGEST - timedelta(days=1)).isoformat(),
            unreachable=_WHY_NOT.get(who.suppressed, who.suppressed) if who.suppressed else "",
            share=f"{config.site.url}/subscribe",
            done=done,
            fault=fault,
        )

    def day(self, moment: datetime) -> str:
        """The local day of a moment, in words."""
        local = moment.astimezone(self._site.config.zone).date()
        return Dateline.iso(local.isoformat()).display("en")


def tongues(languages: tuple[str, ...], chosen: str) -> tuple[Tongue, ...]:
    """The languages to choose from, none if there is only one; for one that is gone the first is chosen."""
    if len(languages) < 2:
        return ()
    now = chosen if chosen in languages else languages[0]
    return tuple(Tongue(tag, _name_of(tag), tag == now) for tag in languages)


def _name_of(tag: str) -> str:
    try:
        name = Locale.parse(tag, sep="-").get_display_name()
    except (ValueError, LookupError):
        name = None
    return name[:1].upper() + name[1:] if name else tag
