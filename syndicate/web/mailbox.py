"""The demo's mailbox: shows the mails that the catcher kept. It stands in front of the public site."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from fastapi import FastAPI, HTTPException
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

from syndicate.catcher import caught
from syndicate.template_folder import templates_root

_LISTED = 100
_PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'"
# The mail itself may style itself, and its links may open; nothing else.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-top-navigation-by-user-activation"
)


@dataclass(frozen=True)
class Kept:
    """A mail as the mailbox lists it."""

    number: int
    subject: str
    sender: str
    to: str
    time: str


def with_mailbox(site: object, folder: Path, site_url: str) -> FastAPI:
    """An ASGI application with `/mailbox` in front of `site`. Links to `site_url` in a mail open on this server."""
    mailbox = _Mailbox(folder, site_url)
    app = FastAPI(title="Mailbox", openapi_url=None, redirect_slashes=False)
    methods = ["GET", "HEAD"]
    app.add_api_route("/static/mailbox.css", mailbox.style, methods=methods, response_class=Response)
    app.add_api_route("/mailbox", mailbox.all_mails, methods=methods, response_class=HTMLResponse)
    app.add_api_route("/mailbox/{number}", mailbox.one, methods=methods, response_class=HTMLResponse)
    app.add_api_route("/mailbox/{number}/html", mailbox.html, methods=methods, response_class=HTMLResponse)
    app.add_api_route("/mailbox/{number}/source", mailbox.source, methods=methods, response_class=PlainTextResponse)
    if not callable(site):
        raise TypeError("the site is no ASGI application")
    inner: ASGIApp = site
    app.mount("/", inner)
    return app


class _Mailbox:
    def __init__(self, folder: Path, site_url: str) -> None:
        self._folder = folder
        self._site_url = site_url
        self._templates = Environment(
            loader=FileSystemLoader(templates_root() / "web" / "mailbox"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def all_mails(self, to: str = "") -> HTMLResponse:
        wanted = to.strip()[:100].lower()
        kept = reversed(caught(self._folder))
        paths = [mail.path for mail in kept if wanted in mail.recipient.lower()]
        mails = [_kept(path) for path in paths[:_LISTED]]
        return self._page("list.html", mails=mails, total=len(paths), wanted=wanted)

    def style(self) -> Response:
        return Response((templates_root() / "web" / "mailbox" / "mailbox.css").read_bytes(), media_type="text/css")

    def one(self, number: int) -> HTMLResponse:
        path = self._path(number)
        message = _read(path)
        fields = [(name, str(value)) for name, value in message.items()]
        plain = message.get_body(("plain",))
        text = str(plain.get_content()) if plain else ""
        return self._page("mail.html", mail=_kept(path), fields=fields, text=text)

    def html(self, number: int) -> HTMLResponse:
        body = _read(self._path(number)).get_body(("html",))
        text = str(body.get_content()) if body else "<p>This mail has no HTML part.</p>"
        # Only what is shown is changed; the file stays as it was received.
        shown = text.replace(f'href="{self._site_url}/', 'href="/').replace(f'href="{self._site_url}"', 'href="/"')
        shown = shown.replace("<head>", '<head><base target="_top">', 1)
        return HTMLResponse(shown, headers={"content-security-policy": _MAIL_POLICY, "cache-control": "no-store"})

    def source(self, number: int) -> PlainTextResponse:
        return PlainTextResponse(self._path(number).read_bytes().decode("utf-8", "replace"))

    def _path(self, number: int) -> Path:
        path = self._folder / f"{number:04}.eml"
        if number < 1 or not path.is_file():
            raise HTTPException(404, "there is no such mail")
        return path

    def _page(self, template: str, **values: object) -> HTMLResponse:
        text = self._templates.get_template(template).render(values)
        return HTMLResponse(text, headers={"content-security-policy": _PAGE_POLICY, "cache-control": "no-store"})


def _read(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("the default policy makes EmailMessages")
    return message


def _kept(path: Path) -> Kept:
    message = _read(path)
    when = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%H:%M:%S UTC")
    return Kept(int(path.stem), str(message["Subject"]), str(message["From"]), str(message["To"]), when)
