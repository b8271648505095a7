"""Conditional requests: whether what a client holds is still good (RFC 9110 §13)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers
from starlette.responses import Response

from feeds.dates import rfc822

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def conditional(
    request: Headers, data: bytes, *, etag: str, modified: datetime | None, headers: Mapping[str, str]
) -> Response:
    """`data` with its validators, or 304 without it when the client's copy is current.

    `etag` is quoted; `headers` go with both answers (RFC 9110 §15.4.5 wants them on a 304 too), but for the type.
    """
    validators = {"etag": etag, **headers}
    if modified is not None:
        validators["last-modified"] = rfc822(modified)  # RFC 9110 §5.6.7 asks for the same form
    if still_good(request, etag, modified):
        return Response(status_code=304, headers={k: v for k, v in validators.items() if k != "content-type"})
    return Response(data, headers=validators)


def still_good(request: Headers, etag: str, modified: datetime | None) -> bool:
    """Whether the conditions of a GET say that the client's copy is current: If-None-Match where there is one (a list,
    `*`, weak tags), else If-Modified-Since."""
    named = ", ".join(request.getlist("if-none-match"))
    if named:
        return named.strip() == "*" or any(tag.removeprefix("W/") == etag for tag in _ETAG.findall(named))
    since = request.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except (ValueError, OverflowError, IndexError, TypeError):  # all of these for text that is no date
        return False
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return modified.replace(microsecond=0) <= aware


def settled(modified: datetime, now: datetime) -> datetime | None:
    """`modified` once its second is over, else None: within that second (or before it, as clippings published at
    once have seconds of their own that lie ahead) the document may change again without a later date, and a client
    that knows dates only would keep the old one (RFC 9110 §8.8.2)."""
    return modified if modified.replace(microsecond=0) + timedelta(seconds=1) <= now else None
