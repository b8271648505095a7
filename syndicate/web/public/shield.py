"""What stands in front of every page: requests that no page could answer are refused, and every answer gets the
headers that keep a browser from doing more than showing it."""

import asyncio
import re
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndicate.web.public.headers import HEADERS
from syndicate.web.public.refusals import refusal_page
from syndicate.web.public.view import View

LONGEST_PATH = 2_000
LONGEST_QUERY = 2_000
LARGEST_BODY = 64 * 1024
MOST_POURED_AWAY = 32 * 1024 * 1024
# A form of 64 KB takes a second over the slowest line; who takes longer holds a connection for nothing.
PATIENCE_SECONDS = 20.0
# Who sends nothing for so long has stopped, and listens.
PAUSE_SECONDS = 1.0

_ABSOLUTE = re.compile(rb"https?://[^/]*", re.IGNORECASE)


class Shield:
    """ASGI middleware around the public site."""

    def __init__(self, app: ASGIApp, *, view: View) -> None:
        self._app = app
        self._view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a hopeless request at once, else pass it on; in both cases with our headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bare = scope["method"] == "HEAD"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif bare and message["type"] == "http.response.body":
                message = {**message, "body": b""}  # RFC 9110 §9.3.2: the headers of GET, no content
            await send(message)

        status = refused(scope)
        if status is None:
            await self._app(in_origin_form(scope), receive, answer)
        else:
            if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                await pour_away(scope, receive)
            await refusal_page(self._view, status)(scope, receive, answer)


async def pour_away(scope: Scope, receive: Receive) -> None:
    """Read what still comes of a body that is refused, within bounds: who sends before listening would otherwise
    find the connection reset, and never hear why. Who asks first (RFC 9110 §10.1.1) is told at once."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return
    poured, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while more and poured < MOST_POURED_AWAY:
                async with asyncio.timeout(PAUSE_SECONDS):
                    message = await receive()
                poured += len(message.get("body", b""))
                more = bool(message.get("more_body"))


def in_origin_form(scope: Scope) -> Scope:
    """The same request as if its target named no host: a server must take `GET http://any.host/about` for
    `GET /about` (RFC 9112 §3.2.2), and we answer under any host."""
    whole: bytes = scope.get("raw_path") or b""
    host = _ABSOLUTE.match(whole)
    if host is None:
        return scope
    path = whole[host.end() :] or b"/"
    return {**scope, "raw_path": path, "path": unquote_to_bytes(path).decode()}


def refused(scope: Scope) -> HTTPStatus | None:
    """Why a request cannot be meant for us (the status to answer), or None: its path and query must be UTF-8 without
    control characters and not endless, its body small."""
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    query: bytes = scope["query_string"]
    if len(path) > LONGEST_PATH or len(query) > LONGEST_QUERY:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    if not (_clean(path) and _clean(query)):
        return HTTPStatus.BAD_REQUEST
    for name, value in scope["headers"]:
        if name == b"content-length" and not value.isdigit():
            return HTTPStatus.BAD_REQUEST
        if name == b"content-length" and int(value[:20]) > LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return None


def _clean(quoted: bytes) -> bool:
    raw = unquote_to_bytes(quoted)
    if any(byte < 32 or byte == 127 for byte in raw):
        return False
    try:
        raw.decode("utf-8")  # strict: a lone surrogate in UTF-8 is refused too
    except UnicodeDecodeError:
        return False
    return True
