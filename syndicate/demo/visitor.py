"""A person with a browser and a mailbox: subscribes on the site, reads the mail, presses the button."""

import re
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email import message_from_bytes, policy
from html import unescape

from syndicate.catcher import Catcher
from syndicate.errors import SyndicateError

ADDRESS = "new.reader@example.net"
_FORM_SECONDS = 3.2  # a form that comes back sooner was not filled in by a person
_MAIL_SECONDS = 30.0


class DemoFailed(SyndicateError):
    """Something that the demo shows did not happen."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who visits the site at `address` (ends with a slash); its mails arrive in `catcher`."""

    address: str
    site_url: str
    catcher: Catcher

    def subscribe(self, digest: str) -> None:
        """Fill in the form on the page and send it."""
        page = self._get("subscribe")
        fields = dict(_hidden_fields(page))
        fields |= {"email": ADDRESS, "digest": digest}
        time.sleep(_FORM_SECONDS)
        self._post("subscribe", fields)

    def confirm(self) -> None:
        """Wait for the mail, follow its link and press the button there."""
        path = self._confirmation_link().removeprefix(self.site_url + "/")
        page = self._get(path)
        self._post(path, dict(_hidden_fields(page)))

    def _confirmation_link(self) -> str:
        end = time.monotonic() + _MAIL_SECONDS
        while time.monotonic() < end:
            for mail in self.catcher.caught():
                if mail.recipient == ADDRESS:
                    text = _text(mail.path.read_bytes())
                    found = re.search(rf"{re.escape(self.site_url)}/confirm/\S+", text)
                    if found:
                        return found.group()
            time.sleep(0.05)
        raise DemoFailed(f"no confirmation mail arrived within {_MAIL_SECONDS:.0f} s")

    def _get(self, path: str) -> str:
        return self._open(urllib.request.Request(self.address + path))  # noqa: S310 - our own server

    def _post(self, path: str, fields: dict[str, str]) -> str:
        data = urllib.parse.urlencode(fields).encode()
        return self._open(urllib.request.Request(self.address + path, data=data))  # noqa: S310 - our own server

    def _open(self, request: urllib.request.Request) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise DemoFailed(f"{request.get_method()} {request.full_url} was answered with {error.code}") from None


def _hidden_fields(page: str) -> list[tuple[str, str]]:
    """The hidden inputs of the form on a page."""
    inputs = re.findall(r"<input\b[^>]*type=[\"']hidden[\"'][^>]*>", page)
    return [(_attribute(tag, "name"), _attribute(tag, "value")) for tag in inputs]


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\b{name}=[\"']([^\"']*)[\"']", tag)
    return unescape(found.group(1)) if found else ""


def _text(data: bytes) -> str:
    part = message_from_bytes(data, policy=policy.default).get_body(("plain",))
    return str(part.get_content()) if part else ""
