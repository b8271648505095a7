"""The archive: everything that is public, by the month in which it stands."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from math import ceil

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from syndicate.clippings.store import ArchiveMonth, archive_months, in_month
from syndicate.datelines import MONTHS
from syndicate.web.public.items import item
from syndicate.web.public.routing import moved, show
from syndicate.web.public.site import PublicSite
from syndicate.web.public.view import View

# An imported archive may have thousands in one month (January, where only the year is known).
ON_PAGE = 100

_YEAR = re.compile(r"1[89][0-9]{2}|20[0-9]{2}|2100")
_MONTH = re.compile(r"0[1-9]|1[0-2]")
_PAGE = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Month:
    """A month with something in it."""

    href: str
    name: str
    clippings: int


@dataclass(frozen=True)
class Year:
    """A year with its months, the first one first."""

    year: int
    href: str
    months: tuple[Month, ...]
    clippings: int


class Archive:
    """The endpoints of this room."""

    def __init__(self, site: PublicSite, view: View) -> None:
        self._site = site
        self._view = view

    def attach(self, app: FastAPI) -> None:
        """Give `app` these pages."""
        show(app, "/archive", self.all_years)
        show(app, "/archive/{year}", self.one_year)
        show(app, "/archive/{year}/{month}", self.one_month)

    def all_years(self) -> Response:
        """Every year with its months."""
        return self._view.page("archive.html", "Archive", path="/archive", years=self._years())

    def one_year(self, year: str) -> Response:
        """One year with its months; 404 where nothing stands."""
        years = tuple(found for found in self._years() if str(found.year) == year)
        if not years:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return self._view.page("archive.html", f"Archive: {year}", path=f"/archive/{year}", years=years)

    def one_month(self, year: str, month: str, page: str = "1") -> Response:
        """The clippings of one month, a hundred to a page, the newest first; a month that has none says so."""
        if re.fullmatch("[1-9]", month) and _YEAR.fullmatch(year):
            return moved(f"/archive/{year}/0{month}")
        if not (_YEAR.fullmatch(year) and _MONTH.fullmatch(month) and _PAGE.fullmatch(page)):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        config = self._site.config
        with self._site.database.read() as session:
            found = in_month(session, int(year), int(month), config.zone)
            number, last = int(page), max(1, ceil(len(found) / ON_PAGE))
            if number > last:
                raise HTTPException(HTTPStatus.NOT_FOUND)
            items = tuple(item(clipping, config) for clipping in found[(number - 1) * ON_PAGE : number * ON_PAGE])
        title = f"{MONTHS[int(month) - 1]} {year}"
        place = f"/archive/{year}/{month}"
        return self._view.page(
            "month.html",
            title,
            path=_page(place, number),
            items=items,
            year=year,
            number=number,
            last=last,
            later=_page(place, number - 1) if number > 1 else "",
            earlier=_page(place, number + 1) if number < last else "",
        )

    def _years(self) -> tuple[Year, ...]:
        with self._site.database.read() as session:
            months = archive_months(session, self._site.config.zone)
        return tuple(_year(year, tuple(group)) for year, group in groupby(months, key=lambda month: month.year))


def _page(place: str, number: int) -> str:
    return place if number == 1 else f"{place}?page={number}"


def _year(year: int, months: tuple[ArchiveMonth, ...]) -> Year:
    shown = tuple(Month(f"/archive/{year}/{m.month:02}", MONTHS[m.month - 1], m.clippings) for m in sorted(months))
    return Year(year, f"/archive/{year}", shown, sum(month.clippings for month in shown))
