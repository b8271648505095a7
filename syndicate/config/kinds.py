"""The kinds of values that settings hold: each reads one value, makes it canonical, or says what is wrong with it.

A refusal is a ValueError of one clear line; pydantic collects them all. No file, no network, no clock.
"""

import re
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from syndicate.config.texts import (
    address,
    clean_text,
    database_url,
    domain,
    file_path,
    host,
    maybe_line,
    network,
    one_line,
    paragraph,
    selector,
    sender,
    site_url,
    web_url,
)
from syndicate.timetable import BadSchedule
from syndicate.timetable import parse as parse_schedule

LONGEST = timedelta(days=3650)

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# RFC 5646 §2.1, without the grandfathered tags.
_LANGUAGE = re.compile(
    r"[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-x(?:-[A-Za-z0-9]{1,8})+)?"
)


def slug(value: str) -> str:
    """A short name for addresses: `weekly`, `dont-miss`."""
    if not _SLUG.fullmatch(value):
        raise ValueError(
            f"{value!r:.60} is no slug: lower-case letters, digits and hyphens, a letter first, at most 32"
        )
    return value


def plain_name(value: str) -> str:
    """A name that is safe as a folder's: letters, digits, - and _."""
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r:.60} is no plain name: letters, digits, - and _, at most 64")
    return value


def duration(value: object) -> object:
    """`"30s"`, `"10m"`, `"6h"`, `"14d"` as a timedelta; a timedelta stays as it is."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError('expected a duration in quotes, such as "30s", "10m", "6h" or "14d"')
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if length > LONGEST:
        raise ValueError(f"is too long: at most {LONGEST.days}d")
    return length


def not_zero(value: timedelta) -> timedelta:
    """A duration of something that must last."""
    if not value:
        raise ValueError("must be longer than nothing")
    return value


def language(value: str) -> str:
    """A well-formed language tag (BCP 47, RFC 5646)."""
    if not _LANGUAGE.fullmatch(value):
        raise ValueError(f'{value!r:.60} is no language tag: write "en", "pt-BR", "zh-Hant" …')
    return value


def timezone(value: str) -> str:
    """The name of a zone that exists: `America/New_York`."""
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):  # OSError: a folder of the zone database, such as "America"
        near = get_close_matches(value, sorted(available_timezones()), n=1)
        hint = f"did you mean {near[0]}?" if near else 'write it as "America/New_York" or "UTC"'
        raise ValueError(f"there is no time zone {value!r:.60}: {hint}") from None
    return value


def schedule(value: str) -> str:
    """The text of a schedule that syndicate.timetable can read."""
    try:
        parse_schedule(value)
    except BadSchedule as error:
        raise ValueError(str(error)) from None
    return value


def no_truth(value: object) -> object:
    """`true` is not the number 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


def by_comma(value: object) -> object:
    """One text of several values (`a, b` or `[a, b]`, as the environment holds it) as a list; all else stays."""
    if not isinstance(value, str):
        return value
    return [part.strip(" \"'") for part in value.strip().strip("[]").split(",") if part.strip()]


Text = Annotated[str, AfterValidator(one_line)]
Line = Annotated[str, AfterValidator(maybe_line)]
Words = Annotated[str, AfterValidator(clean_text)]
Paragraph = Annotated[str, AfterValidator(paragraph)]
FilePath = Annotated[Path, BeforeValidator(file_path)]
Slug = Annotated[str, AfterValidator(slug)]
Selector = Annotated[str, AfterValidator(selector)]
PlainName = Annotated[str, AfterValidator(plain_name)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Lasting = Annotated[Duration, AfterValidator(not_zero)]
Address = Annotated[str, AfterValidator(address)]
Sender = Annotated[str, AfterValidator(sender)]
Domain = Annotated[str, AfterValidator(domain)]
Host = Annotated[str, AfterValidator(host)]
Network = Annotated[str, AfterValidator(network)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(by_comma)]
WebUrl = Annotated[str, AfterValidator(web_url)]
SiteUrl = Annotated[str, AfterValidator(site_url)]
DatabaseUrl = Annotated[str, AfterValidator(database_url)]
Language = Annotated[str, AfterValidator(language)]
Timezone = Annotated[str, AfterValidator(timezone)]
ScheduleText = Annotated[str, AfterValidator(schedule)]
