"""What comes in by form, read strictly; and the form token that says when a form was handed out."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from subscribers.tokens import TokenKeys
from syndicate.web.public.shield import LARGEST_BODY, PATIENCE_SECONDS, pour_away

LONGEST_FIELD = 2_000
MOST_FIELDS = 50
YOUNGEST = timedelta(seconds=3)
OLDEST = timedelta(days=1)

_PURPOSE = "form"
_OTHER_CHARSET = re.compile(r';\s*charset\s*=(?!\s*"?utf-?8"?\s*(?:;|$))', re.IGNORECASE)


@dataclass(frozen=True)
class Fields:
    """The fields of a form, each with its values in order. Text without control characters but line breaks."""

    values: Mapping[str, tuple[str, ...]]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field; none if it is absent."""
        return self.values.get(name, ())

    def one(self, name: str) -> str:
        """The value of a field that a form has once, "" if it is absent. Twice is a 422."""
        found = self.all(name)
        if len(found) > 1:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"The form says “{name}” more than once.")
        return found[0] if found else ""


async def read_fields(request: Request) -> Fields:
    """The form of a request, urlencoded (also without a type: some mail programs' one click
    has none) or multipart; no body is an empty form.

    Raises HTTPException: 413 over 64 KB, 415 for another type or character set, 400 for what is no form or did not
    come whole, 408 for what does not come within 20 seconds, 422 for a field that no person could have meant.
    """
    body = await _body(request)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        pairs = await _multipart(request, body)
    elif kind in ("application/x-www-form-urlencoded", "") or not body:
        pairs = _urlencoded(body)
    else:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        _check(name)
        _check(value)
        values[name] = (*values.get(name, ()), value)
    return Fields(values)


def form_token(keys: TokenKeys, now: datetime) -> str:
    """A token for a form that is handed out now. It holds the time and our signature, and is kept nowhere."""
    return keys.sign(_PURPOSE, str(int(now.timestamp())))


def judge_form_token(keys: TokenKeys, token: str, now: datetime) -> Literal["good", "early", "old", "forged"]:
    """Whether a form came back in the time that a person takes: after 3 seconds and within a day."""
    found = keys.read(_PURPOSE, token)
    if found is None:
        return "forged"
    age = now.timestamp() - int(found[0])
    if age < YOUNGEST.total_seconds():
        return "early"
    return "good" if age <= OLDEST.total_seconds() else "old"


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST_BODY:
                    await pour_away(request.scope, request.receive)
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except ClientDisconnect:
        # Nobody reads this answer, but half a form must neither act nor be logged as a fault of ours.
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The form did not come whole.") from None
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None
    return body


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # also a UnicodeDecodeError: the text is no UTF-8
        raise HTTPException(HTTPStatus.BAD_REQUEST, "What was sent is no form in UTF-8.") from None


async def _multipart(request: Request, body: bytes) -> list[tuple[str, str]]:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    # The parser would read in any character set that the client names, and what is no UTF-8 as if it were Latin-1.
    if _OTHER_CHARSET.search(request.headers["content-type"]):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the form in UTF-8.")
    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MOST_FIELDS)  # type: ignore[arg-type]
    try:
        body.decode()
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "What was sent is no form.") from None
    return [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]


def _check(text: str) -> None:
    if len(text) > LONGEST_FIELD:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "A field of the form is far too long.")
    if any((ord(c) < 32 and c not in "\t\r\n") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "A field of the form holds a control character.")
