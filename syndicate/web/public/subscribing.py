"""The sign-up form: shown on the home page and its own, answered alike for every address."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from starlette.responses import Response

from subscribers.budgets import network_of
from subscribers.errors import InvalidAddress
from syndicate.config import Config
from syndicate.signup import UnknownDigest
from syndicate.web.public.cadence import cadence
from syndicate.web.public.forms import Fields, form_token, judge_form_token, read_fields
from syndicate.web.public.refusals import refusal_page
from syndicate.web.public.routing import act, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import View
from syndicate.web.public.visitor import client_address

# Seen by programs only: style puts it off the screen and out of the reading and tab order.
TRAP = "topic"
PATH = "/subscribe"
_RETRY_SECONDS = "3600"

_TOO_SOON = "That was faster than people type. Please look once more and press the button again."
_TOO_OLD = "This page was open for more than a day. Please press the button again."
_NO_ADDRESS = "This is no e-mail address that we can write to. Look for a typing error."
_NOTHING_TICKED = "Please tick what you would like to get."
_NOT_OURS = "This form did not come whole. Please press the button again."


@dataclass(frozen=True)
class Choice:
    """A digest as a box to tick: its name and when it comes, in words."""

    slug: str
    name: str
    when: str
    ticked: bool


@dataclass(frozen=True)
class Form:
    """The form as it is shown: what was typed before stays, and `fault` says what is wrong with it."""

    token: str
    choices: tuple[Choice, ...]
    words: str
    email: str = ""
    fault: str = ""


def choices(config: Config, ticked: Sequence[str]) -> tuple[Choice, ...]:
    """The digests of a site as boxes, those of `ticked` ticked."""
    return tuple(Choice(d.slug, d.name, cadence(d, config.zone), d.slug in ticked) for d in config.digests)


def consent_words(config: Config) -> str:
    """What stands beside the button, and is kept as what the person agreed to."""
    return (
        f"{config.site.name} may send me the newsletters ticked here by e-mail. I confirm by a link that comes by "
        "mail; each mail has a link to leave. No tracking."
    )


class SignUpForm:
    """Makes the form."""

    def __init__(self, site: PublicSite) -> None:
        self._site = site

    def fresh(self, *, email: str = "", ticked: Sequence[str] | None = None, fault: str = "", token: str = "") -> Form:
        """A form handed out now (or still under its earlier `token`). Unless told otherwise the first digest is
        ticked."""
        config = self._site.config
        chosen = (config.digests[0].slug,) if ticked is None else ticked
        return Form(
            token=token or form_token(self._site.keys.tokens, self._site.clock()),
            choices=choices(config, chosen),
            words=consent_words(config),
            email=email,
            fault=fault,
        )


class Subscribing:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View, form: SignUpForm) -> None:
        self._site = site
        self._view = view
        self._form = form

    def attach(self, app: FastAPI) -> None:
        """Give `app` the form."""
        show(app, PATH, self.form)
        act(app, PATH, self.subscribe)

    def form(self) -> Response:
        """The empty form."""
        return self._view.page("subscribe.html", "Subscribe", path=PATH, form=self._form.fresh())

    def subscribe(self, request: Request, fields: Annotated[Fields, Depends(read_fields)]) -> Response:
        """Note who asked and let their confirmation go out. Same page for every address, and for a filled trap."""
        if fields.one(TRAP).strip():
            return self._asked()
        again = self._unready(fields)
        if again is not None:
            return again
        site = self._site
        address = client_address(request, site.config.web.trusted_proxies)
        try:
            with site.database.write() as session:
                outcome = site.signup.ask(
                    session,
                    fields.one("email"),
                    fields.all("digest"),
                    way="form",
                    words=consent_words(site.config),
                    source=PATH,
                    network=network_of(address) if address else None,
                    now=site.clock(),
                )
        except InvalidAddress:
            return self._again(fields, _NO_ADDRESS, token=fields.one("token"))
        except UnknownDigest:
            return self._again(fields, _NOTHING_TICKED, token=fields.one("token"))
        if outcome == "too-many":
            return refusal_page(self._view, HTTPStatus.TOO_MANY_REQUESTS, headers={"retry-after": _RETRY_SECONDS})
        site.wake()
        return self._asked()

    def _unready(self, fields: Fields) -> Response | None:
        token = fields.one("token")
        verdict = judge_form_token(self._site.keys.tokens, token, self._site.clock())
        if verdict == "early":
            # The same token again: a new one would be too young once more.
            return self._again(fields, _TOO_SOON, token=token)
        if verdict == "good":
            return None
        return self._again(fields, _TOO_OLD if verdict == "old" else _NOT_OURS)

    def _again(self, fields: Fields, fault: str, *, token: str = "") -> Response:
        form = self._form.fresh(email=fields.one("email"), ticked=fields.all("digest"), fault=fault, token=token)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._view.page("subscribe.html", "Subscribe", path=PATH, status=status, form=form)

    def _asked(self) -> Response:
        headers = {"cache-control": "no-store"}
        sender = self._site.config.mail.from_address
        return self._view.page("asked.html", "Look in your mailbox", headers=headers, sender=sender)
