"""The dateline: when a source published, with its precision. Reads what newspapers print; never the clock."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton

from syndicate.errors import UsageError

FIRST_YEAR, LAST_YEAR = 1800, 2100
# A two-digit year from here on belongs to the last century.
CENTURY_TURN = 90

# Written out, because calendar.month_name follows the locale of the process.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")

MONTH_NAME = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
"""A pattern (case is to be ignored) for the name of a month as newspapers print it: "March", "Sept.", "Aug"."""
_MONTH = rf"(?P<month>{MONTH_NAME})"
# A double number ("March/April 2009", "August 10-16, 2004") carries the date of its first half.
_SECOND_MONTH = rf"(?:\s?[/–&-]\s?{MONTH_NAME})?"
_SECOND_DAY = r"(?:\s?[–-]\s?[0-9]{1,2})?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[0-9]{4}|['’][0-9]{2})"
_WEEKDAY = r"(?:(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s)?"

_PRINTED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_WEEKDAY}{_MONTH}\s{_DAY}{_SECOND_DAY},?\s{_YEAR}",
        rf"{_WEEKDAY}{_DAY}{_SECOND_DAY}\s{_MONTH},?\s{_YEAR}",
        rf"{_MONTH}{_SECOND_MONTH},?\s{_YEAR}",
        r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4}|[0-9]{2})",
        r"(?:(?:spring|summer|autumn|fall|winter),?\s)?(?P<year>[0-9]{4})",
        r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?",
    )
)
# Longer than any date in print; also keeps hostile input out of the patterns.
_LONGEST = 60


class BadDateline(UsageError):
    """The text is not a date that a newspaper could carry."""

    def __init__(self, text: str, why: str) -> None:
        shown = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
        super().__init__(f"{shown!r} is not a dateline: {why}")


@dataclass(frozen=True, order=True)
class Dateline:
    """A source's own date. `text` is ISO 8601 and its length is the precision: "2009", "2009-03", "2009-03-14".

    Any other text raises BadDateline, so that every Dateline that exists is a real date of 1800..2100.
    Datelines sort by time; of two that begin together the less precise comes first.
    """

    text: str

    def __post_init__(self) -> None:
        found = _ISO.fullmatch(self.text)
        if found is None:
            raise BadDateline(self.text, "write 2009, 2009-03 or 2009-03-14")
        _must_exist(self.text, *(int(part) for part in found.groups() if part))

    @classmethod
    def iso(cls, text: str) -> "Dateline":
        """The dateline written as "2009", "2009-03" or "2009-03-14". Raises BadDateline."""
        return cls(text.strip())

    @classmethod
    def printed(cls, text: str) -> "Dateline":
        """The dateline as newspapers print it: "March 2009", "Aug. 10, 2004", "10 August 2004", "2/6/09", "2009".

        Numbers are month/day/year. A two-digit year of 90..99 is of the last century. A season has the precision
        of its year, a double number ("March/April 2009") the date of its first half. Raises BadDateline.
        """
        plain = " ".join(text[: 4 * _LONGEST].split()).rstrip(",.")
        if len(plain) > _LONGEST:
            raise BadDateline(text, "it is longer than a date")
        for pattern in _PRINTED:
            found = pattern.fullmatch(plain)
            if found:
                parts = found.groupdict()
                numbers = [_year(parts["year"])]
                if parts.get("month"):
                    numbers.append(_month(parts["month"]))
                if parts.get("day"):
                    numbers.append(int(parts["day"]))
                _must_exist(plain, *numbers)
                return cls("-".join(f"{number:02d}" for number in numbers))
        raise BadDateline(plain, "write it like March 2009, August 10, 2004 or 2/6/09")

    @property
    def precision(self) -> Literal["year", "month", "day"]:
        """How much of the date is known."""
        match len(self.text):
            case 4:
                return "year"
            case 7:
                return "month"
            case _:
                return "day"

    @property
    def first_day(self) -> date:
        """The day itself, or the first one of the month or year."""
        year, month, day = (*self._numbers(), 1, 1)[:3]
        return date(year, month, day)

    def first_instant(self, zone: ZoneInfo) -> datetime:
        """The moment (aware, UTC) at which `first_day` began in `zone`, also where that day has no midnight."""
        first = self.first_day
        # fold=0: of a midnight that comes twice the first; one that is skipped counts with the offset before
        # the gap, which is exactly the instant of the gap.
        return datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)

    def display(self, language: str = "en") -> str:
        """For people: "2009", "March 2009", "14 March 2009", "marzo de 2009", with as much of the date as is known. A
        language that Babel does not know gets `text`."""
        year, *rest = self._numbers()
        if not rest:
            return str(year)
        if language.split("-", maxsplit=1)[0].lower() != "en":
            return self._translated(language)
        named = f"{MONTHS[rest[0] - 1]} {year}"
        return f"{rest[1]} {named}" if len(rest) == 2 else named

    def _translated(self, language: str) -> str:
        try:
            locale = Locale.parse(language, sep="-")
        except (ValueError, UnknownLocaleError):
            return self.text
        if self.precision == "month":
            return format_skeleton("yMMMM", self.first_day, locale=locale)
        return format_date(self.first_day, "long", locale=locale)

    def _numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.text.split("-"))

    def __str__(self) -> str:
        return self.text


def _year(text: str) -> int:
    digits = text.lstrip("'’")
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= CENTURY_TURN else 2000)


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(number for number, name in enumerate(MONTHS, 1) if name.lower().startswith(text[:3].lower()))


def _must_exist(text: str, year: int, month: int = 1, day: int = 1) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise BadDateline(text, f"the year must be in {FIRST_YEAR}..{LAST_YEAR}")
    if not 1 <= month <= 12:
        raise BadDateline(text, f"there is no month {month}")
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise BadDateline(text, f"{MONTHS[month - 1]} {year} has no day {day}")
