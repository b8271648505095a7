"""How the site says no: one plain page for every status, in words that say what to do."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from subscribers.stoplist import StopListFault
from syndicate.errors import NotFound
from syndicate.web.public.headers import HEADERS
from syndicate.web.public.view import View

_log = logging.getLogger(__name__)

_WORDS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("That address is broken", "It holds characters that no address of ours has. Look for a typing error."),
        404: ("There is nothing here", "The address may be mistyped, or the page may never have been."),
        405: ("This page cannot do that", "Open it in a browser and use its buttons."),
        408: ("That took too long", "The form did not come whole in time. Go back and send it again."),
        409: ("That no longer fits", "Something has changed meanwhile. Open the page again and look."),
        410: ("This was withdrawn", "The editors have taken it down; it will not come back at this address."),
        413: ("That is too much", "What was sent is larger than anything this page needs. Send less."),
        414: ("That address is too long", "No address of ours is so long. Look for a copying error."),
        415: ("That is no form", "This page reads forms as a browser sends them, nothing else."),
        422: ("That could not be read", "Something in the form is missing or cannot be right. Go back and look at it."),
        429: ("Too many requests", "From your network more has been asked than we can answer. Try again in an hour."),
        503: ("One moment please", "The database is busy or away. Nothing was changed. Try again in a minute."),
        500: (
            "That went wrong",
            "The fault is ours and has been written down. Nothing was half done. Try again later.",
        ),
    }
)


def refusal_page(
    view: View, status: int, *, text: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The page for a status; `text` says more exactly what is wrong than the usual words."""
    heading, usual = _WORDS.get(status, (HTTPStatus(status).phrase, "This cannot be answered."))
    return view.page("refusal.html", heading, status=status, headers=headers, heading=heading, text=text or usual)


def attach_refusals(app: FastAPI, view: View) -> None:
    """Let every error of `app` end on such a page."""

    def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        said = error.detail if isinstance(error, HTTPException) else None
        text = said if isinstance(said, str) and said != HTTPStatus(status).phrase else None
        given = (error.headers if isinstance(error, HTTPException) else None) or {}
        headers = {name.lower(): value for name, value in given.items()}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["allow"] = allowed(app.routes, request)
        return refusal_page(view, status, text=text, headers=headers)

    def malformed(_request: Request, _error: Exception) -> Response:
        return refusal_page(view, HTTPStatus.UNPROCESSABLE_ENTITY)

    def away(request: Request, error: Exception) -> Response:
        _log.error("the database did not answer %s", request.url.path, exc_info=error)
        return refusal_page(view, HTTPStatus.SERVICE_UNAVAILABLE, headers={"retry-after": "60"})

    def unkept(request: Request, error: Exception) -> Response:
        # Nobody is told that they have left before it is written where no restore can undo it.
        _log.error("nothing was changed by %s: %s", request.url.path, error)
        return refusal_page(view, HTTPStatus.SERVICE_UNAVAILABLE, headers={"retry-after": "60"})

    def failed(request: Request, error: Exception) -> Response:
        # This one is called outside the shield, which therefore cannot add its headers.
        _log.error("no answer to %s", request.url.path, exc_info=error)
        return refusal_page(view, HTTPStatus.INTERNAL_SERVER_ERROR, headers=HEADERS)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(NotFound, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(OperationalError, away)
    app.add_exception_handler(StopListFault, unkept)
    app.add_exception_handler(Exception, failed)


def allowed(routes: list[BaseRoute], request: Request) -> str:
    """All methods that the address of a request has, as the Allow header wants them (RFC 9110 §10.2.1)."""
    methods: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))
